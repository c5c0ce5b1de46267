import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimTwilio } from '../../../../src/sim/twilio/server.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { Receiver } from '../../../support/receiver.ts';
import { askTwilio } from '../../../support/twilio-requests.ts';
import { until } from '../../../support/until.ts';

const to = '+14155550123';
const url = 'https://bridge.example/twilio/voice';
let sim: SimTwilio;
let clock: ManualClock;
let bridge: Receiver;

beforeEach(async () => {
  clock = new ManualClock();
  sim = await SimTwilio.start({ clock });
  bridge = await Receiver.start();
  sim.callbacks.reach('https://bridge.example', bridge.url);
});
afterEach(async () => {
  await sim.close();
  await bridge.close();
});

const create = (form: Record<string, string> | [string, string][]) => {
  const whole = Array.isArray(form) ? form : Object.entries(form);
  return askTwilio(sim, 'Calls.json', [['To', to], ['From', sim.phoneNumber], ...whole]);
};
const told = () => bridge.received.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));

describe('a call that was made over REST', () => {
  it('tells those of its events that were asked for, numbered, and fetches its instructions', async () => {
    const created = await create([
      ['Url', url],
      ['StatusCallback', 'https://bridge.example/status'],
      ['StatusCallbackEvent', 'ringing'],
      ['StatusCallbackEvent', 'answered'],
      ['StatusCallbackEvent', 'completed'],
    ]);
    expect(created).toMatchObject({ status: 201, body: { status: 'queued', direction: 'outbound-api' } });
    const sid = String(created.body['sid']);
    await sim.calls.move(sid, 'initiated');
    await sim.calls.move(sid, 'ringing');
    await sim.calls.answer(sid);
    clock.advance(7_000);
    expect((await askTwilio(sim, `Calls/${sid}.json`, { Status: 'completed' })).status).toBe(200);
    await until(() => bridge.received.length === 4, 'the last callback');
    expect(told()).toMatchObject([
      { CallStatus: 'ringing', SequenceNumber: '0', CallSid: sid },
      { CallStatus: 'in-progress', SequenceNumber: '1' },
      { CallStatus: 'in-progress', From: sim.phoneNumber },
      { CallStatus: 'completed', SequenceNumber: '2', CallDuration: '7' },
    ]);
    expect(bridge.received[2]?.path).toBe('/twilio/voice');
    const ended = await askTwilio(sim, `Calls/${sid}.json`);
    expect(ended.body).toMatchObject({ status: 'completed', duration: '7', price: '-0.01400' });
    expect((await askTwilio(sim, `Calls/${sid}.json`, { Status: 'completed' })).body['code']).toBe(21220);
  });

  it.each([
    [{ To: '', Url: url }, 21201],
    [{ To: 'junk', Url: url }, 21211],
    [{}, 21205],
    [{ Url: 'nowhere' }, 21205],
    [{ Twiml: 'x'.repeat(4001) }, 21627],
  ])('is refused for %o with %i', async (form, code) => {
    const whole = { To: to, From: sim.phoneNumber, ...form } as Record<string, string>;
    expect((await askTwilio(sim, 'Calls.json', whole)).body['code']).toBe(code);
    expect(sim.calls.all).toEqual([]);
  });

  it('comes from a number of the account or a verified caller id, and from no other', async () => {
    const from = (number: string) => askTwilio(sim, 'Calls.json', { To: to, From: number, Url: url });
    expect((await from('+14155550188')).body['code']).toBe(21210);
    sim.numbers.verifyCallerId('+14155550188');
    expect((await from('+14155550188')).status).toBe(201);
    sim.calls.refuse(to, 21215);
    expect((await from('+14155550188')).body['code']).toBe(21215);
  });
});

describe('a call that came in', () => {
  it('is listed by status and number, with what was recorded of it', async () => {
    const { sid } = sim.calls.add({ from: to, to: sim.phoneNumber });
    sim.calls.add({ from: '+14155550177', to: sim.phoneNumber, status: 'completed' });
    const recording = sim.calls.recordings.add(sid, { seconds: 9 });
    const found = await askTwilio(sim, `Calls.json?From=${encodeURIComponent(to)}&Status=in-progress`);
    expect(found.body).toMatchObject({ calls: [{ sid, direction: 'inbound' }] });
    const list = await askTwilio(sim, `Calls/${sid}/Recordings.json`);
    expect(list.body).toMatchObject({ recordings: [{ sid: recording.sid, duration: '9' }] });
    expect((await askTwilio(sim, `Recordings/${recording.sid}.json`)).body).toMatchObject({ call_sid: sid });
    const sound = await fetch(
      `${sim.baseUrl}/2010-04-01/Accounts/${sim.accountSid}/Recordings/${recording.sid}.wav`,
      { headers: { Authorization: `Basic ${btoa(`${sim.apiKeySid}:${sim.apiKeySecret}`)}` } },
    );
    expect(Buffer.from(await sound.arrayBuffer()).toString('latin1', 0, 4)).toBe('RIFF');
    expect((await askTwilio(sim, 'Calls/CA0/Recordings.json')).status).toBe(404);
  });

  it('tells who watches of new instructions and of its end', async () => {
    const { sid } = sim.calls.add({ from: to, to: sim.phoneNumber });
    const seen: unknown[] = [];
    const stop = sim.calls.onUpdate(({ status, twiml }) => seen.push([status, twiml]));
    await askTwilio(sim, `Calls/${sid}.json`, { Twiml: '<Response/>' });
    await askTwilio(sim, `Calls/${sid}.json`, { Status: 'completed' });
    stop();
    expect(seen).toEqual([
      ['in-progress', '<Response/>'],
      ['completed', '<Response/>'],
    ]);
  });
});
