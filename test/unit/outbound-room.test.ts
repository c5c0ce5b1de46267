import { describe, expect, it } from 'vitest';
import { type Ending, ending } from '../../src/core/ending.ts';
import { fail, ok, type Result } from '../../src/core/errors.ts';
import type { BridgeEvent } from '../../src/core/events.ts';
import { type LogFields, type Logger, silentLogger } from '../../src/core/logger.ts';
import { composeOutbound } from '../../src/outbound-room.ts';
import type { OutgoingRequest } from '../../src/outgoing.ts';
import type { NumberEntry } from '../../src/phone-numbers.ts';
import type { Execution } from '../../src/store/sends.ts';
import { ManualClock } from '../support/manual-clock.ts';

const number: NumberEntry = {
  ...{ id: 'phnum_1', number: '+493090182000', label: 'Desk', provider: 'sip_trunk' },
  ...{ configured: false, inbound: undefined, outbound: { address: '192.0.2.1' } },
};
const wish = { agentId: 'agent_1', numberId: 'phnum_1', to: '+14155550123' };

interface Setting {
  readonly numbers?: readonly NumberEntry[];
  readonly placed?: Result<{ readonly key: string; readonly variables: Record<string, string> }, Ending>;
  readonly storeDown?: boolean;
}

function desk({ numbers = [number], placed, storeDown = false }: Setting) {
  const clock = new ManualClock();
  const runs: Execution[] = [];
  const events: BridgeEvent[] = [];
  const requests: OutgoingRequest[] = [];
  const warned: [string, LogFields | undefined][] = [];
  const log: Logger = { ...silentLogger, warn: (text, fields) => void warned.push([text, fields]) };
  const outbound = composeOutbound({
    numbers: { refresh: async () => undefined, find: id => numbers.find(each => each.id === id) },
    async place(request) {
      requests.push(request);
      clock.advance(5);
      return placed ?? ok({ key: 'call_1', variables: { call_id: 'sip-1' } });
    },
    executions: {
      async add(run) {
        if (storeDown) throw new Error('the store is down');
        runs.push(run);
      },
    },
    events: { emit: event => void events.push(event) },
    ...{ clock, log },
  });
  return { call: () => outbound.call(wish, 'crm'), runs, events, requests, warned };
}

describe('a call from an imported number', () => {
  it('goes out over the trunk of the number, and is written down with who wanted it', async () => {
    const { call, runs, events, requests } = desk({});
    expect(await call()).toMatchObject({ ok: true, value: { sipCallId: 'sip-1' } });
    expect(requests).toEqual([{ trunk: 'phnum_1', to: '+14155550123', agentId: 'agent_1' }]);
    expect(runs).toMatchObject([
      {
        ...{ tool: 'outboundCall', status: 'done', isError: false, ms: 5, call: '' },
        arguments: { to: '+141******23' },
        gates: [{ gate: 'kill_switch', decision: 'pass' }],
      },
    ]);
    expect(JSON.stringify([runs, events])).not.toContain('4155550123');
    expect(events).toMatchObject([
      { type: 'action-run', action: 'outboundCall', by: 'crm', status: 'done', isError: false },
    ]);
  });

  it.each([
    ['that the switch refuses', ending('switched-off'), 'switched_off', 'refuse'],
    ['whose trunk has been used up', ending('outbound-limit'), 'outbound_limit', 'pass'],
  ])('%s is written down as that', async (_, end, status, decision) => {
    const { call, runs, events } = desk({ placed: fail(end) });
    expect(await call()).toMatchObject({ ok: false, failure: { code: end.reason } });
    expect(runs).toMatchObject([{ status, isError: true, gates: [{ gate: 'kill_switch', decision }] }]);
    expect(events).toMatchObject([{ status, isError: true }]);
  });

  it.each([
    ['is not there', [], 'not-found', /agent_phone_number_id/],
    ['is in the configuration', [{ ...number, configured: true }], 'configured', /trunkbridge call --trunk/],
    ['has no way out', [{ ...number, outbound: undefined }], 'no-trunk', /outbound_trunk_config/],
  ])('that %s calls nobody, asks no gate, and says what to do', async (_, numbers, code, why) => {
    const { call, runs, requests } = desk({ numbers });
    expect(await call()).toMatchObject({ ok: false, failure: { code, message: expect.stringMatching(why) } });
    expect(requests).toEqual([]);
    expect(runs).toMatchObject([{ status: code.replace('-', '_'), isError: true }]);
    expect(runs[0]).not.toHaveProperty('gates');
  });

  it('goes on its way although it cannot be written down', async () => {
    const { call, events, warned } = desk({ storeDown: true });
    expect(await call()).toMatchObject({ ok: true });
    expect(events).toHaveLength(1);
    expect(warned).toEqual([['an action of the operator could not be recorded', { action: 'outboundCall' }]]);
  });
});
