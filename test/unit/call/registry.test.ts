import { describe, expect, it } from 'vitest';
import type { Call, CallSummary } from '../../../src/call/controller.ts';
import { CallRegistry } from '../../../src/call/registry.ts';
import { deferred } from '../../../src/core/deferred.ts';
import { type Ending, ending } from '../../../src/core/ending.ts';
import { newCallKey } from '../../../src/core/ids.ts';
import { noLegStats } from '../../../src/core/leg-stats.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** The part of a call that a registry sees: a key, an end, and a way to ask for it. */
function someCall() {
  const { promise, resolve } = deferred<CallSummary>();
  const finish = (end: Ending) => resolve({ end, answered: true, stats: noLegStats });
  const call = { key: newCallKey(), ended: promise, stop: finish } as unknown as Call;
  return { call, finish };
}

const settled = async () => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

describe('the registry of calls', () => {
  it('has room for so many calls and says which setting is the limit', async () => {
    const registry = new CallRegistry(2);
    expect(registry.reserve()).toBeUndefined();
    expect(registry.reserve()).toBeUndefined();
    const full = { reason: 'over-capacity', detail: 'call.max_calls is 2' };
    expect(registry.reserve()).toMatchObject(full);
    expect(registry.reserveSecond()).toMatchObject(full);
    registry.release();
    expect(registry.reserve()).toBeUndefined();
  });

  it('gets the place of a call back when it has ended', async () => {
    const registry = new CallRegistry(1);
    registry.reserve();
    const { call, finish } = someCall();
    registry.add(call);
    expect(registry.active).toBe(1);
    finish(ending('caller-hung-up'));
    await settled();
    expect(registry.active).toBe(0);
  });

  it('takes no call while it drains, and is drained when the last one is over', async () => {
    const registry = new CallRegistry(10, new ManualClock());
    registry.reserve();
    const { call, finish } = someCall();
    registry.add(call);
    let drained = false;
    const draining = registry.drain(60_000).then(() => {
      drained = true;
    });
    expect(registry.reserve()).toMatchObject({ reason: 'draining' });
    // The call that is up may still be transferred.
    expect(registry.reserveSecond()).toBeUndefined();
    registry.release();
    await settled();
    expect(drained).toBe(false);
    finish(ending('caller-hung-up'));
    await draining;
  });

  it('ends what is left at the deadline with shutdown', async () => {
    const clock = new ManualClock();
    const registry = new CallRegistry(10, clock);
    registry.reserve();
    const { call } = someCall();
    registry.add(call);
    const draining = registry.drain(60_000);
    clock.advance(60_000);
    await draining;
    expect((await call.ended).end.reason).toBe('shutdown');
  });

  it('is drained at once when no call is up', async () => {
    await new CallRegistry(1, new ManualClock()).drain(60_000);
  });
});
