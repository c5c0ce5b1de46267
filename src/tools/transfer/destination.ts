import type { TransferWay } from '../../call/control.ts';
import type { PartyFacts, TransferTarget } from '../../call/party.ts';
import { type UserToUser, userToUser } from './user-to-user.ts';

/** How callers are handed over, in ElevenLabs' words. */
export type TransferType = 'conference' | 'blind' | 'sip_refer';

/** One header field for the destination: `dynamic` takes its value from a variable of the call. */
export interface TransferHeader {
  readonly type: 'static' | 'dynamic';
  readonly key: string;
  readonly value: string;
}

/** Somebody whom agents may transfer callers to: an entry of `transfers`, checked when it was read. */
export interface TransferDestination {
  readonly name: string;
  readonly destination: TransferTarget['destination'];
  readonly transferType: TransferType;
  readonly headers: readonly TransferHeader[];
  readonly uui?: UserToUser;
  readonly postDialDigits?: string;
  /** Trunk that a second leg goes out over. */
  readonly trunk?: string;
}

export const transferHeaderLimits = {
  /** Longest value, bytes. */
  valueBytes: 512,
} as const;

/** Both types that mean REFER are helped with a second leg where the peer takes none. */
export function wayOf(type: TransferType): TransferWay {
  return type === 'conference' ? 'bridge' : 'refer';
}

/** The destination as one call is to reach it: headers have their values. */
export function targetOf(destination: TransferDestination, facts: PartyFacts): TransferTarget {
  const { headers, uui, postDialDigits, trunk } = destination;
  const values = variablesOf(facts);
  return {
    destination: destination.destination,
    headers: headers.flatMap(({ type, key, value }) => {
      const given = type === 'static' ? value : values[value];
      const clean = given === undefined ? undefined : oneLine(given);
      return clean === undefined ? [] : [{ name: key, value: clean }];
    }),
    ...(uui === undefined ? {} : { userToUser: userToUser(uui) }),
    ...(postDialDigits === undefined ? {} : { postDialDigits }),
    ...(trunk === undefined ? {} : { trunk }),
  };
}

function variablesOf(facts: PartyFacts): Readonly<Record<string, string | undefined>> {
  const { variables, callId, callSid, callerId, calledNumber } = facts;
  return {
    ...variables,
    call_id: callId,
    call_sid: callSid,
    caller_id: callerId,
    called_number: calledNumber,
  };
}

/** What a caller's own PBX put into a variable may not become another line of a message: then it is left out. */
function oneLine(value: string): string | undefined {
  const clean = value.trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
  const unclean = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(clean);
  const long = Buffer.byteLength(clean) > transferHeaderLimits.valueBytes;
  return clean === '' || unclean || long ? undefined : clean;
}
