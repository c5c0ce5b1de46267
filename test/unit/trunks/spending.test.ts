import { describe, expect, it } from 'vitest';
import type { Ending } from '../../../src/core/ending.ts';
import type { CounterTake } from '../../../src/store/store.ts';
import { Spending, spendingLimits } from '../../../src/trunks/spending.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

/** Counters that count, over one window that never ends. */
class Tally {
  readonly taken = new Map<string, number>();
  down = false;

  async take([take]: readonly CounterTake[]) {
    if (this.down) throw new Error('down');
    if (take === undefined) throw new Error('nothing to take');
    const key = `${take.name} ${take.subject}`;
    const taken = this.taken.get(key) ?? 0;
    if (taken >= take.limit) return { taken: false as const, name: take.name, retryAfterMs: 1 };
    this.taken.set(key, taken + 1);
    return { taken: true as const, receipt: key };
  }

  async giveBack(receipt: string) {
    this.taken.set(receipt, (this.taken.get(receipt) ?? 1) - 1);
  }
}

function setUp(limits: Partial<typeof spendingLimits> | Record<string, number> = {}) {
  const clock = new ManualClock();
  const tally = new Tally();
  const spending = new Spending(tally, clock);
  const trunk = { name: 'carrier', spending: { ...spendingLimits, ...limits } };
  return { clock, tally, spending, trunk };
}

describe('calls out over a trunk', () => {
  it('stop at its calls a day, whatever becomes of them, and others go on', async () => {
    const { clock, spending, trunk } = setUp({ callsPerDay: 3 });
    const outcomes: string[] = [];
    for (let i = 0; i < 1_000; i++) {
      clock.advance(1_000);
      const begun = await spending.begin(trunk);
      if (begun.ok) begun.value.over();
      outcomes.push(begun.ok ? 'placed' : `${begun.failure.reason}: ${begun.failure.detail}`);
    }
    expect(outcomes.filter(each => each === 'placed')).toHaveLength(3);
    expect(outcomes.at(-1)).toBe(
      'outbound-limit: outbound_trunk_config.limits.calls_per_day of trunk carrier is 3',
    );
    expect((await spending.begin({ ...trunk, name: 'other' })).ok).toBe(true);
  });

  it('stop at its calls a second, and may go on in the next', async () => {
    const { clock, spending, trunk } = setUp({ callsPerSecond: 2 });
    const begin = async () => (await spending.begin(trunk)).ok;
    expect([await begin(), await begin(), await begin(), await begin(), await begin()]).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
    clock.advance(500);
    expect(await begin()).toBe(true);
  });

  it('take a minute for each that begins, and end when there is none left', async () => {
    const { clock, tally, spending, trunk } = setUp({ minutesPerDay: 3 });
    const begun = await spending.begin(trunk);
    if (!begun.ok) throw new Error('it was not placed');
    const ends: Ending[] = [];
    begun.value.answered(end => void ends.push(end));
    for (let minute = 1; minute <= 2; minute++) {
      clock.advance(60_000);
      await settled();
      expect([minute, ends]).toEqual([minute, []]);
    }
    clock.advance(60_000);
    await settled();
    expect(ends).toMatchObject([{ reason: 'outbound-limit' }]);
    expect(ends[0]?.detail).toContain('minutes_per_day of trunk carrier is 3');
    expect(tally.taken.get('outbound-minutes-day carrier')).toBe(3);
    expect(await spending.begin(trunk)).toMatchObject({ ok: false, failure: { reason: 'outbound-limit' } });
  });

  it('go on while nobody knows what was used, and pay for those minutes later', async () => {
    const { clock, tally, spending, trunk } = setUp({ minutesPerDay: 4 });
    const begun = await spending.begin(trunk);
    if (!begun.ok) throw new Error('it was not placed');
    const ends: Ending[] = [];
    begun.value.answered(end => void ends.push(end));
    const minute = async () => {
      clock.advance(60_000);
      await settled();
      return [tally.taken.get('outbound-minutes-day carrier'), ends.length];
    };
    tally.down = true;
    expect(await minute()).toEqual([1, 0]);
    expect(await minute()).toEqual([1, 0]);
    tally.down = false;
    expect(await minute()).toEqual([4, 0]);
    expect(await minute()).toEqual([4, 1]);
    expect(ends[0]?.detail).toContain('minutes_per_day of trunk carrier is 4');
    expect(clock.pending).toBe(0);
  });

  it('cost no minute when nobody answers, and no timer when they are over', async () => {
    const { clock, tally, spending, trunk } = setUp();
    const unanswered = await spending.begin(trunk);
    if (unanswered.ok) unanswered.value.over();
    expect(tally.taken.get('outbound-minutes-day carrier')).toBe(0);
    const answered = await spending.begin(trunk);
    if (answered.ok) {
      answered.value.answered(() => undefined);
      expect(clock.pending).toBe(1);
      answered.value.over();
    }
    expect(clock.pending).toBe(0);
    expect(tally.taken.get('outbound-minutes-day carrier')).toBe(1);
  });

  it('are not made while nobody knows what was used', async () => {
    const { tally, spending, trunk } = setUp();
    tally.down = true;
    expect(await spending.begin(trunk)).toMatchObject({ ok: false, failure: { reason: 'outbound-limit' } });
    tally.down = false;
    expect((await spending.begin(trunk)).ok).toBe(true);
  });

  it('give the day its call back when there is no minute left for it', async () => {
    const { tally, spending, trunk } = setUp({ minutesPerDay: 1 });
    await spending.begin(trunk);
    expect((await spending.begin(trunk)).ok).toBe(false);
    expect(tally.taken.get('outbound-calls-day carrier')).toBe(1);
  });
});
