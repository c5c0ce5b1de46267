import { timestampDistance } from '../rtp/sequence.ts';
import type { TelephoneEventView } from '../rtp/telephone-event.ts';
import { inboundLimits as limits } from './limits.ts';

/** Durations over this are about to reach what 16 bits hold: the next segment follows (RFC 4733 section 2.5.1.3). */
const nearlyFull = 0xf000;

/**
 * Lets each press of a key through once. All packets of a press carry the timestamp of its beginning, so an event that
 * was seen with the same timestamp is the same press; marker and end bits may be lost and are not needed.
 */
export class EventGate {
  readonly #timestamps = new Float64Array(limits.eventsRemembered).fill(-1);
  readonly #events = new Uint8Array(limits.eventsRemembered);
  #next = 0;
  #last = -1;
  #lastTimestamp = 0;
  #lastDuration = 0;
  #lastEnded = true;

  /** Whether a packet is the first one seen of its press. */
  opens(timestamp: number, view: TelephoneEventView): boolean {
    for (let i = 0; i < limits.eventsRemembered; i++) {
      if (this.#timestamps[i] !== timestamp || this.#events[i] !== view.event) continue;
      if (timestamp === this.#lastTimestamp && view.event === this.#last) this.#note(timestamp, view);
      return false;
    }
    const continues = this.#continues(timestamp, view);
    this.#timestamps[this.#next] = timestamp;
    this.#events[this.#next] = view.event;
    this.#next = (this.#next + 1) % limits.eventsRemembered;
    this.#note(timestamp, view);
    return !continues;
  }

  /** Another source has its own timestamps. */
  reset(): void {
    this.#timestamps.fill(-1);
    this.#last = -1;
    this.#lastEnded = true;
  }

  /** A press of more than eight seconds goes on under a new timestamp, where the full segment ended. */
  #continues(timestamp: number, view: TelephoneEventView): boolean {
    if (this.#lastEnded || view.event !== this.#last || this.#lastDuration < nearlyFull) return false;
    const step = timestampDistance(this.#lastTimestamp, timestamp);
    return step >= this.#lastDuration && step <= 0xffff;
  }

  #note(timestamp: number, view: TelephoneEventView): void {
    this.#last = view.event;
    this.#lastTimestamp = timestamp;
    this.#lastDuration = view.duration;
    this.#lastEnded = view.end;
  }
}
