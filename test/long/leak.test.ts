import { describe, expect, it } from 'vitest';
import { ladderLimits } from '../../src/sip/ladder.ts';
import { requirePrograms } from '../support/programs.ts';
import { makeShortCalls, pictureBytes } from '../support/short-calls.ts';

const available = requirePrograms('2,000 short calls of SIPp', ['sipp']);
const megabyte = 1024 * 1024;

const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;

describe.skipIf(!available)('2,000 short calls at 20 a second', () => {
  it('end with every gauge at zero and with memory that was flat over their second half', async () => {
    const { before, during, after, output } = await makeShortCalls(2000, 20);
    const quarter = Math.floor(during.length / 4);
    const [third, fourth] = [during.slice(2 * quarter, 3 * quarter), during.slice(3 * quarter, 4 * quarter)];
    const rss = [mean(third.map(held => held.rss)), mean(fourth.map(held => held.rss))] as const;
    const heap = [mean(third.map(held => held.heap)), mean(fourth.map(held => held.heap))] as const;
    const told = { before, after, rss, heap, samples: during.length };
    console.info(JSON.stringify(told));
    expect(quarter).toBeGreaterThan(5);
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
    expect(after.threads).toBe(before.threads);
    // 500 calls lie between the two quarters: 4 kB left behind by each would be 2 MB.
    expect(heap[1] - heap[0]).toBeLessThan(2 * megabyte);
    expect(rss[1] - rss[0]).toBeLessThan(8 * megabyte);
    // The pictures of so many calls are kept; they were full before the second half.
    const pictures = ladderLimits.calls * pictureBytes;
    expect(after.heap - before.heap).toBeLessThan(pictures + 2 * megabyte);
    expect(after.heap - heap[0]).toBeLessThan(2 * megabyte);
    expect(output).not.toContain('MaxListenersExceeded');
  });
});
