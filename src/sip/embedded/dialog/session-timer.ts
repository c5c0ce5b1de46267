import type { Clock, Timer } from '../../../core/clock.ts';
import { accepts, step, type Table } from '../transaction/table.ts';
import type { SessionTerms } from './session-expires.ts';

export type SessionTimerState = 'off' | 'theirs' | 'ours' | 'refreshing';
export type SessionTimerInput = 'agreedTheirs' | 'agreedOurs' | 'due' | 'failed' | 'expired' | 'stop';
export type SessionTimerAction = 'disarm' | 'arm' | 'armRefresh' | 'armRetry' | 'refresh' | 'expire';

/**
 * The session timer of one dialogue (RFC 4028). In every state but `off` the timer of the session's end is running:
 * whichever side refreshes, a session that was not refreshed ends.
 */
export const sessionTimer = {
  off: {
    agreedTheirs: ['theirs', 'arm'],
    agreedOurs: ['ours', 'arm', 'armRefresh'],
    stop: ['off'],
  },
  theirs: {
    agreedTheirs: ['theirs', 'disarm', 'arm'],
    agreedOurs: ['ours', 'disarm', 'arm', 'armRefresh'],
    expired: ['off', 'disarm', 'expire'],
    stop: ['off', 'disarm'],
  },
  ours: {
    agreedTheirs: ['theirs', 'disarm', 'arm'],
    agreedOurs: ['ours', 'disarm', 'arm', 'armRefresh'],
    due: ['refreshing', 'refresh'],
    expired: ['off', 'disarm', 'expire'],
    stop: ['off', 'disarm'],
  },
  refreshing: {
    agreedTheirs: ['theirs', 'disarm', 'arm'],
    agreedOurs: ['ours', 'disarm', 'arm', 'armRefresh'],
    failed: ['ours', 'armRetry'],
    expired: ['off', 'disarm', 'expire'],
    stop: ['off', 'disarm'],
  },
} as const satisfies Table<SessionTimerState, SessionTimerInput, SessionTimerAction>;

/** The timer is checked against Session-Expires, whose unit this is. */
const second = 1_000;
/** How long before its end a session that was not refreshed is given up at most, s (RFC 4028 section 10). */
const mostMargin = 32;
/** A refresh that failed is tried again after so long, ms. */
const retryMs = 5_000;

export interface SessionTimerOptions {
  readonly clock: Clock;
  /** When a session of ours is refreshed, as a share of its interval; a half where nothing is said (RFC 4028 section 7.2). */
  readonly refreshAt?: number;
  /** Sends a refresh; its outcome is told by `agree` or `failed`. */
  readonly refresh: () => void;
  /** Nobody refreshed the session in time. */
  readonly expired: () => void;
}

export class SessionTimer {
  readonly #options: SessionTimerOptions;
  #state: SessionTimerState = 'off';
  #terms: SessionTerms | undefined;
  #end: Timer | undefined;
  #refresh: Timer | undefined;

  constructor(options: SessionTimerOptions) {
    this.#options = options;
  }

  /** What is in force. */
  get terms(): SessionTerms | undefined {
    return this.#terms;
  }

  get state(): SessionTimerState {
    return this.#state;
  }

  /** A 2xx that settles the interval was sent or received, which starts it anew; undefined ends it. */
  agree(terms: SessionTerms | undefined): void {
    this.#terms = terms;
    if (terms === undefined) this.#feed('stop');
    else this.#feed(terms.refreshedBy === 'us' ? 'agreedOurs' : 'agreedTheirs');
  }

  /** What the next refresh asks for; the timers run on as they are. */
  propose(terms: SessionTerms): void {
    if (this.#state !== 'off') this.#terms = terms;
  }

  /** The refresh did not go through. */
  failed(): void {
    if (accepts(sessionTimer, this.#state, 'failed')) this.#feed('failed');
  }

  stop(): void {
    this.#terms = undefined;
    this.#feed('stop');
  }

  #feed(input: SessionTimerInput): void {
    const [next, ...actions] = step<SessionTimerState, SessionTimerInput, SessionTimerAction>(
      sessionTimer,
      this.#state,
      input,
    );
    this.#state = next;
    for (const action of actions) this.#act(action);
  }

  #act(action: SessionTimerAction): void {
    const { clock, refreshAt = 1 / 2, refresh, expired } = this.#options;
    const seconds = this.#terms?.seconds ?? 0;
    switch (action) {
      case 'disarm':
        this.#end?.cancel();
        this.#refresh?.cancel();
        return;
      case 'arm': {
        // RFC 4028 section 10: BYE goes out before the end, by a third of the interval or 32 s, whichever is less.
        const margin = Math.min(mostMargin, seconds / 3);
        this.#end = clock.timer((seconds - margin) * second, () => this.#feed('expired'));
        return;
      }
      case 'armRefresh':
        this.#refresh = clock.timer(seconds * refreshAt * second, () => this.#feed('due'));
        return;
      case 'armRetry':
        this.#refresh = clock.timer(retryMs, () => this.#feed('due'));
        return;
      case 'refresh':
        return refresh();
      case 'expire':
        this.#terms = undefined;
        return expired();
    }
  }
}
