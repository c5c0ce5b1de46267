import { describe, expect, it } from 'vitest';
import { sentence } from '../../src/core/ending.ts';
import type { BridgeEvent } from '../../src/core/events.ts';
import { newCallKey } from '../../src/core/ids.ts';
import { OutgoingCalls, type OutgoingParts } from '../../src/outgoing.ts';
import type { GateState } from '../../src/tools/gates.ts';

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
