import { Failure, fail, ok, type Result } from '../core/errors.ts';
import { twilioPaths } from '../core/twilio-paths.ts';
import type { TwilioClient } from './client.ts';
import type { TwilioConnection } from './connection.ts';
import { claimNumber, type FoundNumber, findNumber, type NumberUrls, releaseNumber } from './number-setup.ts';

/** A number of the account, and what of it became ours. */
export interface NumberClaim {
  readonly accountSid: string;
  readonly sid: string;
  readonly purchased: boolean;
  /** What is set as its voice URL, and what was there before; absent where nothing is set. */
  readonly ours?: string;
  readonly before?: NumberUrls;
}

/** What is wanted of a number of the account. */
export interface ClaimWish {
  /** E.164. */
  readonly number: string;
  /** The account that whoever asks believes it to be of. */
  readonly accountSid?: string | undefined;
  /** An agent is to answer it. */
  readonly answered: boolean;
  /** It is to have a SIP trunk of its own. */
  readonly trunkWanted: boolean;
  /** False: calls to it stay where they go. */
  readonly inboundWanted: boolean;
  /** Whether messages to it come to us too. */
  readonly messagesWanted?: boolean | undefined;
}

/**
 * Finds out what a number is to the account, and what of it is to be set so that Twilio asks us, under `base`. Nothing is
 * changed yet: what was there before is to be written down first.
 */
export async function planClaim(
  client: TwilioClient,
  wish: ClaimWish,
  base: string | undefined,
): Promise<Result<NumberClaim>> {
  const { accountSid } = client;
  if (wish.accountSid !== undefined && wish.accountSid !== accountSid) {
    return refused(
      'other-account',
      'sid is not the account that is connected: see GET /v1/twilio/connection.',
    );
  }
  if (wish.trunkWanted)
    return refused('invalid', 'A number with provider twilio has no trunk of its own: use sip_trunk.');
  const found = await findNumber(client, wish.number);
  if (!found.ok) return found;
  if (found.value === undefined) return refused('not-of-account', notOfAccount);
  if (found.value.kind === 'caller-id' && wish.answered) return refused('caller-id', callerIdOnly);
  const urls = urlsOf(found.value, wish, base);
  if (!urls.ok) return urls;
  const { sid, kind } = found.value;
  return ok({ accountSid, sid, purchased: kind === 'purchased', ...urls.value });
}

/** Sets at Twilio what was planned. */
export async function carryOutClaim(
  client: TwilioClient,
  { sid, ours }: NumberClaim,
  base: string | undefined,
  messagesWanted: boolean,
): Promise<Result<void>> {
  if (ours === undefined) return ok(undefined);
  return claimNumber(client, sid, {
    voice: ours,
    voiceFallback: `${base}${twilioPaths.voiceFallback}`,
    status: `${base}${twilioPaths.callStatus}`,
    ...(messagesWanted ? { message: `${base}${twilioPaths.message}` } : {}),
  });
}

/** Puts back at Twilio what was there before; undefined where nothing was set. */
export async function releaseClaim(
  connection: Pick<TwilioConnection, 'client'>,
  { accountSid, sid, ours, before }: NumberClaim,
): Promise<Result<'restored' | 'not-ours' | undefined>> {
  if (before === undefined || ours === undefined) return ok(undefined);
  const client = connection.client();
  const hint = 'add ?force=true to remove it and leave its URLs at Twilio as they are.';
  if (!client.ok) return refused('not-connected', `Twilio is not connected; ${hint}`);
  if (client.value.accountSid !== accountSid)
    return refused(
      'other-account',
      `The number is of another Twilio account than the one connected; ${hint}`,
    );
  return releaseNumber(client.value, sid, before, ours);
}

/** What is set at Twilio, and what was there before; nothing where calls come another way. */
function urlsOf(
  found: FoundNumber,
  { inboundWanted, messagesWanted }: ClaimWish,
  base: string | undefined,
): Result<Pick<NumberClaim, 'ours' | 'before'>> {
  if (found.kind !== 'purchased' || found.onTrunk || !inboundWanted) return ok({});
  if (base === undefined) return refused('not-reachable', notReachable);
  const { smsUrl, smsMethod, smsApplicationSid, ...calls } = found.urls;
  // What is not ours is not put back: it may change meanwhile.
  const before = messagesWanted === true ? found.urls : calls;
  return ok({ ours: `${base}${twilioPaths.voice}`, before });
}

const refused = (code: string, message: string) => fail(new Failure(code, message));

export const callerIdOnly =
  'The number is a verified caller id: calls may come from it, and none come to Twilio, so no agent can answer it. Only ' +
  'numbers that were bought at Twilio, or moved there, can have an agent.';
const notOfAccount =
  'The number is neither a number nor a verified caller id of the Twilio account that is connected.';
const notReachable =
  'Twilio cannot reach this bridge, so calls to the number would be lost: set PUBLIC_HTTP_LISTEN and PUBLIC_URL, or send ' +
  'supports_inbound: false to call from it alone.';
