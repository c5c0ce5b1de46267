import { describe, expect, it } from 'vitest';
import { type Bridge, withBridge } from '../support/flow.ts';
import { until } from '../support/until.ts';

const key = 'admin-key-0123456789';
const to = '+14155550123';
const env = { API_KEYS: `ops:admin:${key},test:read:a-key-to-read-metrics`, SIP_ALLOW: '127.0.0.1/32' };
const script = { mode: 'echo' } as const;

async function state(bridge: Bridge): Promise<string | undefined> {
  const text = await (await bridge.http('/metrics')).text();
  return /^trunkbridge_twilio_connection\{state="(\w+)"\} 1$/m.exec(text)?.[1];
}

async function ask(bridge: Bridge, method: string, path: string, body?: object) {
  const answer = await bridge.http(`/v1/twilio/connection${path}`, {
    method,
    headers: { 'xi-api-key': key, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** What the agent of a new call hears when it sends a code to its caller. */
async function sendStatus(bridge: Bridge, index: number): Promise<string> {
  const call = await bridge.answered({ headers: [['X-CALLER-ID', to]] });
  const conversation = await bridge.world.agent.conversation(index);
  const { result } = await conversation.callTool('send_SMS_verification', { To: to });
  await call.hangup();
  return (JSON.parse(result) as { status: string }).status;
}

describe('the connection to Twilio of a running daemon', () => {
  it('is checked at the start, and neither its end nor its rotation stops a call or needs a restart', () =>
    withBridge({ env, script, checkTwilio: true }, async bridge => {
      const { twilio } = bridge.world;
      await until(async () => (await state(bridge)) === 'active' && twilio.requests.length > 0, 'the check');
      expect(await sendStatus(bridge, 0)).toBe('pending');

      const next = twilio.credentials.issue('standard');
      twilio.credentials.revoke(twilio.apiKeySid);
      expect(await sendStatus(bridge, 1)).not.toBe('pending');
      expect(await state(bridge)).toBe('error');
      expect((await bridge.http('/readyz')).status).toBe(200);
      expect((await ask(bridge, 'GET', '')).body).toMatchObject({ status: 'error', code: 20003 });

      const given = { api_key_sid: next.sid, api_key_secret: next.secret, why: 'revoked by mistake' };
      expect((await ask(bridge, 'POST', '/rotate', given)).body).toMatchObject({ status: 'active' });
      expect(await sendStatus(bridge, 2)).toBe('pending');
      expect(await state(bridge)).toBe('active');

      expect((await ask(bridge, 'DELETE', '')).body).toMatchObject({ status: 'disconnected' });
      expect(await sendStatus(bridge, 3)).toBe('not_configured');
      expect(await state(bridge)).toBe('disconnected');
      expect(JSON.stringify(bridge.lines)).not.toContain(next.secret);
    }));
});
