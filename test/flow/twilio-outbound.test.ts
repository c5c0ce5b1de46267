import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Bridge } from '../support/flow.ts';
import { caller, type StreamBridge, withStreamBridge } from '../support/stream-bridge.ts';

const key = 'admin-key-0123456789';
const quiet = { agent: { otherwise: { mode: 'quiet' } as const } };
const env = { API_KEYS: `crm:admin:${key},test:read:a-key-to-read-metrics` };

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function asked(
  bridge: Bridge,
  method: string,
  path: string,
  body?: object,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const { address, port } = bridge.app.http;
  const answer = await fetch(`http://${address}:${port}/v1/${path}`, {
    method,
    headers: {
      'xi-api-key': key,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...more,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Answer['body'] };
}

async function imported(bridge: Bridge, number: string): Promise<string> {
  const body = { provider: 'twilio', phone_number: number, label: 'Front desk' };
  const { body: made } = await asked(bridge, 'POST', 'convai/phone-numbers', body);
  return String(made['phone_number_id']);
}

const wish = (id: string, more: object = {}) => ({
  ...{ agent_id: 'agent_out', agent_phone_number_id: id, to_number: caller },
  conversation_initiation_client_data: { dynamic_variables: { order: '4711' } },
  ...more,
});
const call = (bridge: Bridge, id: string, more?: object, headers?: Readonly<Record<string, string>>) =>
  asked(bridge, 'POST', 'convai/twilio/outbound-call', wish(id, more), headers);

/** Whoever was called answers: Twilio asks the URL that it was given. */
function answered(world: StreamBridge) {
  const [made] = world.twilio.calls.all;
  if (made?.url === undefined) throw new Error('no call was made');
  return world.call({ from: made.from, to: made.to, voiceUrl: made.url, call: made });
}

describe('POST /v1/convai/twilio/outbound-call', () => {
  it('calls somebody from an imported number; who answers has the agent that knows what it was told', () =>
    withStreamBridge({ ...quiet, env }, async world => {
      const { bridge, twilio } = world;
      const id = await imported(bridge, twilio.phoneNumber);
      const more = { call_recording_enabled: true, telephony_call_config: { ringing_timeout_secs: 20 } };
      const { status, body } = await call(bridge, id, more);
      const [made] = twilio.calls.all;
      expect([status, body]).toEqual([
        200,
        {
          ...{ success: true, message: 'The call is on its way.', callSid: made?.sid },
          conversation_id: expect.stringMatching(/^conv_local_/),
        },
      ]);
      const request = twilio.requests.findLast(({ path }) => path.endsWith('/Calls.json'));
      expect(request?.params).toMatchObject({
        ...{ To: caller, From: twilio.phoneNumber, Timeout: '20', Record: 'true' },
      });
      expect(request?.params['Url']).not.toContain('4711');
      const placed = answered(world);
      const stream = await placed.connected;
      const { initiation } = await bridge.world.agent.conversation(0);
      expect(initiation?.dynamic_variables).toMatchObject({ order: '4711', called_number: caller });
      stream?.stop();
      await placed.ended;
      await bridge.ended();
      for (const name of [body['conversation_id'], body['callSid']])
        expect(await asked(bridge, 'GET', `convai/conversations/${name}`)).toMatchObject({
          ...{ status: 200, body: { agent_id: 'agent_out', metadata: { phone_call: { type: 'twilio' } } } },
        });
      const { body: log } = await asked(bridge, 'GET', 'twilio/executions?tool=makeCall');
      expect(log['executions']).toMatchObject([
        { status: 'done', gates: [{ gate: 'kill_switch' }, { gate: 'recipient' }, { gate: 'budget' }] },
      ]);
    }));

  it('begins as it was to after a restart, once for a key, and from a number that is only verified', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-outbound-'));
    const kept = { ...env, DATA_DIR: folder, DATA_KEY: Buffer.alloc(32, 7).toString('base64') };
    const verified = '+14155550188';
    let url = '';
    try {
      await withStreamBridge({ ...quiet, env: kept }, async ({ bridge, twilio }) => {
        twilio.numbers.verifyCallerId(verified, 'Desk');
        const id = await imported(bridge, verified);
        const first = await call(bridge, id, {}, { 'idempotency-key': 'order-1' });
        expect(first).toMatchObject({ status: 200, body: { success: true } });
        expect((await call(bridge, id, {}, { 'idempotency-key': 'order-1' })).body).toEqual(first.body);
        expect(twilio.calls.all).toMatchObject([{ from: verified, to: caller }]);
        url = twilio.calls.all[0]?.url ?? '';
      });
      await withStreamBridge({ ...quiet, env: kept }, async world => {
        const placed = world.call({ from: verified, to: caller, voiceUrl: url });
        const stream = await placed.connected;
        const { initiation } = await world.bridge.world.agent.conversation(0);
        expect(initiation?.dynamic_variables).toMatchObject({ order: '4711' });
        stream?.stop();
        await placed.ended;
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('calls nobody where a gate says no or a number is not one of Twilio, and says why', () =>
    withStreamBridge({ ...quiet, env, yaml: 'actions: { calls_per_day: 1 }' }, async ({ bridge, twilio }) => {
      const id = await imported(bridge, twilio.phoneNumber);
      const trunk = { phone_number: '+493090182000', label: 'Desk', provider: 'sip_trunk' };
      const { body: other } = await asked(bridge, 'POST', 'convai/phone-numbers', trunk);
      const refusals: readonly [string, object, number, RegExp][] = [
        ['phnum_none', {}, 404, /not_found.*GET \/v1\/convai\/phone-numbers/],
        [String(other['phone_number_id']), {}, 409, /not_twilio.*sip-trunk\/outbound-call/],
        [id, { to_number: '0123' }, 422, /invalid_number.*to_number/],
      ];
      for (const [number, more, status, why] of refusals) {
        const answer = await call(bridge, number, more);
        expect([answer.status, JSON.stringify(answer.body)]).toEqual([status, expect.stringMatching(why)]);
      }
      const turn = (value: boolean) =>
        asked(bridge, 'PUT', 'switches/kill_switch', { value, why: 'an emergency' });
      await turn(true);
      expect(await call(bridge, id)).toMatchObject({
        ...{ status: 200, body: { success: false, conversation_id: null, callSid: null } },
        body: { message: expect.stringMatching(/kill_switch.*\(switched-off\)$/) },
      });
      expect(twilio.calls.all).toEqual([]);
      await turn(false);
      expect((await call(bridge, id)).body).toMatchObject({ success: true });
      expect((await call(bridge, id)).body).toMatchObject({
        ...{ success: false, message: expect.stringContaining('actions.calls_per_day') },
      });
      expect(twilio.calls.all).toHaveLength(1);
    }));
});
