import { z } from 'zod';
import { ok, type Result } from '../core/errors.ts';
import type { TwilioClient } from './client.ts';
import type { TwilioFailure } from './failure.ts';

/** What Twilio does with calls to a number, as it was before it was ours. */
export interface NumberUrls {
  readonly voiceUrl: string;
  readonly voiceMethod: string;
  readonly voiceApplicationSid: string;
  readonly voiceFallbackUrl: string;
  readonly voiceFallbackMethod: string;
  readonly statusCallback: string;
  readonly statusCallbackMethod: string;
  /** Present where messages became ours too. */
  readonly smsUrl?: string;
  readonly smsMethod?: string;
  readonly smsApplicationSid?: string;
}

/** Where Twilio asks us. */
export interface OurUrls {
  readonly voice: string;
  readonly voiceFallback: string;
  readonly status: string;
  /** Absent: messages stay where they go. */
  readonly message?: string;
}

/** A number as the account has it. */
export type FoundNumber =
  | {
      readonly kind: 'purchased';
      readonly sid: string;
      /** Its calls go to an Elastic SIP trunk, whatever its URLs are. */
      readonly onTrunk: boolean;
      readonly urls: NumberUrls;
    }
  /** Somebody proved that it is theirs: calls may come from it, and none come to Twilio. */
  | { readonly kind: 'caller-id'; readonly sid: string };

const text = z
  .string()
  .nullish()
  .transform(value => value ?? '');
const method = z
  .string()
  .nullish()
  .transform(value => value ?? 'POST');
const purchased = z.object({
  sid: z.string(),
  phoneNumber: z.string(),
  trunkSid: text,
  voiceUrl: text,
  voiceMethod: method,
  voiceApplicationSid: text,
  voiceFallbackUrl: text,
  voiceFallbackMethod: method,
  statusCallback: text,
  statusCallbackMethod: method,
  smsUrl: text,
  smsMethod: method,
  smsApplicationSid: text,
});
const callerId = z.object({ sid: z.string(), phoneNumber: z.string() });

type Answer<T> = Promise<Result<T, TwilioFailure>>;

/** Looks a number up among those of the account and among its caller ids; undefined when it is neither. */
export function findNumber(client: TwilioClient, phoneNumber: string): Answer<FoundNumber | undefined> {
  const is = (found: { readonly phoneNumber: string }) => found.phoneNumber === phoneNumber;
  return client.call(async sdk => {
    // Twilio takes the number as a pattern, so what comes back is compared.
    const own = await sdk.incomingPhoneNumbers.list({ phoneNumber, limit: 20 });
    const bought = own.map(each => purchased.parse(each)).find(is);
    if (bought !== undefined) {
      const { sid, phoneNumber: _, trunkSid, ...urls } = bought;
      return { kind: 'purchased', sid, onTrunk: trunkSid !== '', urls };
    }
    const ids = await sdk.outgoingCallerIds.list({ phoneNumber, limit: 20 });
    const proved = ids.map(each => callerId.parse(each)).find(is);
    return proved === undefined ? undefined : { kind: 'caller-id', sid: proved.sid };
  });
}

/** Calls to the number come to us from now on. */
export function claimNumber(
  client: TwilioClient,
  sid: string,
  { voice, voiceFallback, status, message }: OurUrls,
): Answer<void> {
  return client.call(async sdk => {
    await sdk.incomingPhoneNumbers(sid).update({
      ...{
        voiceUrl: voice,
        voiceMethod: 'POST',
        voiceFallbackUrl: voiceFallback,
        voiceFallbackMethod: 'POST',
      },
      ...{ statusCallback: status, statusCallbackMethod: 'POST' },
      // An application would win over the URL.
      voiceApplicationSid: '',
      ...(message === undefined ? {} : { smsUrl: message, smsMethod: 'POST', smsApplicationSid: '' }),
    });
  });
}

/**
 * Puts back what was there before it was ours. Where somebody has set another URL meanwhile, or the number is gone, there is
 * nothing to put back.
 */
export async function releaseNumber(
  client: TwilioClient,
  sid: string,
  before: NumberUrls,
  ours: string,
): Answer<'restored' | 'not-ours'> {
  const now = await client.call(async sdk => purchased.parse(await sdk.incomingPhoneNumbers(sid).fetch()));
  if (!now.ok) return now.failure.status === 404 ? ok('not-ours') : now;
  if (now.value.voiceUrl !== ours) return ok('not-ours');
  return client.call(async sdk => {
    await sdk.incomingPhoneNumbers(sid).update({ ...before });
    return 'restored' as const;
  });
}
