import type { Headers } from '../message/headers.ts';
import {
  answerLines,
  readSessionWish,
  requestLines,
  type SessionBounds,
  type SessionTerms,
  termsOfRequest,
  termsOfResponse,
} from './session-expires.ts';
import { SessionTimer, type SessionTimerOptions } from './session-timer.ts';

type Line = readonly [name: string, value: string];

export interface SessionUpkeepOptions extends SessionTimerOptions {
  readonly bounds: SessionBounds;
}

/** The session interval that the two sides of a dialogue have agreed on (RFC 4028), and the timer that follows from it. */
export class SessionUpkeep {
  readonly #bounds: SessionBounds;
  readonly #timer: SessionTimer;
  /** Least interval that the path bears, as far as we were told, s. */
  #least: number;

  constructor({ bounds, ...timer }: SessionUpkeepOptions) {
    this.#bounds = bounds;
    this.#least = bounds.sessionLeastSeconds;
    this.#timer = new SessionTimer(timer);
  }

  /** What the INVITE that made the dialogue and its 2xx have come to. */
  begin(terms: SessionTerms | undefined): void {
    this.#timer.agree(terms);
  }

  /** A re-INVITE or UPDATE of the peer is taken, which refreshes the session. Gives fields for the 2xx. */
  taken(request: Headers): readonly Line[] {
    const terms = termsOfRequest(readSessionWish(request), this.#bounds, this.#timer.terms);
    this.#timer.agree(terms);
    return answerLines(terms);
  }

  /** Fields for a re-INVITE or UPDATE of ours. */
  get requestLines(): readonly Line[] {
    return requestLines(this.#timer.terms, this.#least);
  }

  /** The peer's 2xx to such a request, which may be the first to name an interval (RFC 4028 section 7.2). */
  accepted(response: Headers): void {
    this.#timer.agree(termsOfResponse(readSessionWish(response), this.#bounds, this.#timer.terms));
  }

  /** RFC 4028 section 7.4: a 422 names the least interval that the path bears. False when it is not to be had. */
  raise(response: Headers): boolean {
    const { least } = readSessionWish(response);
    const { terms } = this.#timer;
    if (terms === undefined || least <= terms.seconds || least > this.#bounds.sessionMostSeconds)
      return false;
    this.#least = Math.max(this.#least, least);
    // The session goes on by its old interval until the peer agrees to the new one.
    this.#timer.propose({ ...terms, seconds: least });
    return true;
  }

  /** A refresh did not go through. */
  failed(): void {
    this.#timer.failed();
  }

  stop(): void {
    this.#timer.stop();
  }
}
