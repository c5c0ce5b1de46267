import type { Clock, Timer } from '../../core/clock.ts';
import { Histogram } from '../histogram.ts';
import { mediaLimits } from '../limits.ts';

/** Something that has work to do once every period. */
export interface PacedStream {
  /** Does the work of `deadlineMs`; `nowMs` is how late it has become. Both are times of the pacer's clock. */
  send(deadlineMs: number, nowMs: number): void;
  /** `send` threw: the stream has been removed and is not called again. */
  failed?(error: unknown): void;
}

/** A stream that is being paced. */
export interface PacedHandle {
  readonly periodMs: number;
  /** Deadlines that were passed over because the thread woke too late for them. */
  readonly skipped: number;
}

export interface PacedOptions {
  /** Whether the stream counts in the pacer's own `lateness` and goes before what is being read: true for what leaves on the wire. */
  readonly measured?: boolean;
  /** Deadlines it gets at most in one wake-up, those that were missed included; `burstPackets` unless given. */
  readonly burst?: number;
}

/** Buckets of 1 ms; longer than the longest period, so that a bucket holds deadlines of one turn only. */
const wheelSize = 128;
const wheelMask = wheelSize - 1;

class Entry implements PacedHandle {
  readonly stream: PacedStream;
  readonly periodMs: number;
  readonly measured: boolean;
  readonly burst: number;
  skipped = 0;
  /** Next deadline in whole ms since the pacer's origin. */
  due = 0;
  slot = 0;
  next: Entry | undefined;
  active = true;

  constructor(stream: PacedStream, periodMs: number, options: PacedOptions) {
    this.stream = stream;
    this.periodMs = periodMs;
    this.measured = options.measured ?? true;
    this.burst = options.burst ?? mediaLimits.burstPackets;
  }
}

/**
 * The clock of all streams of one worker: a wheel of absolute deadlines on the monotonic clock, turned by one timer.
 * A deadline follows from the one before it and never from the time the work was done, so nothing drifts.
 *
 * Waking late: a stream gets what is due, and the missed deadlines before it up to its `burst`. Older ones are
 * skipped, never sent in a burst: the stream sees a deadline further on, and its RTP timestamp follows. What it had
 * queued for them is not lost, only later.
 */
export class Pacer {
  /** How late measured streams were called, ms. What was skipped is not in it, but in `skipped`. */
  readonly lateness: Histogram = new Histogram();
  /** Deadlines of measured streams that were passed over. */
  skipped = 0;
  readonly #clock: Clock;
  readonly #origin: number;
  readonly #wheel: (Entry | undefined)[] = new Array<Entry | undefined>(wheelSize).fill(undefined);
  readonly #slots: Int32Array;
  readonly #slotMs: number;
  #streams = 0;
  /** Last ms of the wheel that was worked off. */
  #done = -1;
  /** When something may be due that has not been looked at, by the clock; no later than what is due first. */
  #nextMs = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;
  #running = false;
  readonly #afterInput: (run: () => void) => void;
  readonly #run = (): void => this.run();
  readonly #wake = (): void => {
    const late = this.#clock.now() - this.#armedFor;
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
    if (late <= mediaLimits.readFirstMs) return this.run();
    // A thread that was held up has its sockets full, and timers come before sockets: what is measured goes out, the rest
    // waits until they are read, or what lies there would be taken for lost.
    this.#work(this.#clock.now(), true);
    this.#afterInput(this.#run);
  };

  /** `afterInput` calls what it is given once the sockets that are readable have been read; `setImmediate` as a rule. */
  constructor(
    clock: Clock,
    slotMs: number = mediaLimits.slotMs,
    afterInput: (run: () => void) => void = setImmediate,
  ) {
    this.#clock = clock;
    this.#afterInput = afterInput;
    // Whole, and so are all deadlines then: V8 passes small whole numbers on without making an object of them.
    this.#origin = Math.floor(clock.now());
    this.#slotMs = slotMs;
    this.#slots = new Int32Array(Math.max(1, Math.floor(20 / slotMs)));
  }

  /** Streams that are paced now. */
  get streams(): number {
    return this.#streams;
  }

  /**
   * Calls `stream` every `periodMs` (whole ms, at most 100) from within one period on, on the slot that carries the
   * fewest streams.
   */
  add(stream: PacedStream, periodMs: number, options: PacedOptions = {}): PacedHandle {
    if (!Number.isInteger(periodMs) || periodMs < 1 || periodMs > 100) {
      throw new Error(`a period of ${periodMs} ms cannot be paced`);
    }
    if (this.#streams === 0) {
      this.#done = Math.max(this.#done, Math.floor(this.#clock.now() - this.#origin));
      this.#nextMs = Number.POSITIVE_INFINITY;
    }
    const entry = new Entry(stream, periodMs, options);
    entry.due = this.#firstDeadline(entry);
    this.#streams++;
    this.#insert(entry);
    this.#nextMs = Math.min(this.#nextMs, this.#origin + entry.due);
    if (!this.#running) this.#arm();
    return entry;
  }

  /** Stops calling the stream, also when called from inside its `send`. Idempotent. */
  remove(handle: PacedHandle): void {
    const entry = handle as Entry;
    if (!entry.active) return;
    entry.active = false;
    this.#slots[entry.slot] = this.#slots[entry.slot]! - 1;
    this.#streams--;
    this.#unlink(entry);
    if (this.#streams === 0) this.#disarm();
  }

  /**
   * The next deadline of the stream comes no sooner than `atMs`, and those after it a period each later: what it was for is
   * done. It stays on the grid, and where it lies on the wheel until that comes by.
   */
  postpone(handle: PacedHandle, atMs: number): void {
    const entry = handle as Entry;
    const due = Math.ceil((atMs - this.#origin) / this.#slotMs) * this.#slotMs;
    if (due > entry.due) entry.due = due;
  }

  /** Does all that is due by now and arms the timer for what comes next. The timer calls it; tests may. */
  run(): void {
    if (this.#running) return;
    this.#work(this.#clock.now(), false);
    this.#arm();
  }

  /**
   * Between two packets that are read, `nowMs` by the clock: what is measured goes out when it is due, and does not wait until
   * everything has been read that came meanwhile.
   */
  between(nowMs: number): void {
    if (nowMs >= this.#nextMs && !this.#running) this.#work(nowMs, true);
  }

  #work(now: number, measuredOnly: boolean): void {
    this.#running = true;
    const until = Math.floor(now - this.#origin + mediaLimits.earlyMs);
    // A bucket holds every deadline of its residue: one turn of the wheel meets them all.
    const from = Math.max(this.#done + 1, until - wheelMask);
    // Moved on first, so that a stream added meanwhile gets a deadline that is still to come.
    if (!measuredOnly) this.#done = Math.max(this.#done, until);
    for (let tick = from; tick <= until; tick++) this.#workOff(tick & wheelMask, until, now, measuredOnly);
    this.#nextMs = this.#origin + this.#firstFrom(until + 1);
    this.#running = false;
  }

  #workOff(bucket: number, until: number, now: number, measuredOnly: boolean): void {
    let entry = this.#wheel[bucket];
    this.#wheel[bucket] = undefined;
    while (entry !== undefined) {
      const next: Entry | undefined = entry.next;
      entry.next = undefined;
      if (entry.active) {
        if (entry.due <= until && (entry.measured || !measuredOnly)) this.#serve(entry, until, now);
        if (entry.active) this.#insert(entry);
      }
      entry = next;
    }
  }

  /** The first ms from `tick` on whose bucket is not empty, within one turn of the wheel. */
  #firstFrom(tick: number): number {
    const last = tick + wheelMask;
    while (this.#wheel[tick & wheelMask] === undefined && tick < last) tick++;
    return tick;
  }

  #serve(entry: Entry, until: number, now: number): void {
    const missed = Math.floor((until - entry.due) / entry.periodMs);
    const skip = missed - (entry.burst - 1);
    if (skip > 0) {
      entry.skipped += skip;
      if (entry.measured) this.skipped += skip;
      entry.due += skip * entry.periodMs;
    }
    while (entry.active && entry.due <= until) {
      const deadline = this.#origin + entry.due;
      entry.due += entry.periodMs;
      if (entry.measured) this.lateness.record(now - deadline);
      try {
        entry.stream.send(deadline, now);
      } catch (error) {
        this.remove(entry);
        entry.stream.failed?.(error);
      }
    }
  }

  #firstDeadline(entry: Entry): number {
    const soonest = Math.max(Math.floor(this.#clock.now() - this.#origin), this.#done) + 1;
    const slots = this.#slots.length;
    let best = -1;
    let due = soonest;
    for (let at = soonest; at < soonest + Math.min(entry.periodMs, slots * this.#slotMs); at++) {
      if (at % this.#slotMs !== 0) continue;
      const slot = (at / this.#slotMs) % slots;
      if (best >= 0 && this.#slots[slot]! >= this.#slots[best]!) continue;
      best = slot;
      due = at;
    }
    entry.slot = Math.max(best, 0);
    this.#slots[entry.slot] = this.#slots[entry.slot]! + 1;
    return due;
  }

  #insert(entry: Entry): void {
    const bucket = entry.due & wheelMask;
    entry.next = this.#wheel[bucket];
    this.#wheel[bucket] = entry;
  }

  #unlink(entry: Entry): void {
    const bucket = entry.due & wheelMask;
    let before: Entry | undefined;
    for (let at = this.#wheel[bucket]; at !== undefined; before = at, at = at.next) {
      if (at !== entry) continue;
      if (before === undefined) this.#wheel[bucket] = entry.next;
      else before.next = entry.next;
      entry.next = undefined;
      return;
    }
  }

  #arm(): void {
    if (this.#streams === 0) return;
    const at = this.#nextMs;
    if (at >= this.#armedFor) return;
    this.#disarm();
    this.#armedFor = at;
    this.#timer = this.#clock.timer(Math.max(0, Math.ceil(at - this.#clock.now())), this.#wake);
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }
}
