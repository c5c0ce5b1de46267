import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SipListener } from '../contract/sip-listener.ts';
import { type Bridge, withBridge } from '../support/flow.ts';
import { callOver } from '../support/outbound.ts';
import { Telephone } from '../support/telephone.ts';
import { until } from '../support/until.ts';

const key = 'operator-key-0123456789';
const env = {
  API_KEYS: `crm:operator:${key},ops:admin:admin-key-0123456789,test:read:a-key-to-read-metrics`,
};

const trunk = (name: string, port: number) => `
trunks:
  - name: ${name}
    inbound_trunk_config: { allowed_addresses: [127.0.0.0/8] }
    outbound_trunk_config: { address: "127.0.0.1:${port}", transport: tcp }
transfers: [{ name: Support, phone_number: "+14155550151" }]
`;

async function asked(bridge: Bridge, method: string, path: string, body?: object, secret = key) {
  const { address, port } = bridge.app.http;
  const answer = await fetch(`http://${address}:${port}/v1/${path}`, {
    method,
    headers: { 'xi-api-key': secret, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Record<string, unknown>;
}

/** What an operator does in an emergency, and when it is over. */
const turn = (bridge: Bridge, value: boolean | null) =>
  asked(bridge, 'PUT', 'switches/kill_switch', { value, why: 'calls that nobody knows of' });

/** The INVITE that comes is answered with 486, and the call is over. */
async function busy(listener: SipListener): Promise<void> {
  const { peer, answer } = await listener.invited();
  answer(486);
  await peer.next(message => message.kind === 'request' && message.method === 'ACK');
  peer.end();
}

describe('the kill switch', () => {
  it('stops calls from imported numbers, is counted and written down, and lets them go once it is turned back', async () => {
    const listener = await SipListener.open();
    try {
      await withBridge({ env }, async bridge => {
        const number = {
          ...{ phone_number: '+493090182000', label: 'Desk', provider: 'sip_trunk' },
          outbound_trunk_config: { address: `127.0.0.1:${listener.hop.port}`, transport: 'tcp' },
        };
        const made = await asked(bridge, 'POST', 'convai/phone-numbers', number, 'admin-key-0123456789');
        const id = String(made['phone_number_id']);
        const call = () =>
          asked(bridge, 'POST', 'convai/sip-trunk/outbound-call', {
            ...{ agent_id: 'agent_under_test', agent_phone_number_id: id, to_number: '+14155550123' },
          });
        await turn(bridge, true);
        expect(await call()).toEqual({
          success: false,
          message: expect.stringMatching(/tools\.kill_switch.*\(switched-off\)$/),
          conversation_id: null,
          sip_call_id: null,
        });
        expect(bridge.log('call placed')).toEqual([]);
        expect(bridge.log('call not placed')).toMatchObject([{ reason: 'switched-off' }]);
        const scraped = await bridge.metrics();
        for (const [name, labels] of [
          ['calls_not_placed', { reason: 'switched-off' }],
          ['actions', { action: 'outboundCall', status: 'switched_off', error: 'true' }],
          ['gate_decisions', { gate: 'kill_switch', decision: 'refuse' }],
        ] as const)
          expect([name, scraped.sum(`trunkbridge_${name}_total`, labels)]).toEqual([name, 1]);
        await turn(bridge, null);
        const [placed] = await Promise.all([call(), busy(listener)]);
        expect(placed).toMatchObject({ success: true });
        await bridge.ended();
        const { executions } = await asked(bridge, 'GET', 'twilio/executions?tool=outboundCall');
        expect(executions).toMatchObject([
          { status: 'done', gates: [{ gate: 'kill_switch', decision: 'pass' }] },
          {
            ...{ status: 'switched_off', is_error: true, arguments: { to: '+141******23' } },
            gates: [{ gate: 'kill_switch', decision: 'refuse', detail: 'on' }],
          },
        ]);
      });
    } finally {
      listener.close();
    }
  });

  it('leaves a call that is up alone, and the telephone that its caller is connected with', async () => {
    const telephone = await Telephone.open({ refuse: 486 });
    try {
      await withBridge(
        { env, script: { mode: 'quiet' }, yaml: trunk('carrier', telephone.port) },
        async bridge => {
          const call = await bridge.answered({ headers: [['X-CALLER-ID', '+14155550123']] });
          await until(() => bridge.log('call answered')[0], 'the ACK to be taken');
          const conversation = await bridge.world.agent.conversation(0);
          await turn(bridge, true);
          const wish = { trunk: 'carrier', to: '+14155550123', agentId: 'agent_under_test' };
          expect(await bridge.app.place(wish)).toMatchObject({ failure: { reason: 'switched-off' } });
          expect(telephone.requests).toEqual([]);
          const { result } = await conversation.callTool('transfer_to_number', { destination: 'Support' });
          expect(JSON.parse(result)).toMatchObject({ status: 'callee_busy' });
          expect(await call.hangup()).toBe(200);
          await bridge.idle();
          telephone.disconnect();
        },
      );
    } finally {
      await telephone.close();
    }
  });

  it('that was turned over the API of a daemon holds for trunkbridge call beside it', async () => {
    const listener = await SipListener.open();
    const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-stopped-'));
    const DATA_DIR = join(folder, 'data');
    try {
      await withBridge({ env: { ...env, DATA_DIR } }, async bridge => {
        const run = (tools = '') =>
          callOver(bridge.world, folder, trunk('sipp', listener.hop.port) + tools, undefined, { DATA_DIR });
        await turn(bridge, true);
        const stopped = await run();
        expect([stopped.code, stopped.output]).toEqual([
          1,
          expect.stringMatching(/^failed: .*tools\.kill_switch.*\(switched-off\)$/m),
        ]);
        await turn(bridge, false);
        // What was turned counts before the configuration, in this direction too.
        const [called] = await Promise.all([run('tools: { kill_switch: true }\n'), busy(listener)]);
        expect(called.output).toMatch(/^busy: .*\(callee-busy\)$/m);
      });
    } finally {
      listener.close();
      rmSync(folder, { recursive: true });
    }
  });
});
