import { isIP } from 'node:net';
import type { Clock } from '../core/clock.ts';

/** Limits on who may ask how often. Rates are requests a second, times ms. */
export const trunkLimits = {
  /** INVITEs a second over one trunk, where it has no limit of its own; twice as many may come at once. */
  trunkInvitesPerSecond: 100,
  /** Calls at once over one trunk, where it has no limit of its own. */
  trunkCalls: 100_000,
  /** INVITEs a second from everybody together. */
  invitesPerSecond: 1_000,
  /** Requests a second of one stranger: a source that no trunk lists and that has not signed in. */
  strangerRequestsPerSecond: 10,
  strangerBurst: 20,
  /** Requests a second of all strangers together; twice as many may come at once. */
  strangersPerSecond: 200,
  /** Refusals that a stranger is told before it is not answered any more, and for how long that holds. */
  strangerRefusals: 20,
  strangerSilenceMs: 600_000,
  /** How long a stranger's refusals count, and how long a source that signed in is none after its last request or call. */
  strangerMemoryMs: 3_600_000,
  /** Sources that are remembered; beyond that the one that was quiet longest is forgotten. */
  sources: 10_000,
  /** Wrong passwords of one source within `guessWindowMs`; then none is compared for `guessSilenceMs`. */
  guessesPerSource: 5,
  /** The same for one user, over all sources that never signed in as it. */
  guessesPerUser: 30,
  guessWindowMs: 60_000,
  guessSilenceMs: 900_000,
} as const;

export type TrunkLimits = { readonly [Name in keyof typeof trunkLimits]: number };

/** What counts as one source: an IPv4 address, or the /64 that one IPv6 subscriber has. */
export function sourceKey(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::', 2);
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const dotted = back.at(-1)?.includes('.') === true || front.at(-1)?.includes('.') === true;
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length - (dotted ? 1 : 0));
  const groups = [...front, ...Array<string>(zeros).fill('0'), ...back].slice(0, 4);
  return groups.map(group => Number.parseInt(group, 16).toString(16)).join(':');
}

/** Lets `rate` through a second, and `burst` at once. */
export class TokenBucket {
  readonly #clock: Clock;
  #rate: number;
  #burst: number;
  #tokens: number;
  #at: number;

  constructor(clock: Clock, rate: number, burst: number) {
    this.#clock = clock;
    this.#rate = rate;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = clock.now();
  }

  /** Takes one; false when there is none. */
  take(): boolean {
    const now = this.#clock.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1_000) * this.#rate);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Another rate from now on. What was taken stays taken. */
  tune(rate: number, burst: number): void {
    this.#rate = rate;
    this.#burst = burst;
    this.#tokens = Math.min(this.#tokens, burst);
  }
}

/** Entries by key, at most `most`: when full, the one that was not asked for longest goes. */
export class Recent<T> {
  readonly #entries = new Map<string, T>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#entries.size;
  }

  peek(key: string): T | undefined {
    return this.#entries.get(key);
  }

  /** The entry, made when there is none; it now is the youngest. */
  touch(key: string, make: () => T): T {
    const found = this.#entries.get(key) ?? make();
    this.#entries.delete(key);
    this.#entries.set(key, found);
    if (this.#entries.size > this.#most) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    return found;
  }
}

interface Stranger {
  readonly bucket: TokenBucket;
  refusals: number;
  /** When the refusals began to be counted. */
  since: number;
  silentUntil: number;
  signedInUntil: number;
}

/** Sources that no trunk lists: how fast they may ask, and when they have asked in vain too often. */
export class Strangers {
  readonly #clock: Clock;
  readonly #limits: TrunkLimits;
  readonly #sources: Recent<Stranger>;
  /** Calls that are on, by source. */
  readonly #calls = new Map<string, number>();

  constructor(clock: Clock, limits: TrunkLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#sources = new Recent(limits.sources);
  }

  get size(): number {
    return this.#sources.size;
  }

  /** True while the source is not even answered. */
  silenced(key: string): boolean {
    return (this.#sources.peek(key)?.silentUntil ?? 0) > this.#clock.now();
  }

  /** True for a source that has proved who it is, and has not been quiet for too long since. */
  signedIn(key: string): boolean {
    return this.#calls.has(key) || (this.#sources.peek(key)?.signedInUntil ?? 0) > this.#clock.now();
  }

  /** A source that is signed in is heard of: it stays so. */
  stay(key: string): void {
    this.#of(key).signedInUntil = this.#clock.now() + this.#limits.strangerMemoryMs;
  }

  callBegins(key: string): void {
    this.#calls.set(key, (this.#calls.get(key) ?? 0) + 1);
  }

  callEnds(key: string): void {
    const left = (this.#calls.get(key) ?? 1) - 1;
    if (left > 0) {
      this.#calls.set(key, left);
      return;
    }
    this.#calls.delete(key);
    this.stay(key);
  }

  /** Counts a request; false when the source asks too fast. */
  request(key: string): boolean {
    return this.#of(key).bucket.take();
  }

  /** Counts a refusal; true when it was the one after which the source is silenced. */
  refuse(key: string): boolean {
    const source = this.#of(key);
    const now = this.#clock.now();
    if (now - source.since >= this.#limits.strangerMemoryMs) {
      source.since = now;
      source.refusals = 0;
    }
    source.refusals++;
    if (source.refusals < this.#limits.strangerRefusals || source.silentUntil > now) return false;
    source.silentUntil = now + this.#limits.strangerSilenceMs;
    source.refusals = 0;
    return true;
  }

  /** The source has proved who it is: what it was refused before is forgiven. */
  signIn(key: string): void {
    this.#of(key).refusals = 0;
    this.stay(key);
  }

  #of(key: string): Stranger {
    const { strangerRequestsPerSecond, strangerBurst } = this.#limits;
    return this.#sources.touch(key, () => ({
      bucket: new TokenBucket(this.#clock, strangerRequestsPerSecond, strangerBurst),
      refusals: 0,
      since: this.#clock.now(),
      silentUntil: 0,
      signedInUntil: 0,
    }));
  }
}

interface Guesses {
  count: number;
  since: number;
  silentUntil: number;
}

/**
 * Bounds how often passwords are compared, by source and by user. Users that do not exist are one user here, and a
 * source that has guessed wrong too often guesses nobody's: sweeping over names buys nothing, and tells nothing.
 */
export class GuessGuard {
  readonly #clock: Clock;
  readonly #limits: TrunkLimits;
  readonly #guesses: Recent<Guesses>;
  readonly #good: Recent<true>;

  constructor(clock: Clock, limits: TrunkLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#guesses = new Recent(limits.sources);
    this.#good = new Recent(limits.sources);
  }

  /** Whether a password may be compared now. */
  allows(source: string, user: string): boolean {
    const pair = `${source} ${user}`;
    // Strangers who guess, behind the same address or elsewhere, must not lock out the one who knows the password.
    if (this.#good.peek(pair) === true) return !this.#silent(pair);
    return !this.#silent(source) && !this.#silent(` ${user}`);
  }

  /** A wrong password was compared. */
  wrong(source: string, user: string): void {
    const { guessesPerSource, guessesPerUser } = this.#limits;
    this.#count(source, guessesPerSource);
    this.#count(`${source} ${user}`, guessesPerSource);
    this.#count(` ${user}`, guessesPerUser);
  }

  right(source: string, user: string): void {
    this.#good.touch(`${source} ${user}`, () => true);
  }

  #silent(key: string): boolean {
    return (this.#guesses.peek(key)?.silentUntil ?? 0) > this.#clock.now();
  }

  #count(key: string, most: number): void {
    const now = this.#clock.now();
    const entry = this.#guesses.touch(key, () => ({ count: 0, since: now, silentUntil: 0 }));
    if (now - entry.since >= this.#limits.guessWindowMs) {
      entry.since = now;
      entry.count = 0;
    }
    entry.count++;
    if (entry.count >= most) entry.silentUntil = now + this.#limits.guessSilenceMs;
  }
}

/** Calls at once, by trunk. */
export class CallPlaces {
  readonly #taken = new Map<string, number>();

  /** Takes a place; false when all of them are taken. */
  take(trunk: string, places: number): boolean {
    const taken = this.#taken.get(trunk) ?? 0;
    if (taken >= places) return false;
    this.#taken.set(trunk, taken + 1);
    return true;
  }

  release(trunk: string): void {
    const left = (this.#taken.get(trunk) ?? 1) - 1;
    if (left <= 0) this.#taken.delete(trunk);
    else this.#taken.set(trunk, left);
  }

  taken(trunk: string): number {
    return this.#taken.get(trunk) ?? 0;
  }
}
