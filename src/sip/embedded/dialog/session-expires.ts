import { isDigits } from '../message/characters.ts';
import type { Headers } from '../message/headers.ts';
import type { SipRequest } from '../message/message.ts';
import { parseParameters } from '../message/parameters.ts';
import type { Answer } from '../transaction/server.ts';

/** Who refreshes, as one transaction names its two sides (RFC 4028 section 4). */
export type Refresher = 'uac' | 'uas';

/** Session-Expires, Min-SE and what goes with them in one message (RFC 4028). */
export interface SessionWish {
  /** Session interval, s; absent without Session-Expires, or when that cannot be read. */
  readonly seconds?: number;
  readonly refresher?: Refresher;
  /** Least interval that the path bears, s. */
  readonly least: number;
  /** The peer itself knows session timers. */
  readonly supported: boolean;
}

/** A session interval that both sides know of, and which of them keeps it alive. */
export interface SessionTerms {
  readonly seconds: number;
  readonly refreshedBy: 'us' | 'peer';
}

export interface SessionBounds {
  /** Least session interval that we take, s: 90 or more (RFC 4028 section 4). */
  readonly sessionLeastSeconds: number;
  /** Longest one that we keep; a longer one is cut down to it (RFC 4028 section 9 allows that). */
  readonly sessionMostSeconds: number;
}

type Line = readonly [name: string, value: string];

export function readSessionWish(headers: Headers): SessionWish {
  const expires = intervalOf(headers.get('Session-Expires'));
  const least = intervalOf(headers.get('Min-SE'))?.seconds ?? 0;
  const supported = headers.list('Supported').some(tag => tag.toLowerCase() === 'timer');
  const required = headers.list('Require').some(tag => tag.toLowerCase() === 'timer');
  return { ...expires, least, supported: supported || required };
}

function intervalOf(value: string | undefined): { seconds: number; refresher?: Refresher } | undefined {
  if (value === undefined) return undefined;
  const semicolon = value.indexOf(';');
  const digits = (semicolon < 0 ? value : value.slice(0, semicolon)).trim();
  if (!isDigits(digits) || digits.length > 10) return undefined;
  const refresher = semicolon < 0 ? undefined : parseParameters(value, semicolon)?.get('refresher');
  const named = refresher?.toLowerCase();
  const seconds = Number(digits);
  return named === 'uac' || named === 'uas' ? { seconds, refresher: named } : { seconds };
}

/** RFC 4028 section 9: an interval that is too small for us gets 422, from a peer that understands it. */
export function intervalObjection(request: SipRequest, bounds: SessionBounds): Answer | undefined {
  const { supported, seconds } = readSessionWish(request.headers);
  if (!supported || seconds === undefined || seconds >= bounds.sessionLeastSeconds) return undefined;
  return { status: 422, headers: [['Min-SE', String(bounds.sessionLeastSeconds)]] };
}

/**
 * What we make of a peer's INVITE or UPDATE (RFC 4028 section 9, table 2); undefined is a session without an end. A
 * request without Session-Expires leaves a timer that runs as it is: hold and resume of many peers forget it.
 */
export function termsOfRequest(
  wish: SessionWish,
  bounds: SessionBounds,
  current: SessionTerms | undefined,
): SessionTerms | undefined {
  const { seconds, least, supported, refresher } = wish;
  const peer = supported ? 'peer' : 'us';
  if (seconds === undefined) {
    return current && { seconds: current.seconds, refreshedBy: current.refreshedBy === 'us' ? 'us' : peer };
  }
  // A caller that does not know the timer cannot be told 422, and less than 90 s is no interval.
  if (seconds < bounds.sessionLeastSeconds || least > bounds.sessionMostSeconds) return undefined;
  const kept = Math.max(Math.min(seconds, bounds.sessionMostSeconds), Math.min(least, seconds));
  return { seconds: kept, refreshedBy: refresher === 'uas' ? 'us' : peer };
}

/** What the peer's 2xx to our refresh makes of the session (RFC 4028 section 7.2). */
export function termsOfResponse(
  wish: SessionWish,
  bounds: SessionBounds,
  asked: SessionTerms | undefined,
): SessionTerms | undefined {
  // A peer without the extension says nothing: we go on refreshing as we asked to.
  if (wish.seconds === undefined) return asked && { seconds: asked.seconds, refreshedBy: 'us' };
  const seconds = Math.max(wish.seconds, bounds.sessionLeastSeconds);
  return { seconds, refreshedBy: wish.refresher === 'uas' ? 'peer' : 'us' };
}

/** Header fields of our 2xx: RFC 4028 section 9 wants `Require: timer` when the refreshing is the peer's. */
export function answerLines(terms: SessionTerms | undefined): Line[] {
  if (terms === undefined) return [];
  const theirs = terms.refreshedBy === 'peer';
  const expires: Line = ['Session-Expires', `${terms.seconds};refresher=${theirs ? 'uac' : 'uas'}`];
  return theirs ? [expires, ['Require', 'timer']] : [expires];
}

/** Header fields of our own re-INVITE or UPDATE (RFC 4028 section 7.4): who refreshes stays who it was. */
export function requestLines(terms: SessionTerms | undefined, least: number): Line[] {
  if (terms === undefined) return [];
  const refresher = terms.refreshedBy === 'us' ? 'uac' : 'uas';
  return [
    ['Session-Expires', `${terms.seconds};refresher=${refresher}`],
    ['Min-SE', String(least)],
  ];
}
