import { describe, expect, it } from 'vitest';
import { CallRegistry } from '../../src/call/registry.ts';
import { ending, sentence } from '../../src/core/ending.ts';
import { fail, ok } from '../../src/core/errors.ts';
import type { BridgeEvent } from '../../src/core/events.ts';
import { newCallKey } from '../../src/core/ids.ts';
import { OutgoingCalls, type OutgoingParts } from '../../src/outgoing.ts';
import type { GateState } from '../../src/tools/gates.ts';
import { ManualClock } from '../support/manual-clock.ts';

const wish = { trunk: 'carrier', to: '+14155550123', agentId: 'agent_1' };

/** Without a trunk: who is not stopped by the switch gets no further than that. */
function calls(read: () => GateState) {
  const events: BridgeEvent[] = [];
  const outgoing = new OutgoingCalls({
    gates: { read },
    config: () => ({ trunks: [] }),
    events: { emit: (event: BridgeEvent) => void events.push(event) },
  } as unknown as OutgoingParts);
  return { outgoing, events };
}

const on = () => ({ allowAutonomousSends: true, killSwitch: true });
const off = () => ({ allowAutonomousSends: false, killSwitch: false });

/** With a trunk, and calls that the daemon may hold; nobody gets further than to the ports, of which there are none. */
function draining(maxCalls: number) {
  const registry = new CallRegistry(maxCalls, new ManualClock());
  registry.reserve();
  void registry.drain(60_000);
  const outbound = {
    host: '192.0.2.1',
    transport: 'tcp',
    headers: [],
    allowedPrefixes: [],
    deniedPrefixes: [],
  };
  const outgoing = new OutgoingCalls({
    gates: { read: off },
    config: () => ({
      trunks: [{ name: 'carrier', outbound, attributesToHeaders: {}, limits: {} }],
      tools: {},
      secrets: { trunkPasswords: new Map() },
    }),
    countryOf: () => undefined,
    events: { emit: () => undefined },
    registry,
    places: { take: () => true, release: () => undefined },
    spending: { begin: async () => ok({ answered: () => undefined, over: () => undefined }) },
    lines: { open: async () => fail(ending('no-ports')) },
  } as unknown as OutgoingParts);
  return { outgoing, registry };
}

describe('calls of ours, and a daemon that drains', () => {
  const target = { destination: { kind: 'phone', number: wish.to }, headers: [], trunk: 'carrier' } as const;

  it('that would be new are not placed, and a call that is up may still be transferred', async () => {
    const { outgoing, registry } = draining(10);
    expect(await outgoing.place(wish)).toMatchObject({ failure: { reason: 'draining' } });
    const second = await outgoing.open(target, newCallKey(), 'leg' as never);
    expect(second).toMatchObject({ failure: { reason: 'no-ports' } });
    expect(registry.active).toBe(1);
  });

  it('keep to call.max_calls all the same', async () => {
    const second = await draining(1).outgoing.open(target, newCallKey(), 'leg' as never);
    expect(second).toMatchObject({ failure: { reason: 'over-capacity' } });
  });
});

describe('calls of ours, and the kill switch', () => {
  it.each([
    ['is on', on, 'switched-off', /tools\.kill_switch/],
    [
      'cannot be read',
      () => {
        throw new Error('the store is down');
      },
      'switched-off',
      /the store is down/,
    ],
    ['is off', off, 'trunk-unreachable', /no trunk of that name/],
  ])('that %s', async (_, read, reason, why) => {
    const { outgoing, events } = calls(read);
    const placed = await outgoing.place(wish);
    expect(placed).toMatchObject({ ok: false, failure: { reason } });
    expect(placed.ok ? '' : sentence(placed.failure)).toMatch(why);
    expect(events).toMatchObject([{ type: 'call-not-placed', trunk: 'carrier', end: { reason } }]);
  });

  it('is not asked of the telephone that a caller is connected with', async () => {
    const { outgoing } = calls(on);
    const target = { destination: { kind: 'phone', number: wish.to }, trunk: 'carrier' } as never;
    expect(await outgoing.open(target, newCallKey(), 'leg' as never)).toMatchObject({
      failure: { reason: 'trunk-unreachable' },
    });
  });
});
