import { describe, expect, it } from 'vitest';
import { SipListener } from '../contract/sip-listener.ts';
import { withBridge } from '../support/flow.ts';

const yaml = `
elevenlabs:
  agent_id: agent_under_test
tools:
  default_country: DE
trunks:
  - name: london
    default_country: GB
    inbound_trunk_config: { allowed_addresses: [127.0.0.0/8] }
numbers:
  - phone_number: "(415) 555-1234"
    default_country: US
    agent_id: agent_under_test
`;

describe('numbers that come without their country', () => {
  it.each([
    ['their trunk', '02071234567', '02071230000', '020 7123 4567', '+442071234567', '+442071230000'],
    [
      'the number that is called',
      '4155550123',
      '4155551234',
      '(415) 555-0123',
      '+14155550123',
      '+14155551234',
    ],
  ])(
    'are of the country of %s: caller, called number and what the agent writes',
    (_of, from, to, said, caller, called) =>
      withBridge({ script: { mode: 'quiet' }, yaml }, async bridge => {
        const call = await bridge.answered({ from, to });
        const conversation = await bridge.world.agent.conversation(0);
        expect(conversation.initiation?.dynamic_variables).toMatchObject({
          caller_id: caller,
          called_number: called,
        });
        // The caller's own number, so that the code goes out with nothing else allowed.
        const sent = await conversation.callTool('send_SMS_verification', { To: said, Channel: 'sms' });
        expect(JSON.parse(sent.result)).toMatchObject({ status: 'pending' });
        expect(bridge.world.twilio.codeFor(caller)).toMatch(/^\d+$/);
        await call.hangup();
      }),
  );

  it('are so for a webhook tool too: of the country of the call whose token it has', () => {
    const env = { PUBLIC_HTTP_LISTEN: '127.0.0.1:0', TOOLS_SECRET: 'tools-secret-0123456789' };
    return withBridge({ script: { mode: 'quiet' }, yaml, env }, async bridge => {
      const { address, port } = bridge.app.publicHttp ?? {};
      const send = async (index: number, To: string) => {
        const { initiation } = await bridge.world.agent.conversation(index);
        const token = String(initiation?.dynamic_variables?.['secret__bridge_token']);
        const answer = await fetch(`http://${address}:${port}/tools/send_SMS_verification`, {
          method: 'POST',
          body: new URLSearchParams({ To, Channel: 'sms' }),
          headers: { authorization: `Bearer ${env.TOOLS_SECRET}`, 'x-bridge-token': token },
        });
        return answer.json();
      };
      const london = await bridge.answered({ from: '02071234567', to: '02071230000' });
      const boston = await bridge.answered({ from: '4155550123', to: '4155551234' });
      expect(await send(0, '020 7123 4567')).toMatchObject({ status: 'pending' });
      expect(bridge.world.twilio.codeFor('+442071234567')).toMatch(/^\d+$/);
      expect(await send(1, '(415) 555-0123')).toMatchObject({ status: 'pending' });
      expect(bridge.world.twilio.codeFor('+14155550123')).toMatch(/^\d+$/);
      await london.hangup();
      await boston.hangup();
    });
  });

  it.each([
    ['their number', '+14155551234', '(415) 555-0123', '+14155550123'],
    ['their trunk', '+442071230000', '020 7123 4567', '+442071234567'],
  ])('are of the country of %s in calls of ours', async (_of, from, to, called) => {
    const listener = await SipListener.open();
    const outbound = `outbound_trunk_config: { address: "127.0.0.1:${listener.hop.port}", transport: tcp }`;
    const withOutbound = yaml.replace('numbers:', `    ${outbound}\nnumbers:`);
    try {
      await withBridge({ yaml: withOutbound }, async bridge => {
        const placed = await bridge.app.place({ trunk: 'london', to, from, agentId: 'agent_under_test' });
        const { peer, invite, answer } = await listener.invited();
        expect(invite.uri).toContain(`sip:${called}@`);
        answer(486);
        expect(placed.ok && (await placed.value.ended).end.reason).toBe('callee-busy');
        await peer.next(message => message.kind === 'request' && message.method === 'ACK');
        peer.end();
      });
    } finally {
      listener.close();
    }
  });
});
