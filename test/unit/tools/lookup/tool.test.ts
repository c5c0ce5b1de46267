import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../support/manual-clock.ts';
import { TwilioWorld } from '../../../support/twilio-world.ts';

const number = '+14155550177';
let world: TwilioWorld;

beforeEach(async () => {
  world = await TwilioWorld.start(new ManualClock());
});
afterEach(() => world.sim.close());

const lookup = (parameters: object) => world.run('twilio_lookup_phone', parameters);

describe('twilio_lookup_phone', () => {
  it('says what kind of line a number is, unless asked for more', async () => {
    expect(await lookup({ phone_number: '(415) 555-0177' })).toEqual({
      status: 'found',
      message: 'This is what is known of the number ending in 77.',
      valid: true,
      country: 'US',
      line_type_intelligence: {
        type: 'mobile',
        carrier_name: 'Stand-in Wireless',
        mobile_country_code: '310',
        mobile_network_code: '456',
      },
    });
    expect(world.request?.params).toEqual({ Fields: 'line_type_intelligence' });
    expect(world.gate.readings).toEqual([
      { tool: 'twilio_lookup_phone', numbers: [number], charges: ['lookup_line_type_intelligence'] },
    ]);
  });

  it('costs nothing where only validation is asked for', async () => {
    expect(await lookup({ phone_number: number, fields: ['validation'] })).toMatchObject({
      status: 'found',
      valid: true,
    });
    expect(world.request?.params).toEqual({});
    expect(world.gate.readings[0]).not.toHaveProperty('charges');
  });

  it('counts each field that costs, and each of them once', async () => {
    const fields = 'caller_name, sim_swap caller_name validation';
    expect(await lookup({ phone_number: number, fields })).toMatchObject({
      status: 'found',
      caller_name: { caller_name: 'STAND IN' },
      sim_swap: { swapped_in_period: false, swapped_period: 'PT24H' },
    });
    expect(world.gate.readings[0]?.charges).toEqual(['lookup_caller_name', 'lookup_sim_swap']);
  });

  it('sees what failed inside of an answer that was a 200, and tells it', async () => {
    world.sim.lookup.say(number, { caller_name: 60600, sim_swap: 60606, line_status: 60999 });
    const fields = ['line_type_intelligence', 'caller_name', 'sim_swap', 'line_status'];
    const result = await lookup({ phone_number: number, fields });
    expect(result).toMatchObject({
      status: 'partial',
      message: expect.stringContaining('Not answered: caller_name, sim_swap, line_status; do not guess it.'),
      line_type_intelligence: { type: 'mobile' },
      not_available: {
        caller_name: expect.stringContaining('not available for numbers of this country'),
        sim_swap: expect.stringContaining('not switched on'),
        line_status: expect.stringContaining('error 60999'),
      },
    });
    expect(result).not.toHaveProperty('caller_name');
    world.sim.lookup.say(number, { caller_name: 60600 });
    expect(await lookup({ phone_number: number, fields: ['caller_name'] })).toMatchObject({
      status: 'not_available',
    });
  });

  it('says plainly that a number is none, and why', async () => {
    expect(await lookup({ phone_number: '+1 415 055 5017' })).toMatchObject({
      status: 'invalid_number',
      message: expect.stringContaining('Ask the caller for it again'),
    });
    world.sim.failNext({ code: 20404 });
    expect(await lookup({ phone_number: number })).toMatchObject({ status: 'invalid_number' });
  });

  it('looks nobody up whom the gate keeps closed', async () => {
    world.gate.closed = { status: 'over_budget', message: 'Enough for today.' };
    expect(await lookup({ phone_number: number })).toEqual(world.gate.closed);
    expect(world.sim.requests).toEqual([]);
  });

  it.each([
    [{}, 'Parameter phone_number is missing.'],
    [{ phone_number: 'me' }, 'Parameter phone_number '],
    [{ phone_number: number, fields: 'everything' }, 'Parameter fields must be one of validation, '],
    [{ phone_number: number, fields: 'identity_match' }, 'Parameter fields must be one of'],
  ])('does not take %j', async (parameters, why) => {
    expect(await lookup(parameters)).toMatchObject({
      status: 'invalid_parameters',
      message: expect.stringContaining(why),
    });
    expect(world.sim.requests).toEqual([]);
  });

  it.each([
    [{ code: 20003 }, 'not_configured', 0],
    [{ code: 20429 }, 'throttled', 1],
    [{ drop: 'silence' }, 'unavailable', 0],
  ] as const)('answers %j with %s', async (fault, status, givenBack) => {
    world.impatient = 'drop' in fault && fault.drop === 'silence';
    world.sim.failNext(fault, 9);
    expect(await lookup({ phone_number: number })).toMatchObject({ status });
    expect(world.gate.givenBack).toBe(givenBack);
  });
});
