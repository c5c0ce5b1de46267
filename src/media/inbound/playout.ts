import { Concealer } from '../../../codecs/concealment.ts';
import { alawToLinear, linearToUlaw, ULAW_SILENCE, ulawToLinear } from '../../../codecs/g711.ts';
import { G722Decoder } from '../../../codecs/g722.ts';
import { copyBytes } from '../../core/copy-bytes.ts';
import type { CodecName } from '../../sdp/plan.ts';
import type { RtpView } from '../rtp/packet.ts';
import { unitsPerMs } from './delay-estimate.ts';
import type { JitterBuffer } from './jitter-buffer.ts';
import { inboundLimits as limits } from './limits.ts';
import { SoundBytes } from './sound-ring.ts';
import { cutPeriod, findPeriod, repeatPeriod } from './stretch.ts';

/** The marks that the jitter buffer keeps beside each byte. */
export const codecMarks: Readonly<Record<CodecName, number>> = { PCMU: 1, PCMA: 2, G722: 3 };

/** Most that is taken from the buffer at once. */
const stepUnits = limits.tickMs * unitsPerMs;
/** What the concealer remembers, 49 ms, in whole ticks. */
const recalledUnits = 3 * stepUnits;
/** Room for what one tick may have in hand: 20 ms left over, 40 ms taken to be stretched, 15 ms added; at 16 kHz. */
const roomSamples = 16 * 100;

/**
 * Turns what the jitter buffer holds into sound without gaps: decodes it, makes up for what is lost, and plays a pitch
 * period less or more where the delay is not as wanted. `render` fills, `shift` consumes.
 */
export class Playout {
  /** Sound in hand, oldest first: `length` samples at `rate` Hz. Not kept while `coded` and nobody wants them. */
  readonly samples = new Int16Array(roomSamples);
  /** The same sound as mu-law, bytes as they came wherever nothing was changed; only kept while `coded`. */
  readonly #coded = new SoundBytes(roomSamples);
  readonly codes: Uint8Array = this.#coded.bytes;
  #codesWanted = false;
  #samplesWanted = true;
  /** Units that were passed on without being decoded since the concealer last heard anything. */
  #passed = 0;
  readonly #buffer: JitterBuffer;
  readonly #payload = new SoundBytes(stepUnits);
  readonly #g722 = new G722Decoder();
  #rate: 8000 | 16000 = 8000;
  /** Each remembers up to 25 kB of sound: made for a rate when that comes into use. */
  readonly #concealers: { 8000?: Concealer; 16000?: Concealer } = {};
  #concealer = this.#concealerFor(8000);
  #length = 0;
  /** What was played last: decides how the next piece is joined to it. */
  #last: 'sound' | 'lost' | 'pause' = 'pause';
  #stretchedMs = 0;
  #concealed = 0;
  #lostSteps = 0;

  constructor(buffer: JitterBuffer) {
    this.#buffer = buffer;
  }

  get rate(): 8000 | 16000 {
    return this.#rate;
  }

  get length(): number {
    return this.#length;
  }

  /** Whether `codes` are kept: they are wanted, and the sound has their rate. */
  get coded(): boolean {
    return this.#codesWanted && this.#rate === 8000;
  }

  /** Ticks in which sound had to be made up. */
  get framesConcealed(): number {
    return this.#concealed;
  }

  /** Whether the sound in hand ends with some that arrived. */
  get sounding(): boolean {
    return this.#last === 'sound';
  }

  /** Whether it ends with silence. */
  get silent(): boolean {
    return this.#last === 'pause';
  }

  /** Says whether the taker speaks mu-law, and whether anybody needs `samples` besides: else they are not kept while `coded`. */
  want(codes: boolean, samples: boolean): void {
    this.#catchUp();
    this.#codesWanted = codes;
    this.#samplesWanted = samples || !codes;
    if (this.coded) this.#encode(0, this.#length);
  }

  /** Takes another rate before any sound of it came, so that silence has the right one too. */
  prepare(codec: CodecName): void {
    if (this.#last === 'pause') this.#setRate(codec === 'G722' ? 16000 : 8000);
  }

  /** Makes sure that `samples` holds at least one tick of sound. */
  render(nowMs: number): void {
    const before = this.#lostSteps;
    if (this.#fill(nowMs) && this.#stretch(nowMs)) this.#fill(nowMs);
    if (this.#lostSteps !== before) this.#concealed++;
  }

  /** Whether all that a tick still needs is there. */
  get ready(): boolean {
    const missing = this.#missingUnits();
    return missing <= 0 || this.#buffer.has(missing);
  }

  /**
   * Whether the packet is a tick of mu-law that goes to the taker as it is, and at once: nothing is in hand or waits before it, and
   * nobody needs its samples. It counts as played then.
   */
  follow(packet: Uint8Array, view: RtpView, mark: number, nowMs: number): boolean {
    const units = view.payloadLength;
    if (!this.coded || !this.#passes(mark, units) || !this.#buffer.follow(packet, view, nowMs)) return false;
    this.#passed += units;
    return true;
  }

  /** Drops the oldest `count` samples: they were played. */
  shift(count: number): void {
    if (count === this.#length) {
      this.#length = 0;
      return;
    }
    this.samples.copyWithin(0, count, this.#length);
    if (this.coded) this.codes.copyWithin(0, count, this.#length);
    this.#length -= count;
  }

  /** Takes steps from the buffer until a tick's worth is in hand. True when all of it is sound that arrived. */
  #fill(nowMs: number): boolean {
    let whole = true;
    while (this.#length < this.#tickSamples()) {
      const step = this.#buffer.next(nowMs, this.#missingUnits());
      if (step === 'sound') this.#decode();
      else if (step === 'lost') this.#conceal();
      else this.#silence();
      if (step !== 'sound') whole = false;
    }
    return whole;
  }

  #tickSamples(): number {
    return (this.#rate / 1000) * limits.tickMs;
  }

  /** What is not in hand yet of a tick. */
  #missingUnits(): number {
    return this.#unitsOf(this.#tickSamples() - this.#length);
  }

  #unitsOf(samples: number): number {
    return this.#rate === 16000 ? (samples + 1) >> 1 : samples;
  }

  #samplesOf(units: number): number {
    return this.#rate === 16000 ? units * 2 : units;
  }

  #setRate(rate: 8000 | 16000): void {
    if (rate === this.#rate) return;
    this.#rate = rate;
    this.#length = 0;
    this.#passed = 0;
    this.#last = 'pause';
    this.#concealer = this.#concealerFor(rate);
    this.#concealer.reset();
    this.#g722.reset();
  }

  #concealerFor(rate: 8000 | 16000): Concealer {
    this.#concealers[rate] ??= new Concealer(rate);
    return this.#concealers[rate];
  }

  #decode(): void {
    const mark = this.#buffer.codec;
    const units = this.#buffer.units;
    if (this.#passes(mark, units)) {
      this.#buffer.take(this.#coded);
      this.#passed += units;
      this.#length = units;
      return;
    }
    this.#catchUp();
    this.#buffer.take(this.#payload);
    this.#setRate(mark === codecMarks.G722 ? 16000 : 8000);
    const at = this.#length;
    if (mark === codecMarks.G722) this.#g722.decode(this.#payload.bytes, 0, units, this.samples, at);
    else
      expand(
        mark === codecMarks.PCMU ? ulawToLinear : alawToLinear,
        this.#payload.bytes,
        units,
        this.samples,
        at,
      );
    const count = this.#samplesOf(units);
    const concealer = this.#concealer;
    const joined = this.#last === 'lost';
    if (joined) concealer.recover(this.samples, at, count);
    concealer.heard(this.samples, at, count);
    this.#last = 'sound';
    this.#length += count;
    if (!this.coded) return;
    if (mark !== codecMarks.PCMU || joined) this.#encode(at, count);
    else copyBytes(this.#payload.bytes, 0, count, this.codes, at);
  }

  /** Whether a whole tick is as the taker wants it, follows sound, and nobody needs its samples. */
  #passes(mark: number, units: number): boolean {
    return (
      units === stepUnits &&
      mark === codecMarks.PCMU &&
      this.#length === 0 &&
      this.#last === 'sound' &&
      !this.#samplesWanted
    );
  }

  /** Decodes what was passed on: the tick in hand, and for the concealer as much before it as that remembers. */
  #catchUp(): void {
    if (this.#passed === 0) return;
    const units = Math.min(this.#passed, recalledUnits);
    this.#passed = 0;
    for (let before = units - stepUnits; before >= 0; before -= stepUnits) {
      if (!this.#buffer.past(this.#payload, stepUnits, before)) this.#payload.bytes.fill(ULAW_SILENCE);
      expand(ulawToLinear, this.#payload.bytes, stepUnits, this.samples, 0);
      this.#concealer.heard(this.samples, 0, stepUnits);
    }
  }

  #conceal(): void {
    this.#catchUp();
    const count = this.#samplesOf(this.#buffer.units);
    this.#concealer.conceal(this.samples, this.#length, count);
    this.#last = 'lost';
    this.#lostSteps++;
    this.#append(count);
  }

  /** Silence; coming from sound it is faded to over the first piece, so that it does not click. */
  #silence(): void {
    this.#catchUp();
    const count = this.#samplesOf(this.#buffer.units);
    const at = this.#length;
    const concealer = this.#concealer;
    if (this.#last === 'pause') this.samples.fill(0, at, at + count);
    else {
      concealer.conceal(this.samples, at, count);
      for (let i = 0; i < count; i++)
        this.samples[at + i] = Math.round(this.samples[at + i]! * (1 - (i + 1) / count));
    }
    concealer.heard(this.samples, at, count);
    this.#last = 'pause';
    this.#append(count);
  }

  #append(count: number): void {
    if (this.coded) this.#encode(this.#length, count);
    this.#length += count;
  }

  #encode(at: number, count: number): void {
    const { samples, codes } = this;
    for (let i = at; i < at + count; i++) codes[i] = linearToUlaw[samples[i]! & 0xffff]!;
  }

  /** Plays a pitch period less when the delay is over what is wanted, one more when it is under. True if it did. */
  #stretch(nowMs: number): boolean {
    if (this.#buffer.eager || nowMs - this.#stretchedMs < limits.stretchEveryMs) return false;
    const excess = this.#buffer.excess / unitsPerMs;
    const spareMs = this.#buffer.spare / unitsPerMs;
    const longer = spareMs < -limits.growSlackMs;
    if (!longer && excess <= limits.shrinkSlackMs) return false;
    const perMs = this.#rate / 1000;
    const shortest = limits.periodMinMs * perMs;
    // A cut that goes beyond what is left over makes the next packet due a whole tick earlier than it has been.
    const leftOver = this.#length - this.#tickSamples();
    const deep = spareMs >= limits.tickMs;
    if (!longer && !deep && leftOver < shortest) return false;
    this.#stretchedMs = nowMs;
    this.#catchUp();
    if (!longer) this.#takeMore(nowMs);
    // A cut leaves the tick that is about to be played, and the delay at no less than is wanted.
    const spare = longer
      ? this.#length
      : deep
        ? Math.min(this.#length - this.#tickSamples(), Math.floor(excess * perMs))
        : leftOver;
    const longest = Math.min(limits.periodMaxMs * perMs, this.#length >> 1, spare);
    if (longest < shortest) return false;
    const force = Math.abs(excess) > limits.forceExcessMs;
    const period = findPeriod(this.samples, this.#length, shortest, longest, force);
    if (period === 0) return false;
    const change = longer ? repeatPeriod : cutPeriod;
    this.#length = change(this.samples, this.#length, period);
    if (this.coded) this.#encode(0, this.#length);
    return true;
  }

  /** Decodes what is at hand of the sound that follows, up to two periods of the longest pitch and a tick. */
  #takeMore(nowMs: number): void {
    const wanted = this.#tickSamples() + (limits.periodMaxMs * this.#rate) / 1000;
    while (this.#length < wanted && this.#buffer.ready) {
      const units = Math.min(stepUnits, this.#unitsOf(wanted - this.#length));
      if (this.#buffer.next(nowMs, units) !== 'sound') return;
      this.#decode();
    }
  }
}

/** G.711 to linear. Functions of their own, so that a loop reads no field of an object. */
function expand(table: Int16Array, src: Uint8Array, count: number, dst: Int16Array, at: number): void {
  for (let i = 0; i < count; i++) dst[at + i] = table[src[i]!]!;
}
