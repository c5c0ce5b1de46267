import { describe, expect, it } from 'vitest';
import { codecNames } from '../../../../src/sdp/plan.ts';
import { type ImpairmentSettings, seededRandom } from '../../../support/impairment.ts';
import { Line, levels, longestGap } from './telephone.ts';

/** The tone is sent with -12 dBFS, which is -15 dB RMS. */
const within6dB = -15 - 6;
const seeds = [1, 2, 3];

/** Half a minute through a bad network; what was heard in blocks of 10 ms. */
function through(network: ImpairmentSettings, codec: (typeof codecNames)[number] = 'PCMU'): [Line, number[]] {
  const line = new Line({ codec, network: { delayMs: 60, ...network } });
  line.talk(30_000);
  return [line, levels(line.ear.samples, codec === 'G722' ? 16_000 : 8000)];
}

const cases = codecNames.flatMap(codec => seeds.map(seed => [codec, seed] as const));

describe('a network with 5 % loss and 40 ms of jitter', () => {
  it.each(cases)(
    'leaves no gap over 40 ms and adds at most 80 ms, which fall again: %s, seed %i',
    (codec, seed) => {
      const [line, blocks] = through({ seed, loss: 0.05, jitterMs: 40 }, codec);
      expect(line.network.counts.lost).toBeGreaterThan(40);
      expect(longestGap(blocks, within6dB) * 10).toBeLessThanOrEqual(40);
      expect(line.inbound.bufferDelayMs).toBeLessThanOrEqual(80);
      expect(line.inbound.bufferDelayMs).toBeGreaterThan(40);
      expect(line.inbound.late).toBeLessThan(20);
      line.network.change({ delayMs: 60 });
      line.talk(15_000);
      // Mean over the whole call before and after: what the last 15 s must have been on average.
      const before = line.inbound.bufferDelayMs;
      line.talk(15_000);
      const recent = line.inbound.bufferDelayMs * 4 - before * 3;
      expect(recent).toBeLessThan(30);
    },
  );
});

describe.each<[string, Omit<ImpairmentSettings, 'seed'>, number]>([
  ['10 % loss', { loss: 0.1 }, 30],
  ['20 ms of jitter', { jitterMs: 20 }, 60],
  ['bursts of two lost packets', { burst: { chance: 0.01, packets: 2 } }, 30],
  ['bursts of three lost packets', { burst: { chance: 0.01, packets: 3 } }, 30],
  ['every tenth packet overtaken', { reorder: 0.1, reorderMs: 25 }, 60],
  ['every fifth packet twice', { duplicate: 0.2, jitterMs: 5 }, 40],
])('a network with %s', (_, impairment, delayMs) => {
  it.each(seeds)('leaves no gap over 40 ms and little delay: seed %i', seed => {
    const [line, blocks] = through({ seed, ...impairment });
    expect(longestGap(blocks, within6dB) * 10).toBeLessThanOrEqual(40);
    expect(line.inbound.bufferDelayMs).toBeLessThan(delayMs);
    expect(line.inbound.late).toBeLessThanOrEqual(3);
    line.wait(100);
    expect(line.inbound.duplicates).toBe(line.network.counts.duplicated);
    expect(line.inbound.lost).toBeLessThanOrEqual(line.network.counts.lost);
    expect(line.inbound.lost).toBeGreaterThanOrEqual(line.network.counts.lost - 5);
  });
});

describe('what is made up for lost sound', () => {
  it.each([1, 2])('stays within 6 dB of its neighbours when %i packets are lost', packets => {
    const line = new Line();
    line.talk(2000);
    const calm = levels(line.ear.samples, 8000);
    expect(Math.min(...calm.slice(20))).toBeGreaterThan(-15.5);
    for (let i = 0; i < 20; i++) {
      for (let n = 0; n < packets; n++) line.telephone.sound(20);
      line.wait(20 * packets);
      line.talk(400);
    }
    const blocks = levels(line.ear.samples, 8000).slice(20);
    expect(line.inbound.lost).toBe(20 * packets);
    expect(line.inbound.framesConcealed).toBeGreaterThanOrEqual(20 * packets);
    expect(Math.min(...blocks)).toBeGreaterThan(within6dB);
    expect(Math.max(...blocks)).toBeLessThan(-15 + 6);
  });
});

describe('a network that stalls', () => {
  it.each([100, 500, 3000])('for %i ms and then delivers everything gives the newest sound soon', stallMs => {
    const line = new Line();
    line.talk(2000);
    line.network.change({ delayMs: 5 + stallMs });
    line.talk(20);
    for (let passed = 20; passed < stallMs; passed += 20) {
      line.network.change({ delayMs: 5 + stallMs - passed });
      line.talk(20);
    }
    line.network.change({ delayMs: 5 });
    line.talk(10_000);
    const blocks = levels(line.ear.samples, 8000);
    expect(longestGap(blocks, within6dB) * 10).toBeLessThan(stallMs + 60);
    expect(blocks.slice(-500).every(level => level > within6dB)).toBe(true);
  });
});

describe('the shim itself', () => {
  it('does the same thing for the same seed and another for another', () => {
    const run = (seed: number) => {
      const [line] = through({ seed, loss: 0.05, jitterMs: 40, duplicate: 0.05 });
      return Buffer.concat(line.ear.chunks).toString('base64');
    };
    expect(run(11)).toBe(run(11));
    expect(run(11)).not.toBe(run(12));
  });

  it('has a generator that is even', () => {
    const random = seededRandom(1);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) counts[Math.floor(random() * 10)]!++;
    expect(Math.min(...counts)).toBeGreaterThan(900);
    expect(Math.max(...counts)).toBeLessThan(1100);
  });
});
