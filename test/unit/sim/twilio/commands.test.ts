import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runSimCommand, simCommands } from '../../../../src/sim/twilio/commands.ts';
import { SimTwilio } from '../../../../src/sim/twilio/server.ts';
import { askTwilio } from '../../../support/twilio-requests.ts';

const to = '+14155550123';
let sim: SimTwilio;
beforeEach(async () => {
  sim = await SimTwilio.start({ commands: runSimCommand, messagePace: 'manual' });
});
afterEach(() => sim.close());

async function tell(name: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(`${sim.baseUrl}/sim/${name}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers,
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}
const see = async (name: string) => (await fetch(`${sim.baseUrl}/sim/${name}`)).json();
const send = () => askTwilio(sim, 'Messages.json', { To: to, From: sim.phoneNumber, Body: 'x' });

describe('a stand-in Twilio that runs by itself', () => {
  it('fails where and as often as it is told, and recovers', async () => {
    await tell('fail', { code: 20429, retryAfter: '2', times: 2, path: '/Messages', method: 'POST' });
    expect((await askTwilio(sim, 'Balance.json')).status).toBe(200);
    expect((await send()).headers.get('retry-after')).toBe('2');
    await tell('recover', {});
    expect((await send()).status).toBe(201);
    await tell('fail', { lie: { status: 'delivered', sid: 'SM0' } });
    expect((await send()).body).toMatchObject({ status: 'delivered', sid: 'SM0' });
    expect(sim.messages.all).toHaveLength(2);
  });

  it('lets messages come in and move on, and refuses recipients', async () => {
    const sid = String((await send()).body['sid']);
    await tell('message', { sid, status: 'undelivered', error: 30005 });
    expect(sim.messages.find(sid)).toMatchObject({ status: 'undelivered', error: 30005 });
    await tell('text', { from: to, to: sim.phoneNumber, body: 'Hi' });
    expect(sim.messages.all.at(-1)).toMatchObject({ direction: 'inbound', body: 'Hi' });
    await tell('recipient', { number: to, refuse: 21612 });
    expect((await send()).body['code']).toBe(21612);
    await tell('recipient', { number: to, refuse: null });
    expect((await send()).status).toBe(201);
    await tell('recipient', { number: to, refuse: 60410, for: 'codes' });
    const form = { To: to, Channel: 'sms' };
    expect(
      (await askTwilio(sim, `/v2/Services/${sim.verifyServiceSid}/Verifications`, form)).body['code'],
    ).toBe(60410);
  });

  it('has calls, recordings, numbers, templates, keys and lookups as it is told', async () => {
    const { sid } = (await tell('call', { from: to, to: sim.phoneNumber })).body;
    await tell('call', { sid, status: 'completed' });
    await tell('recording', { call: sid, seconds: 3 });
    expect(sim.calls.find(String(sid))?.status).toBe('completed');
    expect(sim.calls.recordings.all).toMatchObject([{ callSid: sid, seconds: 3 }]);
    await tell('number', { number: '+14155550188', callerId: true });
    await tell('number', { number: '+442071838750', sms: false });
    expect(sim.numbers.callerIds).toHaveLength(1);
    expect(sim.numbers.find('+442071838750')?.capabilities.sms).toBe(false);
    await tell('template', { name: 'x', text: 'Hi {{1}}' });
    expect(sim.content.all).toHaveLength(1);
    const key = (await tell('key', { kind: 'standard' })).body;
    expect(sim.credentials.keys).toContainEqual(key);
    await tell('key', { revoke: key['sid'] });
    expect(sim.credentials.keys).not.toContainEqual(key);
    await tell('lookup', { number: to, says: { line_type_intelligence: 60600 } });
    await tell('reach', { url: 'https://bridge.example', at: 'http://127.0.0.1:9' });
  });

  it('shows what it saw', async () => {
    await send();
    expect(await see('requests')).toMatchObject([{ method: 'POST', params: { To: to } }]);
    expect(await see('texts')).toEqual([]);
    expect(await see('callbacks')).toEqual([]);
  });

  it('says what is wrong with a command, and takes none from a page in a browser', async () => {
    expect((await tell('fail', { code: 1 })).body['message']).toContain('is no code');
    expect((await tell('fail', { cod: 20429 })).status).toBe(400);
    expect((await tell('dance', {})).status).toBe(404);
    expect((await tell('message', { sid: 'SM0', status: 'sent' })).status).toBe(409);
    expect((await tell('recover', {}, { origin: 'https://a.example' })).status).toBe(403);
  });

  it('takes commands only where it was started to, and has each under a name of its own', async () => {
    const deaf = await SimTwilio.start();
    expect((await fetch(`${deaf.baseUrl}/sim/requests`)).status).toBe(401);
    await deaf.close();
    expect(new Set(simCommands.map(({ name }) => name)).size).toBe(simCommands.length);
  });
});
