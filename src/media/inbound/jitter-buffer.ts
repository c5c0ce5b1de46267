import type { RtpView } from '../rtp/packet.ts';
import { sequencePlus, timestampDistance } from '../rtp/sequence.ts';
import { DelayEstimate, unitsPerMs } from './delay-estimate.ts';
import { inboundLimits as limits } from './limits.ts';
import { type SoundBytes, SoundRing } from './sound-ring.ts';

/** What comes next: `sound` to take, `lost` sound to be made up for, or a `pause` that is silence. */
export type Step = 'sound' | 'lost' | 'pause';

const boundUnits = limits.bufferMs * unitsPerMs;
const concealUnits = limits.concealMs * unitsPerMs;
const jumpUnits = limits.jumpMs * unitsPerMs;
/** Largest piece of lost sound that a step covers. */
const lostStep = 10 * unitsPerMs;
const slackUnits = limits.shrinkSlackMs * unitsPerMs;
/** Least late sound that is worth skipping. */
const leastSkip = 5 * unitsPerMs;
/** A packet this much ahead of what came before it, and this much too early for that, is a jump of the clock. */
const jumpAheadUnits = 60 * unitsPerMs;
const jumpEarlyUnits = 100 * unitsPerMs;

/**
 * The adaptive jitter buffer. All codecs here have exactly one byte per clock unit, so the buffer is a ring of bytes
 * addressed by time, with a mark beside each byte that says which codec it is of (0: absent). Reordering, duplicates
 * and any packet time, changing or not, need no further thought then, and its size is bounded by its nature.
 *
 * `head` is the next unit to be played. While nothing is there to play it stays where it is and what was made up
 * instead is kept in `expanded`: whether that replaced lost packets (skip them) or bridged the wait for late ones
 * (play them; the delay has grown by it) is decided when the next packet is there.
 *
 * Positions are of a timeline of our own that packets are mapped onto, so a sender that changes its SSRC or makes its
 * timestamp jump continues where it was.
 */
export class JitterBuffer {
  readonly #ring = new SoundRing();
  readonly #delay = new DelayEstimate();
  #epochMs = -1;
  #started = false;
  #remap = false;
  /** As a signed number: V8 keeps those that are not beside the object. */
  #anchorTimestamp = 0;
  #anchor = 0;
  #head = 0;
  /** Where the sound that was taken last ended, and how long it was: nothing before the first. */
  #takenTo = 0;
  #takenUnits = 0;
  #end = 0;
  #expanded = 0;
  /** Sound begins after silence: it may wait for the delay to be as wanted at no cost. */
  #waiting = true;
  #paused = false;
  #lateRun = 0;
  #lateNext = 0;
  #units = 0;
  #codec = 0;
  /** Delay of the packet that was begun last. */
  #delayNow = 0;
  #delaySum = 0;
  #delayCount = 0;
  /** Sound is given as soon as it is there, however unevenly that is. */
  eager = false;

  /** Length of the step that `next` announced, clock units. */
  get units(): number {
    return this.#units;
  }

  /** Codec mark of the `sound` that `next` announced. */
  get codec(): number {
    return this.#codec;
  }

  /** Delay that is aimed for, ms. */
  get targetMs(): number {
    return this.#delay.target / unitsPerMs;
  }

  /**
   * Delay of the packets played so far, mean, ms: from when a packet would have come with the smallest transit of the
   * last seconds until its first sample is handed on.
   */
  get meanDelayMs(): number {
    return this.#delayCount === 0 ? 0 : this.#delaySum / this.#delayCount / unitsPerMs;
  }

  /** How much longer (positive) or shorter than wanted the delay of the packet begun last is, clock units. */
  get excess(): number {
    return this.#delayNow - this.#delay.target;
  }

  /**
   * When the sound that was taken last would have come with the smallest transit of the last seconds, ms: spaced as it was
   * spoken. Undefined before the first.
   */
  get takenMs(): number | undefined {
    if (this.#takenUnits === 0) return undefined;
    return this.#epochMs + (this.#takenTo - this.#takenUnits + this.#delay.base) / unitsPerMs;
  }

  /** Whether the next `units` are there. After silence they are those that sound begins with again, however far on that is. */
  has(units: number): boolean {
    const ring = this.#ring;
    if (!this.#started) return false;
    const at = this.#waiting && !ring.has(this.#head) ? this.#head + this.#missing() : this.#head;
    return ring.has(at) && ring.has(at + units - 1);
  }

  /** How much longer (positive) or shorter than it has to be the delay of the packet begun last is, clock units. */
  get spare(): number {
    return this.#delayNow - this.#delay.least * limits.delayShare;
  }

  /** Whether more sound follows without a gap. */
  get ready(): boolean {
    return this.#started && !this.#waiting && this.#expanded === 0 && this.#ring.has(this.#head);
  }

  /** Another source takes over: its first packet is put where the former one's sound ends. */
  remap(): void {
    this.#remap = true;
  }

  /** The sender says that no sound comes for now: a key is being pressed, or comfort noise begins (RFC 3389). */
  pause(): void {
    this.#paused = true;
  }

  /** Takes the payload of a packet. `codec` is a mark of 1..127. False when it is too late to be of use. */
  put(packet: Uint8Array, view: RtpView, codec: number, nowMs: number): boolean {
    const length = Math.min(view.payloadLength, boundUnits);
    const arrival = this.#arrival(nowMs);
    if (!this.#started) this.#start(view.timestamp, arrival);
    let at = this.#anchor + timestampDistance(this.#anchorTimestamp, view.timestamp);
    if (this.#remap || this.#jumped(at, length, arrival, view.sequence)) {
      at = this.#continuation(arrival);
      this.#remap = false;
    }
    this.#anchor = at;
    this.#anchorTimestamp = view.timestamp | 0;
    this.#delay.observe(arrival - at, arrival, length);
    this.#paused = false;
    if (at + length <= this.#head) return false;
    this.#store(packet, view.payloadStart, at, length, codec);
    return true;
  }

  /**
   * Takes note of a packet whose sound follows on what was taken last, and can itself be taken at once where it lies: here it
   * is kept for `past` only. False when it is not so, and `put` is to be asked.
   */
  follow(packet: Uint8Array, view: RtpView, nowMs: number): boolean {
    const head = this.#head;
    if (this.#waiting || this.#remap || this.#expanded > 0 || this.#end !== head || this.#takenTo !== head)
      return false;
    const at = this.#anchor + timestampDistance(this.#anchorTimestamp, view.timestamp);
    if (at !== head) return false;
    const length = view.payloadLength;
    const arrival = this.#arrival(nowMs);
    this.#anchor = at;
    this.#anchorTimestamp = view.timestamp | 0;
    this.#delay.observe(arrival - at, arrival, length);
    this.#paused = false;
    this.#lateRun = 0;
    this.#ring.keep(packet, view.payloadStart, at, length);
    this.#begun(arrival - at);
    this.#takenUnits = length;
    this.#takenTo = at + length;
    this.#head = at + length;
    this.#end = at + length;
    return true;
  }

  /** Says what comes next, `wanted` clock units of it at most. */
  next(nowMs: number, wanted: number): Step {
    if (!this.#started) return this.#silence(wanted);
    const arrival = this.#arrival(nowMs);
    for (;;) {
      if (this.#ring.has(this.#head)) {
        const delay = arrival - this.#head - this.#delay.base;
        if (this.#skipReplaced(delay)) continue;
        if (this.#waiting && !this.#enough(delay, wanted)) return this.#silence(wanted);
        this.#waiting = false;
        this.#expanded = 0;
        return this.#sound(wanted, arrival);
      }
      const missing = this.#missing();
      if (missing === 0 || (!this.#waiting && this.#expanded < missing)) return this.#makeUp(missing, wanted);
      this.#head += missing;
      this.#expanded = 0;
    }
  }

  /** Moves the sound that `next` announced to the start of `to`. */
  take(to: SoundBytes): void {
    this.#ring.move(this.#head, this.#units, to);
    this.#takenUnits = this.#units;
    this.#head += this.#units;
    this.#takenTo = this.#head;
  }

  /**
   * Copies `units` that were taken, up to `before` units ago, to the start of `to` once more. False when others lie there
   * by now. The ring has room for what is asked for and what may lie ahead together: that is so only after a jump of the clock.
   */
  past(to: SoundBytes, units: number, before: number): boolean {
    const from = this.#takenTo - before - units;
    if (this.#end - from > SoundRing.units) return false;
    this.#ring.copy(from, units, to);
    return true;
  }

  /** Whether sound that begins after silence may begin: its delay is as wanted, or a whole step of it is there. */
  #enough(delay: number, wanted: number): boolean {
    return this.eager ? this.has(wanted) : this.#delay.target - delay < unitsPerMs;
  }

  #arrival(nowMs: number): number {
    if (this.#epochMs < 0) this.#epochMs = nowMs;
    return Math.round((nowMs - this.#epochMs) * unitsPerMs);
  }

  #start(timestamp: number, arrival: number): void {
    this.#started = true;
    this.#remap = false;
    this.#anchorTimestamp = timestamp;
    this.#anchor = 0;
    this.#delay.restart(arrival, arrival);
  }

  /** Whether the packet's place makes no sense: the sender's clock went elsewhere. */
  #jumped(at: number, length: number, arrival: number, sequence: number): boolean {
    const early = this.#delay.base - (arrival - at);
    if (at - this.#end > jumpAheadUnits && early > jumpEarlyUnits) return true;
    if (at + length > this.#head) {
      this.#lateRun = 0;
      // A clock that stood still while the sender was silent: sound that were really so late would be of no use.
      return this.#waiting && -early > boundUnits;
    }
    this.#lateRun = sequence === this.#lateNext ? this.#lateRun + 1 : 1;
    this.#lateNext = sequencePlus(sequence, 1);
    const far = this.#head - at > jumpUnits;
    if (this.#lateRun < (far ? 2 : limits.lateRun)) return false;
    this.#lateRun = 0;
    return true;
  }

  /** Where the sound of a clock that jumped goes on: behind what there is, or later if time has passed since. */
  #continuation(arrival: number): number {
    const byTime = arrival - this.#delay.base;
    const behind = Math.max(this.#end, this.#head);
    return byTime - behind > jumpEarlyUnits ? byTime : behind;
  }

  #store(packet: Uint8Array, from: number, at: number, length: number, codec: number): void {
    const end = at + length;
    if (end - this.#head > boundUnits) this.#advance(end - boundUnits);
    this.#ring.store(packet, from, at, length, Math.max(0, this.#head - at), codec);
    if (end > this.#end) this.#end = end;
  }

  /** Moves the head on to `to`, forgetting what lies before it. */
  #advance(to: number): void {
    this.#ring.clear(this.#head, Math.min(to, this.#head + SoundRing.units));
    this.#head = to;
    if (this.#end < to) this.#end = to;
  }

  /** Late sound that was already replaced is skipped as far as playing it would delay more than is wanted. */
  #skipReplaced(delay: number): boolean {
    if (this.#expanded === 0 || this.#waiting || this.eager) return false;
    const skip = Math.min(this.#expanded, delay - this.#delay.target - slackUnits);
    this.#expanded = 0;
    if (skip < leastSkip) return false;
    this.#advance(this.#head + skip);
    return true;
  }

  /** Sound of one codec from the head on without a gap; accounts for the packets that begin in it. */
  #sound(wanted: number, arrival: number): Step {
    const ring = this.#ring;
    const head = this.#head;
    const codec = ring.codecAt(head);
    let units = 0;
    while (units < wanted && ring.codecAt(head + units) === codec) {
      if (ring.beginsAt(head + units)) {
        this.#begun(arrival - head - units);
        units++;
      }
      units += ring.plain(head + units, codec, wanted - units);
    }
    this.#codec = codec;
    this.#units = units;
    return 'sound';
  }

  /** A packet of this transit begins to be played. */
  #begun(transit: number): void {
    this.#delayNow = transit - this.#delay.base;
    this.#delaySum += this.#delayNow;
    this.#delayCount++;
  }

  /** Units from the head to the next sound; 0 when there is none. */
  #missing(): number {
    for (let i = this.#head + 1; i < this.#end; i++) {
      if (this.#ring.has(i)) return i - this.#head;
    }
    return 0;
  }

  #makeUp(missing: number, wanted: number): Step {
    const left = missing === 0 ? wanted : missing - this.#expanded;
    this.#units = Math.min(lostStep, left, wanted);
    if (this.#expanded < jumpUnits) this.#expanded += this.#units;
    const over = this.#expanded > concealUnits;
    if (missing === 0 && over) this.#waiting = true;
    return over || this.#paused ? 'pause' : 'lost';
  }

  #silence(units: number): Step {
    this.#units = units;
    return 'pause';
  }
}
