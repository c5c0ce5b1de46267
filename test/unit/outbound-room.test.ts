import { describe, expect, it } from 'vitest';
import type { ActionOutcome } from '../../src/core/action-outcome.ts';
import { type Ending, ending } from '../../src/core/ending.ts';
import { fail, ok, type Result } from '../../src/core/errors.ts';
import type { BridgeEvent } from '../../src/core/events.ts';
import { type LogFields, type Logger, silentLogger } from '../../src/core/logger.ts';
import type { OutboundCallWish } from '../../src/http/outbound-call.ts';
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
  readonly outcome?: ActionOutcome;
  readonly country?: string;
}

const made = { callSid: 'CA1', status: 'queued', conversationId: 'conv_local_1' };

function desk({ numbers = [number], placed, storeDown = false, outcome, country }: Setting) {
  const clock = new ManualClock();
  const runs: Execution[] = [];
  const events: BridgeEvent[] = [];
  const requests: OutgoingRequest[] = [];
  const asked: unknown[][] = [];
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
    actions: {
      async run(name, given, asker) {
        asked.push([name, given, asker]);
        return outcome ?? { ok: true, value: made };
      },
    },
    ...{ accountSid: () => 'AC1', country: () => country },
    events: { emit: event => void events.push(event) },
    ...{ clock, log },
  });
  return {
    call: () => outbound.sipTrunk.call(wish, { by: 'crm' }),
    twilio: (more: Partial<OutboundCallWish> = {}) =>
      outbound.twilio.call({ ...wish, ...more }, { by: 'crm', key: 'order-1' }),
    ...{ runs, events, requests, warned, asked },
  };
}

describe('a call from an imported number', () => {
  it('goes out over the trunk of the number, and is written down with who wanted it', async () => {
    const { call, runs, events, requests } = desk({});
    expect(await call()).toMatchObject({ ok: true, value: { callId: 'sip-1' } });
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
    ['is of Twilio', [{ ...number, provider: 'twilio' as const }], 'not-sip-trunk', /twilio\/outbound-call/],
    ['has no way out', [{ ...number, outbound: undefined }], 'no-trunk', /outbound_trunk_config/],
  ])('that %s calls nobody, asks no gate, and says what to do', async (_, numbers, code, why) => {
    const { call, runs, requests } = desk({ numbers });
    expect(await call()).toMatchObject({ ok: false, failure: { code, message: expect.stringMatching(why) } });
    expect(requests).toEqual([]);
    expect(runs).toMatchObject([{ status: code.replaceAll('-', '_'), isError: true }]);
    expect(runs[0]).not.toHaveProperty('gates');
  });

  it('goes on its way although it cannot be written down', async () => {
    const { call, events, warned } = desk({ storeDown: true });
    expect(await call()).toMatchObject({ ok: true });
    expect(events).toHaveLength(1);
    expect(warned).toEqual([['an action of the operator could not be recorded', { action: 'outboundCall' }]]);
  });
});

describe('a call from a number of the Twilio account', () => {
  const bought: NumberEntry = {
    ...{ id: 'phnum_1', number: '+442071234567', label: 'City', provider: 'twilio', configured: false },
    ...{
      twilio: { accountSid: 'AC1', sid: 'PN1', purchased: true },
      inbound: undefined,
      outbound: undefined,
    },
  };
  const verified = { ...bought, twilio: { accountSid: 'AC1', sid: 'PN2', purchased: false } };

  it.each([
    ['that was bought', bought],
    ['that was verified alone', verified],
    ['that the configuration names too', { ...bought, configured: true }],
  ])('%s is what makeCall does, under the same key', async (_, entry) => {
    const { twilio, asked, requests } = desk({ numbers: [entry] });
    expect(await twilio()).toEqual({ ok: true, value: { conversationId: 'conv_local_1', callId: 'CA1' } });
    const given = { to: '+14155550123', from: '+442071234567', agent_id: 'agent_1' };
    expect(asked).toEqual([['makeCall', given, { by: 'crm', key: 'order-1' }]]);
    expect(requests).toEqual([]);
  });

  it('has what else was asked for, and rings no longer than Twilio lets it', async () => {
    const { twilio, asked } = desk({ numbers: [bought] });
    const given = { dynamic_variables: { name: 'Ada' } };
    const read = { variables: { name: 'Ada' }, ignored: [] };
    await twilio({ clientData: { given, read }, ringSeconds: 999, record: true });
    const more = { conversation_initiation_client_data: given, ring_seconds: 600, record: true };
    expect(asked[0]?.[1]).toMatchObject(more);
  });

  it.each([
    ['of the number', { ...bought, defaultCountry: 'GB' }, 'DE', '+442079460000'],
    ['of the configuration', bought, 'GB', '+442079460000'],
  ])('to a number without its country is one of the country %s', async (_, entry, country, to) => {
    const { twilio, asked } = desk({ numbers: [entry], country });
    expect(await twilio({ to: '020 7946 0000' })).toMatchObject({ ok: true });
    expect(asked[0]?.[1]).toMatchObject({ to });
  });

  it.each([
    ['is not there', [], 'not-found', /GET \/v1\/convai\/phone-numbers/],
    ['came with a trunk', [number], 'not-twilio', /sip-trunk\/outbound-call/],
    [
      'stands in the configuration',
      [{ ...number, configured: true }],
      'configured',
      /import it with provider twilio/,
    ],
    [
      'is of another account',
      [{ ...bought, twilio: { accountSid: 'AC2', sid: 'PN1', purchased: true } }],
      'other-account',
      /another Twilio account/,
    ],
  ])('that %s calls nobody, and says what to do', async (_, numbers, code, why) => {
    const { twilio, asked } = desk({ numbers });
    expect(await twilio()).toMatchObject({
      ok: false,
      failure: { code, message: expect.stringMatching(why) },
    });
    expect(asked).toEqual([]);
  });

  it('calls nobody whose number cannot be read', async () => {
    const { twilio, asked } = desk({ numbers: [bought] });
    expect(await twilio({ to: '020 7946 0000' })).toMatchObject({
      failure: { code: 'invalid-number', message: expect.stringMatching(/^to_number /) },
    });
    expect(asked).toEqual([]);
  });

  it('tells why it was not made, and that it was made before', async () => {
    const refused = { ok: false, status: 'over_budget', message: 'Enough.', retryAfterSeconds: 60 } as const;
    expect(await desk({ numbers: [bought], outcome: refused }).twilio()).toEqual({
      ok: false,
      failure: { code: 'over-budget', message: 'Enough.', retryAfterSeconds: 60 },
    });
    const again = { ok: true, replayed: true, value: made } as const;
    expect(await desk({ numbers: [bought], outcome: again }).twilio()).toMatchObject({
      value: { callId: 'CA1', replayed: true },
    });
  });
});
