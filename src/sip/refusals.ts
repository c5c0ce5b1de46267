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
  'account-not-allowed': 403,
  'caller-not-allowed': 403,
  'credentials-missing': 401,
  'credentials-stale': 401,
  'credentials-wrong': 401,
  'replaces-nothing': 481,
  'replaces-refused': 403,
  'number-not-found': 404,
  'no-codec-in-common': 488,
  'unsupported-transport': 488,
  'encryption-required': 488,
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
  'no-descriptors',
  'draining',
  'too-many-requests',
  'agent-unreachable',
  'agent-start-timeout',
]);

/** RFC 3261 section 20.43: 302 is "incompatible transport protocol", 305 "incompatible media format", 399 anything else. */
const warningCodes: Partial<Record<EndingReason, number>> = {
  'no-codec-in-common': 305,
  'unsupported-transport': 302,
  'encryption-required': 302,
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

/** Codes of failures of SDP that are reasons as they stand. */
const sdpReasons = ['no-codec-in-common', 'unsupported-transport', 'encryption-required'] as const;

/** The ending that a failure of SDP (`sdp/parser`, `sdp/negotiation`) means, with its plain sentence as the detail. */
export function sdpEnding(failure: Failure): Ending {
  const known = sdpReasons.find(reason => reason === failure.code);
  return ending(known ?? 'bad-offer', failure.message);
}
