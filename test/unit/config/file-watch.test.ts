import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileWatch, watchLimits } from '../../../src/config/file-watch.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';

let folder: string;
let watch: FileWatch;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-watch-'));
});
afterEach(() => {
  watch.close();
  rmSync(folder, { recursive: true });
});

const at = (name: string) => join(folder, name);

/** Watched by the poll alone: the clock does not move while the system could tell of anything. */
function polled(...names: string[]) {
  const clock = new ManualClock();
  let changes = 0;
  watch = new FileWatch(names.map(at), { clock, onChange: () => changes++ });
  const poll = () => {
    clock.advance(watchLimits.pollMs);
    return changes;
  };
  return { clock, poll };
}

describe('a watched file', () => {
  it('tells nothing while nothing changes', () => {
    writeFileSync(at('a'), '1');
    const { poll } = polled('a');
    expect([poll(), poll()]).toEqual([0, 0]);
  });

  it('tells once when it is written, replaced, removed or made', () => {
    writeFileSync(at('a'), '1');
    const { poll } = polled('a', 'b');
    writeFileSync(at('a'), '22');
    expect([poll(), poll()]).toEqual([1, 1]);
    writeFileSync(at('new'), '33');
    renameSync(at('new'), at('a'));
    expect([poll(), poll()]).toEqual([2, 2]);
    writeFileSync(at('b'), '1');
    expect(poll()).toBe(3);
    unlinkSync(at('b'));
    expect([poll(), poll()]).toEqual([4, 4]);
  });

  it('tells when the link that it is points elsewhere', () => {
    writeFileSync(at('one'), 'x');
    writeFileSync(at('two'), 'x');
    utimesSync(at('two'), 1, 1);
    symlinkSync(at('one'), at('link'));
    const { poll } = polled('link');
    unlinkSync(at('link'));
    symlinkSync(at('two'), at('link'));
    expect(poll()).toBe(1);
  });

  it('is told of by the system long before the poll', async () => {
    writeFileSync(at('a'), '1');
    let changes = 0;
    const limits = { settleMs: 5, pollMs: 3_600_000 };
    watch = new FileWatch([at('a')], { clock: systemClock, onChange: () => changes++, limits });
    writeFileSync(at('a'), '22');
    await until(() => changes === 1, 'the change');
  });

  it('leaves no timer behind, and needs none when there is nothing to watch', () => {
    const { clock } = polled();
    expect(clock.pending).toBe(0);
    writeFileSync(at('a'), '1');
    const other = polled('a');
    watch.close();
    expect(other.clock.pending).toBe(0);
  });
});
