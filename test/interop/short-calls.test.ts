import { describe, expect, it } from 'vitest';
import { requirePrograms } from '../support/programs.ts';
import { makeShortCalls, pictureBytes } from '../support/short-calls.ts';

const available = requirePrograms('short calls of SIPp', ['sipp']);

describe.skipIf(!available)('200 short calls at 20 a second', () => {
  it('end with nothing held: no socket, port, timer, dialogue, transaction or thread', async () => {
    const { before, during, after, output } = await makeShortCalls(200, 20);
    // Else nothing was measured.
    expect(Math.max(...during.map(({ load }) => load['calls'] ?? 0))).toBeGreaterThan(3);
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
    expect(after.threads).toBe(before.threads);
    // 200 calls that each left so much as 5 kB besides their pictures would show.
    expect(after.heap - before.heap).toBeLessThan(200 * (pictureBytes + 5_000));
    expect(output).not.toContain('MaxListenersExceeded');
  }, 150_000);
});
