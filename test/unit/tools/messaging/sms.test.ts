import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../support/manual-clock.ts';
import { TwilioWorld } from '../../../support/twilio-world.ts';

const to = '+14155550177';

let world: TwilioWorld;

beforeEach(async () => {
  world = await TwilioWorld.start(new ManualClock());
});
afterEach(() => world.sim.close());

const send = (parameters: object = { to, body: 'Your table is ready.' }) =>
  world.run('twilio_send_sms', parameters);

describe('twilio_send_sms', () => {
  it('hands one message to Twilio and says that it is on its way, not that it arrived', async () => {
    const result = await send({ to: '(415) 555-0177', body: ' Your table is ready. ' });
    expect(result).toEqual({
      status: 'queued',
      message: 'The message is on its way to the number ending in 77.',
      message_sid: world.sim.messages.all[0]?.sid,
    });
    expect(world.request).toMatchObject({
      method: 'POST',
      path: `/2010-04-01/Accounts/${world.sim.accountSid}/Messages.json`,
      params: { To: to, From: world.sim.phoneNumber, Body: 'Your table is ready.' },
    });
    expect(world.request?.params).not.toHaveProperty('StatusCallback');
    expect(world.gate.outcomes).toEqual([
      expect.objectContaining({ done: 'sent', requestId: expect.stringMatching(/^RQ/) }),
    ]);
  });

  it('leaves from the messaging service where there is one', async () => {
    world.senders = { ...world.senders, messagingServiceSid: world.sim.messagingServiceSid };
    expect(await send()).toMatchObject({ status: 'accepted' });
    expect(world.request?.params).toMatchObject({ MessagingServiceSid: world.sim.messagingServiceSid });
    expect(world.request?.params).not.toHaveProperty('From');
    expect(world.gate.sends[0]).toMatchObject({ kind: 'sms', sender: world.sim.messagingServiceSid });
  });

  it('sends pictures as a field that is repeated, and as another kind of send', async () => {
    const links = ['https://example.com/a.png', 'https://example.com/b.png'];
    await send({ to, body: 'Two pictures.', media_url: links.join(' ') });
    expect(world.request?.params['MediaUrl']).toEqual(links);
    expect(world.gate.sends[0]).toMatchObject({ kind: 'mms', media: links });
  });

  it('asks for news of the message, and says so, where Twilio can reach us', async () => {
    world.callback = 'https://bridge.example.com/twilio/message-status';
    const { message } = await send();
    expect(message).toContain('told if it does not arrive');
    expect(world.request?.params['StatusCallback']).toBe(world.callback);
  });

  it('names the setting to change where there is nobody to send as', async () => {
    world.senders = {};
    expect(await send()).toMatchObject({
      status: 'not_configured',
      message: expect.stringMatching(/TWILIO_PHONE_NUMBER.*TWILIO_MESSAGING_SERVICE_SID.*person/),
    });
    expect(world.sim.requests).toEqual([]);
  });

  it('sends nothing that the gate keeps back, and the agent is told what the gate says', async () => {
    world.gate.closed = { status: 'needs_human', message: 'Not on your own.' };
    expect(await send()).toEqual(world.gate.closed);
    expect(world.sim.requests).toEqual([]);
    world.gate.closed = undefined;
    expect(await send()).toMatchObject({ status: 'queued' });
  });

  it.each([
    [{ body: 'x' }, 'Parameter to is missing.'],
    [{ to: '123', body: 'x' }, 'Parameter to '],
    [{ to, body: ' ' }, 'Parameter body is missing.'],
    [{ to, body: 'x'.repeat(1601) }, 'Parameter body is too large or too long: at most 1600.'],
    [{ to, body: 'x', media_url: 'http://example.com/a.png' }, 'Parameter media_url must be https links'],
    [{ to, body: 'x', media_url: 'https://u:p@example.com/a' }, 'Parameter media_url must be https links'],
    [
      { to, body: 'x', media_url: Array(11).fill('https://example.com/a') },
      'Parameter media_url is too large',
    ],
  ])('does not take %j', async (parameters, why) => {
    expect(await send(parameters)).toMatchObject({
      status: 'invalid_parameters',
      message: expect.stringContaining(why),
    });
    expect(world.gate.sends).toEqual([]);
  });

  it('takes a text of 1,600 characters, and what stands for nothing as nothing', async () => {
    const parameters = { to, body: 'x'.repeat(1600), media_url: '' };
    expect(await send(parameters)).toMatchObject({ status: 'queued' });
    expect(world.gate.sends[0]).not.toHaveProperty('media');
  });

  it.each([
    [{ code: 21211 }, 'invalid_number', 'refused'],
    [{ code: 21408 }, 'not_allowed', 'refused'],
    [{ code: 21610 }, 'opted_out', 'opted-out'],
    [{ code: 21612 }, 'unreachable', 'refused'],
    [{ code: 21614 }, 'landline', 'refused'],
    [{ code: 21606 }, 'not_configured', 'refused'],
    [{ code: 21608 }, 'not_configured', 'refused'],
    [{ code: 20003 }, 'not_configured', 'unprocessed'],
    [{ code: 20404 }, 'not_configured', 'refused'],
    [{ code: 20429, retryAfter: '30' }, 'throttled', 'unprocessed'],
    [{ status: 400, body: { code: 99999, message: 'new', status: 400 } }, 'failed', 'refused'],
    [{ status: 503, raw: '<html>' }, 'unavailable', 'unknown'],
    [{ drop: 'request' }, 'unavailable', 'unknown'],
    [{ drop: 'silence' }, 'unavailable', 'unknown'],
    [{ status: 200, body: { hello: 'world' } }, 'unavailable', 'unknown'],
  ] as const)('answers %j with %s', async (fault, status, done) => {
    world.impatient = 'drop' in fault && fault.drop === 'silence';
    world.sim.failNext(fault, 9);
    const result = await send();
    expect(result).toMatchObject({ status, message: expect.any(String) });
    expect(world.gate.outcomes.map(outcome => outcome.done)).toEqual([done]);
    expect(JSON.stringify(result)).not.toContain(to);
  });

  it('is sent once where the answer of Twilio was lost, and says that nobody knows', async () => {
    world.sim.failNext({ lost: true });
    const { status, message } = await send();
    expect([status, message]).toEqual(['unavailable', expect.stringContaining('Do not send it again')]);
    expect(world.sim.messages.all).toHaveLength(1);
    expect(world.sim.requests).toHaveLength(1);
  });

  it('is tried again where Twilio was too busy to look at it', async () => {
    world.sim.failNext({ code: 20429 }, 2);
    expect(await send()).toMatchObject({ status: 'queued' });
    expect(world.sim.requests).toHaveLength(3);
    expect(world.sim.messages.all).toHaveLength(1);
  });

  it('tells of a message that Twilio took and gave up at once', async () => {
    const body = {
      sid: `SM${'0'.repeat(32)}`,
      status: 'failed',
      direction: 'outbound-api',
      error_code: 30034,
    };
    world.sim.failNext({ status: 201, body });
    expect(await send()).toMatchObject({ status: 'not_configured', error_code: 30034 });
  });

  it('is performed for an operator who approved it as well, when there is no call any more', async () => {
    await send();
    const [held] = world.gate.sends;
    if (held === undefined) throw new Error('nothing was sent');
    const result = await world.gate.perform(held, new AbortController().signal);
    expect(result).toMatchObject({ status: 'queued' });
    expect(world.sent.size).toBe(1);
  });
});
