import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../support/manual-clock.ts';
import { TwilioWorld } from '../../../support/twilio-world.ts';

let world: TwilioWorld;

beforeEach(async () => {
  world = await TwilioWorld.start(new ManualClock());
});
afterEach(() => world.sim.close());

const overview = (parameters: object) => world.run('twilio_account_overview', parameters);

describe('twilio_account_overview', () => {
  it('says how the account stands', async () => {
    const { balance, currency } = world.sim.account;
    const result = await overview({ action: 'account_info' });
    expect(result).toMatchObject({
      status: 'found',
      account_status: 'active',
      type: 'Full',
      balance: Number(balance),
      currency,
    });
    expect(JSON.stringify(result)).not.toContain(world.sim.authToken);
    expect(JSON.stringify(result)).not.toContain(world.sim.accountSid);
  });

  it('leaves the balance out where it cannot be had', async () => {
    world.sim.failNext({ code: 20404 }, 1, { path: 'Balance' });
    const result = await overview({ action: 'account_info' });
    expect(result).toMatchObject({ status: 'found', account_status: 'active' });
    expect(result).not.toHaveProperty('balance');
  });

  it('says that a Standard key may not, and that everything else may be asked for', async () => {
    await world.sim.close();
    world = await TwilioWorld.start(new ManualClock(), { keyKind: 'standard' });
    expect(await overview({ action: 'account_info' })).toMatchObject({
      status: 'not_configured',
      error_code: 20003,
      message: expect.stringContaining('needs a Main key or the auth token'),
    });
    expect(await overview({ action: 'list_phone_numbers' })).toMatchObject({ status: 'found' });
    expect(await overview({ action: 'usage_summary' })).toMatchObject({ status: 'found' });
  });

  it('lists the numbers of the account and what each can do', async () => {
    world.sim.numbers.buy('+14155550155', { sms: false, mms: false });
    expect(await overview({ action: 'list_phone_numbers' })).toMatchObject({
      status: 'found',
      numbers: [
        { number: world.sim.phoneNumber, voice: true, sms: true, mms: true },
        { number: '+14155550155', voice: true, sms: false, mms: false },
      ],
    });
  });

  it('says what was used, the dearest first, numbers as numbers', async () => {
    const result = await overview({
      action: 'usage_summary',
      start_date: '2026-01-01',
      end_date: '2026-01-31',
    });
    const rows = result['usage'] as readonly { category: string; price: number }[];
    expect(rows.map(({ price }) => price)).toEqual(rows.map(({ price }) => price).sort((a, b) => b - a));
    expect(rows).toContainEqual(expect.objectContaining({ category: 'lookups', count: 7, price: 0.056 }));
    expect(world.request?.params).toMatchObject({ StartDate: '2026-01-01', EndDate: '2026-01-31' });
  });

  it('says what one category comes to, or that nothing was used', async () => {
    expect(await overview({ action: 'usage_summary', category: 'Lookups' })).toMatchObject({
      status: 'found',
      usage: [{ category: 'lookups' }],
    });
    expect(await overview({ action: 'usage_summary', category: 'fax' })).toMatchObject({ status: 'none' });
  });

  it('shows nothing that the gate keeps closed', async () => {
    world.gate.closed = { status: 'not_allowed', message: 'Not for this caller.' };
    for (const action of ['account_info', 'list_phone_numbers', 'usage_summary'])
      expect(await overview({ action })).toEqual(world.gate.closed);
    expect(world.sim.requests).toEqual([]);
  });

  it.each([
    [{}, 'Parameter action is missing.'],
    [{ action: 'usage_summary', category: 'a/b' }, 'Parameter category must be a category'],
    [{ action: 'usage_summary', start_date: 'x' }, 'Parameter start_date must be a date'],
    [
      { action: 'usage_summary', start_date: '2026-02-01', end_date: '2026-01-01' },
      'Parameter end_date is before start_date',
    ],
  ])('does not take %j', async (parameters, why) => {
    expect(await overview(parameters)).toMatchObject({
      status: 'invalid_parameters',
      message: expect.stringContaining(why),
    });
  });

  it.each([
    [{ code: 20429 }, 'throttled'],
    [{ status: 503, raw: 'no' }, 'unavailable'],
    [{ drop: 'silence' }, 'unavailable'],
  ] as const)('answers %j with %s', async (fault, status) => {
    world.impatient = 'drop' in fault;
    for (const action of ['account_info', 'list_phone_numbers', 'usage_summary']) {
      world.sim.failNext(fault, 12);
      expect(await overview({ action })).toMatchObject({ status });
      world.sim.recover();
    }
  });
});
