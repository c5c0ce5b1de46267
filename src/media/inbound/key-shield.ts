import { DtmfDetector } from '../../../codecs/dtmf-detector.ts';
import { inboundLimits as limits } from './limits.ts';

/** Ticks that sound waits here while keys are taken out of it. */
const delayTicks = limits.shieldDelayMs / limits.tickMs;
const beforeTicks = limits.shieldBeforeMs / limits.tickMs;
const afterTicks = limits.shieldAfterMs / limits.tickMs;
const longestTick = 16 * limits.tickMs;
/** Nothing is missed in sound below this (-40 dBFS). */
const quietPeak = 328;

/**
 * Takes the sound of keys out of what goes on from here, and finds the keys in it. While it is up sound is 60 ms late, so that
 * what comes before a tone is silenced too: from 40 ms before to 60 ms after whatever may be a key. It goes down in a pause,
 * because the 60 ms are lost then.
 */
export class KeyShield {
  readonly #detectors = { 8000: new DtmfDetector(8000), 16000: new DtmfDetector(16000) };
  /** A ring of ticks: what came in as number n is at n modulo `delayTicks`. */
  readonly #ring = Array.from({ length: delayTicks }, () => new Int16Array(longestTick));
  readonly #peaks = new Uint16Array(delayTicks);
  readonly #out = new Int16Array(longestTick);
  #rate: 8000 | 16000 = 8000;
  #tick = 0;
  #state: 'down' | 'up' | 'ending' = 'down';
  #endingTicks = 0;
  #listening = false;
  #begun = '';
  /** Ticks to come that a telephone-event is heard in. */
  #eventTicks = 0;
  /** The last tick that goes on as silence, and the first that belonged to it. */
  #silentTo = -1;
  #silentFrom = 0;
  #wasSilent = false;

  /** Whether sound waits here. */
  get up(): boolean {
    return this.#state !== 'down';
  }

  /** Whether it looks at the sound at all. */
  get attends(): boolean {
    return this.#listening || this.up;
  }

  /** The key that was found to be pressed in the last tick; empty when there was none. Only while listening. */
  get begun(): string {
    return this.#begun;
  }

  raise(): void {
    if (this.#state === 'down') this.#begin();
    this.#state = 'up';
  }

  lower(): void {
    if (this.#state !== 'up') return;
    this.#state = 'ending';
    this.#endingTicks = 0;
  }

  /** Whether keys are told. */
  listen(on: boolean): void {
    if (on && !this.#listening && this.#state === 'down') this.#begin();
    this.#listening = on;
  }

  /** A telephone-event came: its sound, or what comes in its place, is played within `delayMs`. */
  event(delayMs: number): void {
    this.#eventTicks = Math.max(this.#eventTicks, Math.ceil(delayMs / limits.tickMs) + 1);
  }

  /** Takes a tick's worth and gives the one that goes on, at the start of what it returns. */
  pass(samples: Int16Array, count: number, rate: 8000 | 16000): Int16Array {
    this.#begun = '';
    if (rate !== this.#rate) {
      this.#rate = rate;
      this.#begin();
    }
    if (this.#state === 'down' && !this.#listening) return samples;
    const detector = this.#detectors[rate];
    detector.take(samples, 0, count);
    if (this.#listening) this.#begun = detector.begun;
    if (this.#state === 'down') return samples;
    return this.#delayed(samples, count, detector.sounding);
  }

  /** What was heard before says nothing of what comes. */
  #begin(): void {
    this.#detectors[this.#rate].reset();
    for (const tick of this.#ring) tick.fill(0);
    this.#peaks.fill(0);
    this.#eventTicks = 0;
    this.#silentTo = -1;
  }

  #delayed(samples: Int16Array, count: number, sounding: boolean): Int16Array {
    const now = this.#tick++;
    if (sounding || this.#eventTicks > 0) this.#silence(now);
    if (this.#eventTicks > 0) this.#eventTicks--;
    const slot = now % delayTicks;
    const held = this.#ring[slot]!;
    for (let i = 0; i < count; i++) this.#out[i] = held[i]!;
    let peak = 0;
    for (let i = 0; i < count; i++) {
      const sample = samples[i]!;
      held[i] = sample;
      peak = Math.max(peak, sample < 0 ? -sample : sample);
    }
    this.#peaks[slot] = peak;
    this.#hush(now - delayTicks, count);
    if (this.#state === 'ending') this.#maybeDown();
    return this.#out;
  }

  #silence(tick: number): void {
    if (tick - beforeTicks > this.#silentTo) this.#silentFrom = tick - beforeTicks;
    this.#silentTo = tick + afterTicks;
  }

  /** Silences the tick that goes on; its neighbours fade over the whole of theirs, so that nothing clicks. */
  #hush(tick: number, count: number): void {
    const out = this.#out;
    const silent = this.#isSilent(tick);
    if (silent) out.fill(0, 0, count);
    else if (this.#isSilent(tick + 1)) {
      for (let i = 0; i < count; i++) out[i] = Math.round(out[i]! * (1 - (i + 1) / count));
    } else if (this.#wasSilent) {
      for (let i = 0; i < count; i++) out[i] = Math.round(out[i]! * (i / count));
    }
    this.#wasSilent = silent;
  }

  #isSilent(tick: number): boolean {
    return tick >= this.#silentFrom && tick <= this.#silentTo;
  }

  #maybeDown(): void {
    const quiet = this.#peaks.every(peak => peak < quietPeak);
    this.#endingTicks++;
    if (quiet || this.#endingTicks * limits.tickMs >= limits.shieldEndMs) this.#state = 'down';
  }
}
