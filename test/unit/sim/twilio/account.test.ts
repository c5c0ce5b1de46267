import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimTwilio } from '../../../../src/sim/twilio/server.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { askTwilio } from '../../../support/twilio-requests.ts';

let sim: SimTwilio;
beforeEach(async () => {
  sim = await SimTwilio.start({ clock: new ManualClock() });
});
afterEach(() => sim.close());

const account = () => `/2010-04-01/Accounts/${sim.accountSid}.json`;

describe('a credential of the stand-in', () => {
  it('opens everything as auth token and as Main key, and all but account and keys as Standard key', async () => {
    const { sid, secret } = sim.credentials.issue('standard');
    const standard = `${sid}:${secret}`;
    for (const user of [undefined, `${sim.accountSid}:${sim.authToken}`]) {
      expect((await askTwilio(sim, account(), undefined, user)).status).toBe(200);
      expect((await askTwilio(sim, 'Keys.json', undefined, user)).status).toBe(200);
    }
    for (const path of [account(), 'Keys.json', 'SigningKeys.json']) {
      expect(await askTwilio(sim, path, undefined, standard)).toMatchObject({
        status: 401,
        body: { code: 20003 },
      });
    }
    for (const path of ['Balance.json', 'Messages.json', 'Usage/Records.json', '/v2/Services']) {
      expect((await askTwilio(sim, path, undefined, standard)).status).toBe(200);
    }
  });

  it('is worth nothing once it was revoked or rotated', async () => {
    const old = `${sim.accountSid}:${sim.authToken}`;
    const { sid, secret } = sim.credentials.issue('main');
    sim.credentials.revoke(sid);
    sim.credentials.rotateAuthToken();
    for (const user of [old, `${sid}:${secret}`]) {
      expect((await askTwilio(sim, 'Balance.json', undefined, user)).status).toBe(401);
    }
  });

  it('opens one account only', async () => {
    const other = `/2010-04-01/Accounts/AC${'0'.repeat(32)}/Messages.json`;
    expect((await askTwilio(sim, other)).body['code']).toBe(20404);
  });
});

describe('the account of the stand-in', () => {
  it('tells what it has, owes and has used, by category and span', async () => {
    expect((await askTwilio(sim, account())).body).toMatchObject({
      status: 'active',
      type: 'Full',
      auth_token: sim.authToken,
    });
    sim.account.balance = '0.05';
    expect((await askTwilio(sim, 'Balance.json')).body).toMatchObject({ balance: '0.05', currency: 'USD' });
    const usage = await askTwilio(sim, 'Usage/Records/Today.json?Category=sms');
    expect(usage.body).toMatchObject({ usage_records: [{ category: 'sms', price: '0.948' }] });
    const span = '?StartDate=-7days&EndDate=2023-11-14';
    const { usage_records: records } = (await askTwilio(sim, `Usage/Records.json${span}`)).body;
    expect(records).toContainEqual(
      expect.objectContaining({ start_date: '2023-11-07', end_date: '2023-11-14' }),
    );
    expect((await askTwilio(sim, 'Usage/Records.json?StartDate=soon')).status).toBe(400);
  });

  it('keeps what is set for a number, and finds it by a pattern', async () => {
    const { sid, phoneNumber } = sim.numbers.buy('+442071838750', { sms: false });
    const path = `IncomingPhoneNumbers/${sid}.json`;
    const set = await askTwilio(sim, path, { VoiceUrl: 'https://bridge.example/v', FriendlyName: 'London' });
    expect(set.body).toMatchObject({ voice_url: 'https://bridge.example/v', friendly_name: 'London' });
    expect((await askTwilio(sim, path, { VoiceUrl: '' })).body).toMatchObject({ voice_url: '' });
    const found = await askTwilio(sim, 'IncomingPhoneNumbers.json?PhoneNumber=44207*');
    expect(found.body).toMatchObject({
      incoming_phone_numbers: [{ phone_number: phoneNumber, capabilities: { voice: true, sms: false } }],
    });
    expect((await askTwilio(sim, 'IncomingPhoneNumbers/PN0.json', {})).status).toBe(404);
  });

  it('pages newer lists by absolute URLs of Twilio', async () => {
    for (const name of ['one', 'two', 'three']) sim.content.add(name, name);
    const { contents, meta } = (await askTwilio(sim, '/v1/Content?PageSize=2')).body as {
      contents: unknown[];
      meta: { next_page_url: string };
    };
    expect(contents).toHaveLength(2);
    const next = new URL(meta.next_page_url);
    expect(next.origin).toBe('https://content.twilio.com');
    const last = (await askTwilio(sim, `${next.pathname}${next.search}`)).body;
    expect(last).toMatchObject({ contents: [{ friendly_name: 'three' }], meta: { next_page_url: null } });
  });
});

describe('Lookup of the stand-in', () => {
  const look = async (path: string) => (await askTwilio(sim, `/v2/PhoneNumbers/${path}`)).body;

  it('gives the packages that are asked for, and null for the others', async () => {
    const body = await look('+14155552671?Fields=line_type_intelligence');
    expect(body).toMatchObject({
      valid: true,
      country_code: 'US',
      national_format: '(415) 555-2671',
      line_type_intelligence: { type: 'mobile', error_code: null },
      caller_name: null,
    });
  });

  it('can have an error inside of a 200, and say otherwise of a number', async () => {
    sim.lookup.say('+14155552671', { caller_name: 60600, line_type_intelligence: { type: 'landline' } });
    expect(await look('+14155552671?Fields=caller_name,line_type_intelligence')).toMatchObject({
      caller_name: { caller_name: null, error_code: 60600 },
      line_type_intelligence: { type: 'landline', error_code: null },
    });
  });

  it('answers what is no number with 200 and why', async () => {
    expect(await look('+1415')).toMatchObject({ valid: false, validation_errors: ['TOO_SHORT'] });
    expect(await look('+141599299600')).toMatchObject({ valid: false, validation_errors: ['TOO_LONG'] });
    expect(await look('nobody')).toMatchObject({ valid: false, validation_errors: ['NOT_A_NUMBER'] });
    expect(await look('4155552671?CountryCode=US')).toMatchObject({ valid: true });
    expect(await look('+14155552671?Fields=horoscope')).toMatchObject({ code: 60200 });
    sim.lookup.refuse('+14155552671', 20404);
    expect(await look('+14155552671')).toMatchObject({ code: 20404 });
  });
});
