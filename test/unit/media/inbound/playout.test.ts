import { describe, expect, it } from 'vitest';
import { encodeUlaw } from '../../../../codecs/g711.ts';
import { sine, type Tone } from '../../../../codecs/tones.ts';
import { JitterBuffer } from '../../../../src/media/inbound/jitter-buffer.ts';
import { codecMarks, Playout } from '../../../../src/media/inbound/playout.ts';
import { RtpView } from '../../../../src/media/rtp/packet.ts';
import { seededRandom } from '../../../support/impairment.ts';
import { levels } from './telephone.ts';

/** A playout over a buffer that a tone is put into. */
class Bench {
  readonly buffer = new JitterBuffer();
  readonly playout = new Playout(this.buffer);
  readonly heard: number[] = [];
  readonly #tone: Tone;
  readonly #view = new RtpView();
  #sent = 0;

  constructor(hz = 200) {
    this.#tone = sine(8000, hz, -12);
  }

  put(nowMs: number, skip = false): void {
    const samples = new Int16Array(160);
    const bytes = new Uint8Array(160);
    this.#tone.generate(samples, 0, 160);
    encodeUlaw(samples, 0, 160, bytes, 0);
    Object.assign(this.#view, {
      sequence: this.#sent & 0xffff,
      timestamp: this.#sent * 160,
      payloadLength: 160,
    });
    this.#sent++;
    if (!skip) this.buffer.put(bytes, this.#view, codecMarks.PCMU, nowMs);
  }

  tick(nowMs: number): void {
    this.playout.render(nowMs);
    expect(this.playout.length).toBeGreaterThanOrEqual(160);
    this.heard.push(...this.playout.samples.subarray(0, 160));
    this.playout.shift(160);
  }

  /** Largest step between neighbouring samples heard since `from`. */
  roughness(from = 0): number {
    let most = 0;
    for (let i = from + 1; i < this.heard.length; i++)
      most = Math.max(most, Math.abs(this.heard[i]! - this.heard[i - 1]!));
    return most;
  }
}

/** What the tone itself steps by at most, with some room for the coarse steps of mu-law. */
const smooth = 8231 * 2 * Math.PI * (200 / 8000) * 1.35;

describe('Playout', () => {
  it.each([0, 1, 3, 5, 10, 15, 19])(
    'makes nothing up while packets come in time, wherever in a tick they come: %i ms before it',
    phaseMs => {
      const bench = new Bench(1000);
      const random = seededRandom(phaseMs + 1);
      for (let n = 0; n < 3000; n++) {
        const [arrival, tick] = [100 + n * 20 + random() * 3, 100 + n * 20 + phaseMs];
        if (arrival <= tick) bench.put(arrival);
        bench.tick(tick);
        if (arrival > tick) bench.put(arrival);
      }
      expect(bench.playout.framesConcealed).toBe(0);
      expect(bench.buffer.meanDelayMs).toBeLessThan(30);
    },
  );

  it('shortens a delay that is too long by whole periods, without a click, until it is as wanted', () => {
    const bench = new Bench();
    for (let n = 0; n < 8; n++) bench.put(n * 20);
    for (let n = 0; n < 1000; n++) {
      bench.put(160 + n * 20);
      bench.tick(161 + n * 20);
    }
    expect(bench.buffer.excess / 8).toBeLessThan(15);
    expect(bench.roughness(160)).toBeLessThan(smooth);
    expect(bench.playout.framesConcealed).toBe(0);
  });

  it('lengthens a delay that is too short before anything is missing', () => {
    const bench = new Bench();
    for (let n = 0; n < 600; n++) {
      bench.put(n * 20);
      bench.tick(n * 20 + 1);
    }
    const short = bench.buffer.excess;
    expect(short).toBeLessThan(30 * 8);
    // From now on every other packet is 15 ms late; it does not come too late for its tick at first.
    for (let n = 600; n < 1200; n++) {
      if (n % 2 === 0) bench.put(n * 20 + 14);
      else bench.put(n * 20);
      bench.tick(n * 20 + 15);
    }
    expect(bench.buffer.excess).toBeGreaterThanOrEqual(-3 * 8);
    expect(bench.roughness(4000)).toBeLessThan(smooth * 1.5);
  });

  it('fades to silence instead of breaking off, and counts made-up sound by ticks', () => {
    const bench = new Bench();
    for (let n = 0; n < 50; n++) {
      bench.put(n * 20);
      bench.tick(n * 20 + 1);
    }
    for (let n = 50; n < 70; n++) bench.tick(n * 20 + 1);
    expect(bench.roughness()).toBeLessThan(smooth * 1.5);
    expect(levels(Int16Array.from(bench.heard), 8000).at(-1)).toBeLessThan(-80);
    expect(bench.playout.framesConcealed).toBeGreaterThanOrEqual(3);
    expect(bench.playout.framesConcealed).toBeLessThanOrEqual(6);
  });

  it('joins made-up sound to both neighbours without a click', () => {
    const bench = new Bench();
    for (let n = 0; n < 100; n++) {
      bench.put(n * 20, n % 20 === 10);
      bench.tick(n * 20 + 1);
    }
    expect(bench.playout.framesConcealed).toBeGreaterThanOrEqual(4);
    expect(bench.roughness(800)).toBeLessThan(smooth * 1.5);
  });

  it('joins made-up sound to a packet that was only late and has another phase without a click', () => {
    const bench = new Bench(170);
    let late = 0;
    for (let n = 0; n < 100; n++) {
      if (n % 20 === 10) bench.tick(n * 20 + 1 + 20 * late++);
      bench.put((n + late) * 20);
      bench.tick((n + late) * 20 + 1);
    }
    expect(bench.playout.framesConcealed).toBeGreaterThanOrEqual(1);
    expect(bench.roughness(800)).toBeLessThan(smooth * 1.5);
  });

  it('keeps mu-law only for a taker that wants it, from the moment it does', () => {
    const bench = new Bench();
    bench.put(0);
    bench.put(20);
    bench.put(40);
    bench.tick(60);
    expect(bench.playout.coded).toBe(false);
    bench.playout.want(true, false);
    expect(bench.playout.coded).toBe(true);
    bench.playout.prepare('G722');
    expect(bench.playout.rate).toBe(8000);
  });

  it('takes the rate of the codec agreed on while it is silent', () => {
    const bench = new Bench();
    bench.playout.prepare('G722');
    expect(bench.playout.rate).toBe(16_000);
    bench.playout.render(0);
    expect(bench.playout.length).toBe(320);
    expect(bench.playout.coded).toBe(false);
  });

  it('passes mu-law on as it came, and makes no samples of it, where nobody wants them', () => {
    const bench = new Bench(330);
    bench.playout.want(true, false);
    for (let n = 0; n < 10; n++) {
      bench.put(n * 20);
      bench.tick(n * 20 + 1);
    }
    const samples = bench.playout.samples.slice(0, 160);
    const codes = bench.playout.codes.slice(0, 160);
    bench.put(200);
    bench.tick(201);
    expect(bench.playout.samples.subarray(0, 160)).toEqual(samples);
    expect(bench.playout.codes.subarray(0, 160)).not.toEqual(codes);
  });

  it('makes the same of lost, late and stretched sound whether samples are wanted all the time or not', () => {
    const [all, few] = [new Bench(), new Bench()];
    all.playout.want(true, true);
    few.playout.want(true, false);
    const random = seededRandom(5);
    let sent = 0;
    for (let n = 0; n < 6000; n++) {
      const now = n * 20;
      // Now and then the way becomes longer, sound is lost, or the sender is silent and goes on.
      const delayed = n % 700 > 500 ? 3 : 0;
      for (; sent <= n - delayed; sent++) {
        const skip = random() < 0.03 || n % 1000 > 990;
        for (const bench of [all, few]) bench.put(now + (n % 3), skip);
      }
      // Somebody listens for a while, as a recording does.
      if (n % 400 === 0) few.playout.want(true, n % 1200 === 0);
      for (const { playout } of [all, few]) {
        playout.render(now + 5);
        expect(playout.coded).toBe(true);
      }
      const heard = few.playout.codes.subarray(0, 160);
      if (!all.playout.codes.subarray(0, 160).every((code, i) => alike(code, heard[i]!)))
        expect.fail(`tick ${n}`);
      for (const { playout } of [all, few]) playout.shift(160);
    }
    expect(all.playout.framesConcealed).toBeGreaterThan(100);
    expect(few.playout.framesConcealed).toBe(all.playout.framesConcealed);
  });
});

/** Mu-law has two zeros. */
const alike = (a: number, b: number) => a === b || (a | b) === 0xff;
