import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../support/manual-clock.ts';
import { TwilioWorld } from '../../../support/twilio-world.ts';

const caller = '+14155550123';
const other = '+442071838750';
let world: TwilioWorld;

beforeEach(async () => {
  world = await TwilioWorld.start(new ManualClock());
});
afterEach(() => world.sim.close());

const calls = (parameters: object, context = world.context()) =>
  world.run('twilio_manage_calls', parameters, context);

describe('twilio_manage_calls', () => {
  it('lists the newest calls that fit the filters, numbers masked', async () => {
    const { phoneNumber } = world.sim;
    world.sim.calls.add({ from: other, to: phoneNumber, status: 'completed' });
    const mine = world.sim.calls.add({ from: caller, to: phoneNumber });
    await world.sim.calls.move(mine.sid, 'completed');
    const filters = { from: '415 555 0123', status: 'COMPLETED', start_date_after: '2020-01-01' };
    const result = await calls({ action: 'list_recent', filters, limit: 5 });
    expect(result).toMatchObject({
      status: 'found',
      calls: [{ call_sid: mine.sid, status: 'completed', direction: 'inbound', from: '+141******23' }],
    });
    expect(JSON.stringify(result)).not.toContain(caller);
    expect(world.request?.params).toMatchObject({
      From: caller,
      Status: 'completed',
      'StartTime>': '2020-01-01T00:00:00Z',
      PageSize: '5',
    });
    expect(world.gate.readings[0]).toMatchObject({ action: 'list_recent', numbers: [caller] });
  });

  it('says what is known of one call', async () => {
    const { sid } = world.sim.calls.add({ from: caller, to: world.sim.phoneNumber });
    expect(await calls({ action: 'get_details', call_sid: sid })).toMatchObject({
      status: 'found',
      call_sid: sid,
      call_status: 'in-progress',
      from: '+141******23',
    });
  });

  it('knows that the call that is up is that of whoever is calling', async () => {
    const { sid } = world.sim.calls.add({ from: caller, to: world.sim.phoneNumber });
    await calls({ action: 'get_details', call_sid: sid }, world.context({ callSid: sid }));
    await calls({ action: 'get_details', call_sid: sid });
    expect(world.gate.readings.map(({ numbers }) => numbers)).toEqual([[caller], undefined]);
  });

  it('says which recordings a call has', async () => {
    const { sid } = world.sim.calls.add({ from: caller, to: world.sim.phoneNumber, status: 'completed' });
    expect(await calls({ action: 'get_recordings', call_sid: sid })).toMatchObject({ status: 'none' });
    world.sim.calls.recordings.add(sid, { seconds: 12, channels: 2 });
    expect(await calls({ action: 'get_recordings', call_sid: sid })).toMatchObject({
      status: 'found',
      recordings: [{ recording_sid: expect.stringMatching(/^RE/), seconds: 12, channels: 2 }],
    });
  });

  it('can never make, change or end a call: whatever it is given, it only reads', async () => {
    const { sid } = world.sim.calls.add({ from: caller, to: world.sim.phoneNumber });
    const more = {
      to: other,
      from: caller,
      url: 'https://example.com',
      twiml: '<Hangup/>',
      status: 'completed',
    };
    for (const action of ['list_recent', 'get_details', 'get_recordings'])
      await calls({ action, call_sid: sid, filters: more, ...more });
    for (const action of ['create', 'make_call', 'start', 'update', 'hangup', 'end'])
      expect(await calls({ action, call_sid: sid, ...more })).toMatchObject({ status: 'invalid_parameters' });
    expect(world.sim.requests).toHaveLength(3);
    expect(world.sim.requests.every(({ method }) => method === 'GET')).toBe(true);
    expect(world.sim.calls.all.map(({ status }) => status)).toEqual(['in-progress']);
  });

  it('looks at nothing that the gate keeps closed', async () => {
    world.gate.closed = { status: 'not_allowed', message: 'Not for this caller.' };
    expect(await calls({ action: 'list_recent' })).toEqual(world.gate.closed);
    expect(world.sim.requests).toEqual([]);
  });

  it.each([
    [{}, 'Parameter action is missing.'],
    [{ action: 'get_details' }, 'Parameter call_sid is missing.'],
    [{ action: 'get_details', call_sid: 'SM' }, 'Parameter call_sid must be CA and 32'],
    [{ action: 'list_recent', filters: 'mine' }, 'Parameter filters must be a JSON object.'],
    [{ action: 'list_recent', filters: { to: 'x' } }, 'Parameter filters.to '],
    [
      { action: 'list_recent', filters: { status: 'gone' } },
      'Parameter filters.status must be one of queued',
    ],
  ])('does not take %j', async (parameters, why) => {
    expect(await calls(parameters)).toMatchObject({
      status: 'invalid_parameters',
      message: expect.stringContaining(why),
    });
    expect(world.sim.requests).toEqual([]);
  });

  it('takes filters as the text of an object, as URL-encoded webhook tools send them', async () => {
    await calls({ action: 'list_recent', filters: JSON.stringify({ to: other }) });
    expect(world.request?.params['To']).toBe(other);
  });

  it.each([
    [{ code: 20404 }, 'not_found'],
    [{ code: 20003 }, 'not_configured'],
    [{ code: 20429 }, 'throttled'],
    [{ drop: 'silence' }, 'unavailable'],
  ] as const)('answers %j with %s', async (fault, status) => {
    world.impatient = 'drop' in fault && fault.drop === 'silence';
    world.sim.failNext(fault, 9);
    expect(await calls({ action: 'list_recent' })).toMatchObject({ status });
  });
});
