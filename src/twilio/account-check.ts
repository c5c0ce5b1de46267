import { z } from 'zod';
import { fail, ok, type Result } from '../core/errors.ts';
import type { TwilioClient } from './client.ts';
import type { TwilioCredentials } from './credentials.ts';
import type { TwilioFailure } from './failure.ts';

/** What credentials open: a Standard key everything but the account itself and its keys. */
export type CredentialPower = 'token' | 'main-key' | 'standard-key';

/** What Twilio says of the account; absent where the credentials do not open it. */
export interface AccountFacts {
  readonly power: CredentialPower;
  /** `Full` or `Trial`. */
  readonly type?: string;
}

const accountShape = z.object({ status: z.string(), type: z.string().nullish() });

/** Paths that a Standard key gets 401 on although it is good. */
const forMainKeys = /^\/2010-04-01\/Accounts(\.json|\/[^/]+\.json|\/[^/]+\/(Signing)?Keys(\.json|\/.*))$/;

/** Whether a request for this path says something about the credentials, however it ends. */
export const isTelling = (path: string): boolean => !forMainKeys.test(path);

/** Asks Twilio whether it takes the credentials, and what they open. At most two requests. */
export async function checkAccount(
  client: TwilioClient,
  kind: TwilioCredentials['kind'],
  signal?: AbortSignal,
): Promise<Result<AccountFacts, TwilioFailure | 'suspended'>> {
  const account = await client.call(async sdk => {
    const { status, type } = await sdk.api.v2010.accounts(client.accountSid).fetch();
    return accountShape.parse({ status, type });
  }, signal);
  if (account.ok) {
    const { status, type } = account.value;
    if (status !== 'active') return fail('suspended');
    return ok({ power: kind === 'token' ? 'token' : 'main-key', ...(type ? { type } : {}) });
  }
  if (kind === 'token' || account.failure.status !== 401) return account;
  const numbers = await client.call(sdk => sdk.incomingPhoneNumbers.page({ pageSize: 1 }), signal);
  return numbers.ok ? ok({ power: 'standard-key' }) : numbers;
}

/** What is wrong and what to do about it, in one sentence. */
export function causeOf(failure: TwilioFailure | 'suspended', kind: TwilioCredentials['kind']): string {
  if (failure === 'suspended')
    return 'The Twilio account is not active: look at it in the Twilio console (suspended for its balance, or closed).';
  if (failure.status === 401) {
    return kind === 'key'
      ? 'Twilio does not take the credentials: check TWILIO_API_KEY_SID, TWILIO_API_KEY_SECRET and TWILIO_ACCOUNT_SID, or whether the key was revoked.'
      : 'Twilio does not take the credentials: check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or whether the token was rotated.';
  }
  if (failure.status === 404)
    return 'Twilio does not know the account: check TWILIO_ACCOUNT_SID, and that the key belongs to it.';
  return failure.message;
}
