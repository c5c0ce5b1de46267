import { describe, expect, it } from 'vitest';
import { type Bridge, withBridge } from '../support/flow.ts';

const toolsSecret = 'tools-secret-0123456789';
const caller = '+14155550123';
const stranger = '+442071838750';
const quiet = {
  script: { mode: 'quiet' } as const,
  env: { PUBLIC_HTTP_LISTEN: '127.0.0.1:0', TOOLS_SECRET: toolsSecret },
};
const trusted = { from: caller, headers: [['X-CALLER-ID', caller]] } as const;

/** What ElevenLabs does when an agent uses a webhook tool. */
async function use(
  bridge: Bridge,
  name: string,
  parameters: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
) {
  const { address, port } = bridge.app.publicHttp ?? { address: '', port: 0 };
  const answer = await fetch(`http://${address}:${port}/tools/${name}`, {
    method: 'POST',
    body: new URLSearchParams(parameters),
    headers: { authorization: `Bearer ${toolsSecret}`, ...headers },
  });
  return [answer.status, (await answer.json()) as Readonly<Record<string, unknown>>] as const;
}

/** A call that is up, and the header that its agent's tools would send. */
async function callWithToken(bridge: Bridge, index: number) {
  const call = await bridge.answered(trusted);
  const { initiation } = await bridge.world.agent.conversation(index);
  const token = String(initiation?.dynamic_variables?.['secret__bridge_token']);
  return { call, headers: { 'x-bridge-token': token } };
}

describe('an agent that was set up with webhook tools', () => {
  it('verifies its caller by the token that each call gives it', () =>
    withBridge(quiet, async bridge => {
      const { call, headers } = await callWithToken(bridge, 0);
      const sent = await use(bridge, 'send_SMS_verification', { To: caller, Channel: 'sms' }, headers);
      expect(sent).toEqual([200, expect.objectContaining({ status: 'pending', valid: false })]);
      const code = bridge.world.twilio.codeFor(caller);
      const wrongCode = code === '000000' ? '000001' : '000000';
      const wrong = await use(bridge, 'check_SMS_verification', { To: caller, Code: wrongCode }, headers);
      expect(wrong).toEqual([200, expect.objectContaining({ status: 'pending', valid: false })]);
      const right = await use(bridge, 'check_SMS_verification', { To: caller, Code: code }, headers);
      expect(right).toEqual([200, expect.objectContaining({ status: 'approved', valid: true })]);
      await call.hangup();
      await bridge.ended();
      expect(await use(bridge, 'send_SMS_verification', { To: caller }, headers)).toEqual([
        409,
        expect.objectContaining({ status: 'call_over' }),
      ]);
    }));

  it("gets nothing of another caller's call by naming that one's number", () =>
    withBridge(quiet, async bridge => {
      const victim = await callWithToken(bridge, 0);
      await use(bridge, 'send_SMS_verification', { To: caller }, victim.headers);
      const code = bridge.world.twilio.codeFor(caller);
      const right = await use(bridge, 'check_SMS_verification', { To: caller, Code: code }, victim.headers);
      expect(right[1]['status']).toBe('approved');
      const other = await bridge.answered({ from: stranger, headers: [['X-CALLER-ID', stranger]] });
      const asked = bridge.world.twilio.requests.length;
      const whichCall = [
        409,
        { status: 'which_call', valid: false, message: expect.stringContaining('X-Bridge-Token') },
      ];
      const Code = code === '000000' ? '000001' : '000000';
      expect(await use(bridge, 'check_SMS_verification', { To: caller, Code })).toEqual(whichCall);
      expect(await use(bridge, 'send_SMS_verification', { To: caller })).toEqual(whichCall);
      expect(bridge.world.twilio.requests).toHaveLength(asked);
      await other.hangup();
      await victim.call.hangup();
    }));

  it('cannot send a code to a stranger: the same gate holds as over the conversation', () =>
    withBridge(quiet, async bridge => {
      const { call, headers } = await callWithToken(bridge, 0);
      const before = bridge.world.twilio.requests.length;
      const [, refused] = await use(bridge, 'send_SMS_verification', { To: stranger }, headers);
      expect(refused['status']).not.toBe('pending');
      expect(bridge.world.twilio.requests).toHaveLength(before);
      expect((await use(bridge, 'send_SMS_verification', { To: caller }, headers))[1]['status']).toBe(
        'pending',
      );
      expect(bridge.world.twilio.requests.length).toBeGreaterThan(before);
      await call.hangup();
    }));

  it('gets nothing without the password, with a forged token, or with other tools', () =>
    withBridge(quiet, async bridge => {
      const { call, headers } = await callWithToken(bridge, 0);
      const To = caller;
      expect(
        (await use(bridge, 'send_SMS_verification', { To }, { ...headers, authorization: 'Bearer x' }))[0],
      ).toBe(401);
      const forged = { 'x-bridge-token': `${headers['x-bridge-token'].slice(0, -4)}AAAA` };
      expect((await use(bridge, 'send_SMS_verification', { To }, forged))[0]).toBe(403);
      expect((await use(bridge, 'transfer_to_number', { destination: 'x' }, headers))[0]).toBe(404);
      expect(bridge.world.twilio.requests).toEqual([]);
      await call.hangup();
    }));
});

describe('an agent without webhook tools', () => {
  it('is given no token, and nothing listens for it', () =>
    withBridge({ script: { mode: 'quiet' } }, async bridge => {
      const call = await bridge.answered(trusted);
      const { initiation } = await bridge.world.agent.conversation(0);
      expect(initiation?.dynamic_variables).not.toHaveProperty('secret__bridge_token');
      expect(bridge.app.publicHttp).toBeUndefined();
      await call.hangup();
    }));
});
