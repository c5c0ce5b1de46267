import { type Ending, type EndingReason, ending } from '../core/ending.ts';
import type { Failure } from '../core/errors.ts';
import type { RejectOptions } from './signalling.ts';

/** Seconds after which a peer may try again, where the cause passes by itself. */
const retryAfter = 5;

/**
 * The final status a caller gets for an ending before the answer. Reasons that are not here, which are those of the
 * agent and of this bridge, are 503: a PBX then takes its next route.
 */
const statuses: Partial<Record<EndingReason, number>> = {
  'bad-request': 400,
  'source-not-allowed': 403,
  'number-not-found': 404,
  'no-codec-in-common': 488,
  'unsupported-transport': 488,
  'bad-offer': 488,
  'agent-busy': 486,
  'agent-queue-timeout': 480,
  'ring-timeout': 480,
  'internal-error': 500,
};

/** Reasons for which the same request may well succeed a little later. */
const passing: ReadonlySet<EndingReason> = new Set([
  'over-capacity',
  'no-ports',
  'draining',
  'agent-unreachable',
  'agent-start-timeout',
]);

/** RFC 3261 section 20.43: 302 is "incompatible transport protocol", 305 "incompatible media format", 399 anything else. */
const warningCodes: Partial<Record<EndingReason, number>> = {
  'no-codec-in-common': 305,
  'unsupported-transport': 302,
};

/** How an ending before the answer is told to the caller. */
export function refusal(end: Ending, text: string): { status: number; options: RejectOptions } {
  const status = statuses[end.reason] ?? 503;
  return {
    status,
    options: {
      warning: text,
      warningCode: warningCodes[end.reason] ?? 399,
      ...(passing.has(end.reason) ? { retryAfter } : {}),
    },
  };
}

/** The ending that a failure of SDP (`sdp/parser`, `sdp/negotiation`) means, with its plain sentence as the detail. */
export function sdpEnding(failure: Failure): Ending {
  const known = failure.code === 'no-codec-in-common' || failure.code === 'unsupported-transport';
  return ending(known ? failure.code : 'bad-offer', failure.message);
}
