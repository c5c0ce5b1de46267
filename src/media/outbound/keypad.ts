import { dtmf, type Tone } from '../../../codecs/tones.ts';
import type { KeyForm } from '../../worker/legs.ts';
import { mediaLimits } from '../limits.ts';
import { eventOfKey } from '../rtp/telephone-event.ts';

/** What the packet that is due now is: an event, nothing, or sound: a tone or silence. */
export type KeyStep = 'event' | 'nothing' | 'sound';

type Job =
  | { readonly kind: 'event'; readonly event: number }
  | { readonly kind: 'tone'; readonly tone: Tone }
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'done'; readonly tell: () => void };

/** Pauses between keys, ms. */
const pauses: Readonly<Record<string, number>> = { w: 500, W: 1000 };

/** Keys on their way to the peer, one after the other: what each packet has to be, and no timer. */
export class Keypad {
  readonly #jobs: Job[] = [];
  #job: Job | undefined;
  /** Sound of the current job that has been sent, this packet included, ms. */
  #elapsedMs = 0;
  #sentMs = 0;
  #ends = 0;
  /** The event of the packet that is due: RFC 4733 section 2.3. */
  event = 0;
  end = false;
  /** It is the first packet of its key. */
  first = false;
  /** How long the key has been down, ms. */
  durationMs = 0;
  /** What sounds in the packet that is due; undefined is silence. */
  tone: Tone | undefined;

  get busy(): boolean {
    return this.#job !== undefined || this.#jobs.length > 0;
  }

  /**
   * Queues keys `0-9*#A-D` and the pauses `w` (0.5 s) and `W` (1 s); `done` is called once they are through. Tones are made
   * for `rate`. False, and nothing queued, when there are too many.
   */
  press(keys: string, form: KeyForm, rate: number, done?: () => void): boolean {
    if (this.#jobs.length + keys.length > mediaLimits.keysQueued) return false;
    for (const key of keys) {
      const pause = pauses[key];
      const event = eventOfKey(key);
      if (pause !== undefined) this.#jobs.push({ kind: 'pause', ms: pause });
      else if (event === undefined) throw new RangeError('not a key of a telephone');
      else if (form === 'events') this.#jobs.push({ kind: 'event', event });
      else this.#jobs.push({ kind: 'tone', tone: dtmf(rate, key.toUpperCase()) });
    }
    if (done !== undefined) this.#jobs.push({ kind: 'done', tell: done });
    return true;
  }

  /** Goes on to the packet that is due, of `packetMs`. */
  step(packetMs: number): KeyStep {
    const job = this.#job ?? this.#next();
    this.tone = undefined;
    if (job === undefined) return 'sound';
    if (job.kind === 'done') {
      job.tell();
      this.#finish();
      return 'sound';
    }
    this.#elapsedMs += packetMs;
    if (job.kind === 'pause') {
      if (this.#elapsedMs >= job.ms) this.#finish();
      return 'sound';
    }
    return job.kind === 'event' ? this.#eventStep(job.event, packetMs) : this.#toneStep(job.tone, packetMs);
  }

  /** RFC 4733 section 2.5.1: a first packet, updates every 50 ms, the last one three times, then a gap. */
  #eventStep(event: number, packetMs: number): KeyStep {
    const { keyMs, keyGapMs, keyUpdateMs, keyEnds } = mediaLimits;
    const elapsed = this.#elapsedMs;
    const first = elapsed === packetMs;
    const over = elapsed >= keyMs && !first;
    if (over && this.#ends >= keyEnds) {
      if (elapsed >= this.durationMs + keyGapMs) this.#finish();
      return 'sound';
    }
    if (!first && !over && elapsed - this.#sentMs < keyUpdateMs) return 'nothing';
    this.event = event;
    this.first = first;
    // All copies of the last packet say the same.
    if (this.#ends === 0) this.durationMs = elapsed;
    this.end = over;
    if (over) this.#ends++;
    this.#sentMs = elapsed;
    return 'event';
  }

  #toneStep(tone: Tone, packetMs: number): KeyStep {
    const { keyMs, keyGapMs } = mediaLimits;
    const before = this.#elapsedMs - packetMs;
    if (before < keyMs) {
      this.tone = tone;
      this.durationMs = this.#elapsedMs;
    } else if (this.#elapsedMs >= this.durationMs + keyGapMs) this.#finish();
    return 'sound';
  }

  #next(): Job | undefined {
    this.#job = this.#jobs.shift();
    this.#elapsedMs = 0;
    this.#sentMs = 0;
    this.#ends = 0;
    return this.#job;
  }

  /** Takes up the next job, and tells of batches that are through. */
  #finish(): void {
    let job = this.#next();
    while (job?.kind === 'done') {
      job.tell();
      job = this.#next();
    }
  }
}
