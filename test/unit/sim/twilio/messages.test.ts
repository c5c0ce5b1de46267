import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimTwilio } from '../../../../src/sim/twilio/server.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { Receiver } from '../../../support/receiver.ts';
import { askTwilio } from '../../../support/twilio-requests.ts';
import { verifySignature } from '../../../support/twilio-signature.ts';
import { until } from '../../../support/until.ts';

const to = '+14155550123';
let sim: SimTwilio;
let clock: ManualClock;
let bridge: Receiver;

beforeEach(async () => {
  clock = new ManualClock();
  sim = await SimTwilio.start({ clock, messagePace: { sentMs: 1_000, deliveredMs: 5_000 } });
  bridge = await Receiver.start();
});
afterEach(async () => {
  await sim.close();
  await bridge.close();
});

const send = (form: Record<string, string>) =>
  askTwilio(sim, 'Messages.json', { To: to, From: sim.phoneNumber, ...form });
const fetched = async (sid: unknown) => (await askTwilio(sim, `Messages/${sid}.json`)).body;
const told = () => bridge.received.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));

describe('a message to a telephone', () => {
  it('is queued, then sent, then delivered, and each change is told and signed', async () => {
    const created = await send({ Body: 'Hello', StatusCallback: `${bridge.url}/status` });
    expect(created).toMatchObject({
      status: 201,
      body: { status: 'queued', price: null, date_sent: null, num_segments: '1', error_code: null },
    });
    const { sid } = created.body;
    clock.advance(1_000);
    expect(await fetched(sid)).toMatchObject({ status: 'sent', price: '-0.00790', price_unit: 'USD' });
    await until(() => bridge.received.length === 1, 'the first callback');
    clock.advance(4_000);
    expect(await fetched(sid)).toMatchObject({ status: 'delivered' });
    await until(() => bridge.received.length === 2, 'the second callback');
    expect(told().map(({ MessageStatus }) => MessageStatus)).toEqual(['sent', 'delivered']);
    expect(told()[0]).toMatchObject({ MessageSid: sid, To: to, From: sim.phoneNumber });
    for (const { headers, body } of bridge.received) {
      expect(verifySignature(sim.authToken, headers, `${bridge.url}/status`, body)).toBe(true);
      expect(verifySignature('another token', headers, `${bridge.url}/status`, body)).toBe(false);
    }
  });

  it('does not arrive where it was told so, with the code in message and callback', async () => {
    sim.messages.doom(to, 30003);
    const { sid } = (await send({ Body: 'Hello', StatusCallback: `${bridge.url}/status` })).body;
    clock.advance(5_000);
    expect(await fetched(sid)).toMatchObject({ status: 'undelivered', error_code: 30003 });
    await until(() => bridge.received.length === 2, 'both callbacks');
    expect(told()).toContainEqual(
      expect.objectContaining({ MessageStatus: 'undelivered', ErrorCode: '30003' }),
    );
  });

  it('moves on command as well', async () => {
    const { sid } = (await send({ Body: 'Hello' })).body;
    await sim.messages.move(String(sid), 'failed', 30007);
    clock.advance(60_000);
    expect(await fetched(sid)).toMatchObject({ status: 'failed', error_code: 30007 });
  });

  it('goes through a messaging service, which chooses the sender', async () => {
    const form = { To: to, MessagingServiceSid: sim.messagingServiceSid, Body: 'Hello' };
    const { body } = await askTwilio(sim, 'Messages.json', form);
    expect(body).toMatchObject({ status: 'accepted', from: null });
    clock.advance(1_000);
    expect(await fetched(body['sid'])).toMatchObject({ status: 'sent', from: sim.phoneNumber });
  });

  it('has as many media as there were URLs, and their bytes', async () => {
    const urls = ['https://files.example/a.png', 'https://files.example/b.png'];
    const form = [['To', to], ['From', sim.phoneNumber], ...urls.map(url => ['MediaUrl', url])] as never;
    const { body } = await askTwilio(sim, 'Messages.json', form);
    expect(body).toMatchObject({ num_media: '2', sid: expect.stringMatching(/^MM/) });
    const { media_list: list } = (await askTwilio(sim, `Messages/${body['sid']}/Media.json`)).body as {
      media_list: { uri: string }[];
    };
    expect(list).toHaveLength(2);
    const picture = await fetch(`${sim.baseUrl}${list[0]?.uri.replace('.json', '')}`, {
      headers: { Authorization: `Basic ${btoa(`${sim.accountSid}:${sim.authToken}`)}` },
    });
    expect(picture.headers.get('content-type')).toBe('image/png');
  });

  it.each([
    [{ To: '' }, 21604],
    [{ To: 'junk', Body: 'x' }, 21211],
    [{ Body: '' }, 21602],
    [{ Body: 'x'.repeat(1601) }, 21617],
    [{ Body: 'x', From: '+14155550177' }, 21606],
    [{ Body: 'x', From: 'nobody' }, 21212],
    [{ Body: 'x', From: 'whatsapp:+14155550100' }, 21910],
    [{ Body: 'x', MediaUrl: 'no URL' }, 21620],
    [{ ContentSid: `HX${'0'.repeat(32)}` }, 21655],
    [{ ContentSid: `HX${'0'.repeat(32)}`, ContentVariables: '[1]' }, 21656],
  ])('is refused for %o with %i', async (form, code) => {
    expect(await send(form)).toMatchObject({ status: 400, body: { code, status: 400 } });
    expect(sim.messages.all).toEqual([]);
  });

  it('is refused as told until that is taken back', async () => {
    sim.messages.refuse(to, 21408);
    expect((await send({ Body: 'x' })).body['code']).toBe(21408);
    sim.messages.refuse(to, undefined);
    expect((await send({ Body: 'x' })).status).toBe(201);
  });
});

describe('a message from a telephone', () => {
  it('is told to the webhook of its number, signed for the public URL, and its answer comes back', async () => {
    sim.callbacks.reach('https://bridge.example', bridge.url);
    sim.numbers.bought[0]?.settings.set('SmsUrl', 'https://bridge.example/twilio/sms');
    const answer = await sim.messages.receive({
      from: to,
      to: sim.phoneNumber,
      body: 'Hi',
      fields: { Extra: 'x' },
    });
    expect(answer).toMatchObject({ status: 200, body: '{}' });
    expect(told()).toEqual([expect.objectContaining({ From: to, Body: 'Hi', NumMedia: '0', Extra: 'x' })]);
    const [request] = bridge.received;
    expect(
      verifySignature(
        sim.authToken,
        request?.headers,
        'https://bridge.example/twilio/sms',
        request?.body ?? '',
      ),
    ).toBe(true);
  });

  it('never leaves loopback by itself', async () => {
    const answer = await sim.messages.receive({
      from: to,
      to: sim.phoneNumber,
      body: 'Hi',
      url: 'https://a.example',
    });
    expect(answer?.status).toBe(0);
  });

  it('opts its sender out with STOP and in again with START', async () => {
    await sim.messages.receive({ from: to, to: sim.phoneNumber, body: ' stop ' });
    expect((await send({ Body: 'x' })).body['code']).toBe(21610);
    await sim.messages.receive({ from: to, to: sim.phoneNumber, body: 'Start' });
    expect((await send({ Body: 'x' })).status).toBe(201);
  });
});

describe('a WhatsApp message', () => {
  const user = `whatsapp:${to}`;
  const write = (form: Record<string, string>) =>
    send({ To: user, From: `whatsapp:${sim.phoneNumber}`, ...form });

  it('of free text fails later with 63016 unless its reader has written in the last 24 hours', async () => {
    const cold = (await write({ Body: 'Hello' })).body;
    expect(cold).toMatchObject({ status: 'queued', error_code: null });
    clock.advance(1_000);
    expect(await fetched(cold['sid'])).toMatchObject({ status: 'failed', error_code: 63016 });
    await sim.messages.receive({ from: user, to: `whatsapp:${sim.phoneNumber}`, body: 'Hi' });
    const warm = (await write({ Body: 'Hello' })).body;
    clock.advance(5_000);
    expect(await fetched(warm['sid'])).toMatchObject({ status: 'delivered' });
    clock.advance(24 * 3_600_000);
    const late = (await write({ Body: 'Hello' })).body;
    clock.advance(1_000);
    expect(await fetched(late['sid'])).toMatchObject({ error_code: 63016 });
  });

  it('of a template goes at any time, with its variables filled in', async () => {
    const { sid } = sim.content.add('reminder', 'See you at {{1}}, {{2}}.', { 2: 'friend' });
    const sent = (await write({ ContentSid: sid, ContentVariables: '{"1":"noon"}' })).body;
    expect(sent['body']).toBe('See you at noon, friend.');
    clock.advance(5_000);
    expect(await fetched(sent['sid'])).toMatchObject({ status: 'delivered' });
  });

  it('needs a sender that is one', async () => {
    expect((await write({ From: 'whatsapp:+14155550177', Body: 'x' })).body['code']).toBe(63007);
  });
});

describe('the list of messages', () => {
  it('has the newest first, by pages, and filters by number and by date', async () => {
    for (const body of ['one', 'two', 'three']) {
      await send({ Body: body });
      clock.advance(24 * 3_600_000);
    }
    await sim.messages.receive({ from: to, to: sim.phoneNumber, body: 'four' });
    const list = async (query: string) => {
      const { body } = await askTwilio(sim, `Messages.json?${query}`);
      return body as { messages: { body: string }[]; next_page_uri: string | null };
    };
    const bodies = async (query: string) => (await list(query)).messages.map(({ body }) => body);
    const first = await list('PageSize=3');
    expect(first.messages.map(({ body }) => body)).toEqual(['four', 'three', 'two']);
    const second = (await askTwilio(sim, String(first.next_page_uri))).body;
    expect(second).toMatchObject({ messages: [{ body: 'one' }], next_page_uri: null, page: 1 });
    expect(await bodies(`From=${encodeURIComponent(to)}`)).toEqual(['four']);
    const day = (ahead: number) => new Date(clock.wall() + ahead * 24 * 3_600_000).toISOString().slice(0, 10);
    expect(await bodies(`DateSent=${day(-3)}`)).toEqual(['one']);
    expect(await bodies(`DateSent%3E=${day(-1)}`)).toEqual(['four', 'three']);
    expect(await bodies(`DateSent%3C=${day(-2)}`)).toEqual(['two', 'one']);
    expect((await askTwilio(sim, 'Messages.json?PageSize=1001')).status).toBe(400);
  });
});
