import { type Ending, ending } from '../../../core/ending.ts';
import type { Headers } from '../message/headers.ts';
import type { SipRequest } from '../message/message.ts';
import { parseUri } from '../message/uri.ts';
import type { Answer } from '../transaction/server.ts';
import { allowed, allowLine, dialogOnly, known, sdpType, supported } from './capabilities.ts';
import { contentObjection } from './content.ts';
import { referRefusal } from './refer-policy.ts';
import { intervalObjection, type SessionBounds } from './session-expires.ts';

/** Why a request gets no further, and how an INVITE that gets no further is recorded. */
export interface Objection {
  readonly answer: Answer;
  readonly end: Ending;
}

/** Facts that screening needs and that a request does not hold. */
export interface Surroundings {
  readonly looped: boolean;
  readonly merged: boolean;
  readonly draining: boolean;
  readonly full: boolean;
  readonly retryAfter: number;
  readonly bounds: SessionBounds;
  /** Why the call that it wants to take over is not to be had (RFC 3891). */
  readonly replaces?: Objection;
}

const has = (list: readonly string[], method: string) => list.includes(method);

/** Checks a request outside of any dialogue, in the order of RFC 3261 section 8.2; undefined lets it pass. */
export function screen(request: SipRequest, around: Surroundings): Objection | undefined {
  return (
    methodObjection(request) ??
    schemeObjection(request) ??
    requireObjection(request) ??
    pathObjection(around) ??
    around.replaces ??
    bodyObjection(request) ??
    intervalEnd(request, around) ??
    loadObjection(request, around)
  );
}

/** Section 8.2.1. Those that belong into a dialogue have none here. */
function methodObjection(request: SipRequest): Objection | undefined {
  const { method } = request;
  const end = ending('bad-request');
  if (has(dialogOnly, method)) return { answer: { status: 481 }, end };
  if (has(allowed, method)) return undefined;
  if (method === 'REFER') return { answer: referRefusal(request, 403), end };
  const status = has(known, method) ? 405 : 501;
  return { answer: { status, headers: [allowLine] }, end };
}

/** Section 8.2.2.1. */
function schemeObjection({ uri }: SipRequest): Objection | undefined {
  const scheme = parseUri(uri)?.scheme;
  if (scheme === 'sip' || scheme === 'sips' || scheme === 'tel') return undefined;
  return { answer: { status: 416 }, end: ending('bad-request') };
}

/** Section 8.2.2.3. */
export function requireObjection({ headers }: SipRequest): Objection | undefined {
  const unknown = tokens(headers, 'Require').filter(tag => !supported.includes(tag));
  if (unknown.length === 0) return undefined;
  const lines = [['Unsupported', unknown.join(', ')]] as const;
  return { answer: { status: 420, headers: lines }, end: ending('unsupported-extension') };
}

/** Section 8.2.2.2, and requests of our own that came back. */
function pathObjection({ looped, merged }: Surroundings): Objection | undefined {
  if (looped || merged) {
    const end = ending(looped ? 'loop-detected' : 'merged-request');
    return { answer: { status: 482 }, end };
  }
  return undefined;
}

/** Section 8.2.3; an offerer that takes no SDP back cannot be answered (section 21.4.7). */
function bodyObjection(request: SipRequest): Objection | undefined {
  if (request.method !== 'INVITE') return undefined;
  const end = ending('unsupported-media-type');
  const answer = contentObjection(request);
  if (answer !== undefined) return { answer, end };
  if (!request.headers.has('Accept')) return undefined;
  const takes = tokens(request.headers, 'Accept').map(range => range.split(';', 1)[0]?.trim().toLowerCase());
  const fits = takes.some(range => range === sdpType || range === '*/*' || range === 'application/*');
  return fits ? undefined : { answer: { status: 406 }, end };
}

/** RFC 4028 section 9. */
function intervalEnd(request: SipRequest, { bounds }: Surroundings): Objection | undefined {
  const answer = request.method === 'INVITE' ? intervalObjection(request, bounds) : undefined;
  return answer && { answer, end: ending('session-interval-too-small') };
}

function loadObjection({ method }: SipRequest, around: Surroundings): Objection | undefined {
  if (method !== 'INVITE' && method !== 'OPTIONS') return undefined;
  if (!around.draining && !around.full) return undefined;
  const answer = { status: 503, headers: [['Retry-After', String(around.retryAfter)]] } as const;
  return { answer, end: ending(around.draining ? 'draining' : 'over-capacity') };
}

/** Elements of a comma list over all its rows. */
function tokens(headers: Headers, name: string): string[] {
  return headers
    .all(name)
    .flatMap(value => value.split(','))
    .map(token => token.trim())
    .filter(token => token !== '');
}
