import { z } from 'zod';
import type { Result } from '../core/errors.ts';
import type { TwilioClient } from './client.ts';
import type { TwilioConnection } from './connection.ts';
import type { TwilioFailure } from './failure.ts';
import { shaped } from './shape.ts';

/** Ways in which Verify brings a code to a telephone. */
export const verifyChannels = ['sms', 'call', 'whatsapp'] as const;
/** Codes go by e-mail as well, where the operator lets them go to others than the caller's own number. */
export type VerifyChannel = (typeof verifyChannels)[number] | 'email';

export interface VerificationSent {
  /** VE…; names this verification in checks. */
  readonly verificationSid: string;
  /** Verify's own word, `pending` as a rule. */
  readonly status: string;
}

export interface VerificationChecked {
  readonly verificationSid: string;
  /** Verify's own word; a wrong code leaves it `pending`. */
  readonly status: string;
  readonly valid: boolean;
}

/** What is checked: by sid wherever it is known, so that a late check cannot hit a newer verification. */
export type CheckedBy = { readonly verificationSid: string } | { readonly to: string };

/** Twilio Verify as the tools need it. `to` is E.164, or an e-mail address. Codes and numbers given here go into the request and nowhere else. */
export interface VerifyPort {
  send(
    to: string,
    channel: VerifyChannel,
    signal?: AbortSignal,
  ): Promise<Result<VerificationSent, TwilioFailure>>;
  check(
    by: CheckedBy,
    code: string,
    signal?: AbortSignal,
  ): Promise<Result<VerificationChecked, TwilioFailure>>;
}

/** Verify as the connection has it now; undefined while there is no service or no client. */
export function verifyOf(connection: TwilioConnection): VerifyPort | undefined {
  const { verifyServiceSid } = connection.senders;
  if (verifyServiceSid === undefined) return undefined;
  const client = connection.client();
  return client.ok ? createVerify(client.value, verifyServiceSid) : undefined;
}

/** Verify through one service (VA…) of the account. */
export function createVerify(client: TwilioClient, serviceSid: string): VerifyPort {
  return {
    send: (to, channel, signal) =>
      client.call(async sdk => {
        const sent = await sdk.verify.v2.services(serviceSid).verifications.create({ to, channel });
        const { sid, status } = shaped(sentShape, sent);
        return { verificationSid: sid, status };
      }, signal),
    check: (by, code, signal) =>
      client.call(async sdk => {
        const checks = sdk.verify.v2.services(serviceSid).verificationChecks;
        const checked = await checks.create({ ...by, code });
        const { sid, status, valid } = shaped(checkedShape, checked);
        return { verificationSid: sid, status, valid };
      }, signal),
  };
}

const sentShape = z.object({ sid: z.string().min(1), status: z.string() });
const checkedShape = sentShape.extend({ valid: z.boolean() });
