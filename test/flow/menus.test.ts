import { describe, expect, it } from 'vitest';
import type { Bridge } from '../support/flow.ts';
import { called, caller, publicUrl, withStreamBridge } from '../support/stream-bridge.ts';

const operator = 'ops:operator:operator-secret-0123456789';
const yaml = `
menus:
  - name: main
    say: Press 1 for billing, 2 for the desk, 9 to end.
    tries: 2
    choices:
      - { digits: "1", action: agent, agent_id: agent_billing, variables: { topic: billing } }
      - { digits: "2", action: dial, to: "+14155550177" }
      - { digits: "9", action: hangup }
`;
const quiet = { agent: { otherwise: { mode: 'quiet' } as const }, yaml };
const voiceUrl = `${publicUrl}/twilio/menu/main`;

/** The record of the only call, as far as everybody may read it. */
async function recordOf(bridge: Bridge): Promise<unknown> {
  const find = async () => {
    const answer = await bridge.http('/v1/convai/conversations');
    const { conversations } = (await answer.json()) as { conversations: { status: string }[] };
    return conversations.find(({ status }) => status !== 'in-progress' && status !== 'initiated');
  };
  for (let tries = 0; tries < 1_000; tries += 1) {
    const found = await find();
    if (found !== undefined) return found;
  }
  throw new Error('the call has no record');
}

describe('a caller of a Twilio number with a menu', () => {
  it('keys a choice, and the agent of that choice knows what it was', () =>
    withStreamBridge(quiet, async world => {
      const { bridge } = world;
      const menu = world.call({ voiceUrl, keys: ['7', '1'] });
      const stream = await menu.connected;
      expect(menu.verbs.map(({ name }) => name)).toEqual(['Gather', 'Gather', 'Redirect', 'Connect']);
      const { initiation } = await bridge.world.agent.conversation(0);
      expect(initiation?.dynamic_variables).toMatchObject({ topic: 'billing', caller_id: caller });
      stream?.stop();
      await menu.ended;
      await bridge.ended();
      expect(await recordOf(bridge)).toMatchObject({ agent_id: 'agent_billing', direction: 'inbound' });
    }));

  it('is put through, or let go, without an agent', () =>
    withStreamBridge(quiet, async world => {
      const { bridge } = world;
      const dialled = world.call({ voiceUrl, keys: ['2'] });
      expect(await dialled.ended).toBe('Hangup');
      expect(dialled.verbs.find(({ name }) => name === 'Dial')?.text).toBe('+14155550177');
      const ended = world.call({ voiceUrl, keys: ['9'] });
      expect(await ended.ended).toBe('Hangup');
      const silent = world.call({ voiceUrl });
      expect(await silent.ended).toBe('Hangup');
      expect(silent.verbs.filter(({ name }) => name === 'Gather')).toHaveLength(2);
      expect(bridge.world.agent.open).toBe(0);
    }));

  it('is nobody whom Twilio has not sent', () =>
    withStreamBridge(quiet, async ({ base }) => {
      const answer = await fetch(`${base}/twilio/menu/main`, {
        method: 'POST',
        body: new URLSearchParams({ CallSid: `CA${'0'.repeat(32)}`, Digits: '1' }),
      });
      expect(answer.status).toBe(403);
    }));
});

describe('a call that a program has made', () => {
  it('has the agent in it that was asked for, and whoever answers is nobody who is known', () =>
    withStreamBridge(
      { ...quiet, env: { API_KEYS: `test:read:a-key-to-read-metrics,${operator}` } },
      async world => {
        const { bridge, twilio } = world;
        const { address, port } = bridge.app.http;
        const answer = await fetch(`http://${address}:${port}/v1/twilio/actions`, {
          method: 'POST',
          headers: { 'xi-api-key': 'operator-secret-0123456789', 'content-type': 'application/json' },
          body: JSON.stringify({
            action: 'makeCall',
            arguments: { to: caller, from: twilio.phoneNumber, agent_id: 'agent_caller' },
          }),
        });
        const [made] = twilio.calls.all;
        const conversationId = expect.stringMatching(/^conv_local_/);
        expect([answer.status, await answer.json()]).toEqual([
          200,
          { callSid: made?.sid, status: 'queued', conversationId },
        ]);
        if (made?.url === undefined) throw new Error('the call has no URL');
        const placed = world.call({ from: twilio.phoneNumber, to: called, voiceUrl: made.url, call: made });
        const stream = await placed.connected;
        const { initiation } = await bridge.world.agent.conversation(0);
        expect(initiation?.dynamic_variables).toMatchObject({ called_number: caller });
        expect(bridge.log('call arrived')[0]).toMatchObject({ called: '+141******23' });
        stream?.stop();
        await placed.ended;
        await bridge.ended();
        expect(await recordOf(bridge)).toMatchObject({ agent_id: 'agent_caller', direction: 'outbound' });
      },
    ));
});
