import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../support/manual-clock.ts';
import { TwilioWorld } from '../../../support/twilio-world.ts';

const to = '+14155550177';
let world: TwilioWorld;

beforeEach(async () => {
  world = await TwilioWorld.start(new ManualClock());
});
afterEach(() => world.sim.close());

const send = (parameters: object) => world.run('twilio_send_whatsapp', parameters);
const templateSid = `HX${'a'.repeat(32)}`;

describe('twilio_send_whatsapp', () => {
  it('sends free text between two numbers of WhatsApp', async () => {
    expect(await send({ to, body: 'Hello.' })).toMatchObject({ status: 'queued' });
    expect(world.request?.params).toMatchObject({
      To: `whatsapp:${to}`,
      From: `whatsapp:${world.sim.phoneNumber}`,
      Body: 'Hello.',
    });
    expect(world.gate.sends).toEqual([
      {
        tool: 'twilio_send_whatsapp',
        kind: 'whatsapp',
        to,
        sender: world.sim.phoneNumber,
        text: 'Hello.',
        request: {},
      },
    ]);
  });

  it.each([
    ['an object', { 1: 'Ann', 2: 7 }],
    ['the text of one', '{"1": "Ann", "2": 7}'],
  ])('sends a template with its variables, given as %s', async (_, template_variables) => {
    const { sid } = world.sim.content.add('reminder', 'Hello {{1}}, at {{2}}.');
    expect(await send({ to, template_sid: sid, template_variables })).toMatchObject({ status: 'queued' });
    const { params } = world.request ?? { params: {} };
    expect(params).toMatchObject({ ContentSid: sid, ContentVariables: '{"1":"Ann","2":"7"}' });
    expect(params).not.toHaveProperty('Body');
    expect(params).not.toHaveProperty('MediaUrl');
    // What the gate reads is what the recipient will read.
    expect(world.gate.sends[0]).toMatchObject({ text: 'Ann 7' });
  });

  it('names the setting to change where there is no WhatsApp sender', async () => {
    world.senders = { phoneNumber: world.sim.phoneNumber };
    expect(await send({ to, body: 'x' })).toMatchObject({
      status: 'not_configured',
      message: expect.stringContaining('TWILIO_WHATSAPP_NUMBER'),
    });
    expect(world.sim.requests).toEqual([]);
  });

  it.each([
    [{ to }, 'Parameter body is missing.'],
    [{ to, body: 'x', template_sid: templateSid }, 'Parameter body and template_sid exclude each other'],
    [
      { to, template_sid: templateSid, media_url: 'https://example.com/a.png' },
      'Parameter media_url and template_sid exclude each other',
    ],
    [{ to, body: 'x', template_variables: '{"1":"a"}' }, 'Parameter template_variables needs template_sid'],
    [{ to, template_sid: 'HX12' }, 'Parameter template_sid must be HX and 32 hexadecimal digits'],
    [
      { to, template_sid: templateSid, template_variables: 'Ann' },
      'Parameter template_variables must be a JSON object.',
    ],
    [
      { to, template_sid: templateSid, template_variables: { 1: { deep: 'x' } } },
      'Parameter template_variables',
    ],
    [{ to, body: 'x'.repeat(1601) }, 'Parameter body is too large or too long'],
  ])('does not take %j', async (parameters, why) => {
    expect(await send(parameters)).toMatchObject({
      status: 'invalid_parameters',
      message: expect.stringContaining(why),
    });
    expect(world.gate.sends).toEqual([]);
  });

  it.each([
    [63007, 'not_configured', 'TWILIO_WHATSAPP_NUMBER'],
    [63018, 'throttled', 'Too many'],
    [21656, 'not_configured', ''],
    [21610, 'opted_out', 'Never try again'],
  ] as const)('answers %d with words that help', async (code, status, words) => {
    world.sim.failNext({ code }, 9);
    const result = await send({ to, body: 'x' });
    expect(result).toMatchObject({
      status: code === 21656 ? 'invalid_parameters' : status,
      message: expect.stringContaining(words),
    });
  });

  it('tells the call that sent it that the window of 24 hours is over, which comes afterwards', async () => {
    await send({ to, body: 'Hello.' });
    const [message] = world.sim.messages.all;
    expect(world.sent.report({ sid: message?.sid ?? '', status: 'failed', errorCode: 63016 })).toBe(true);
    expect(world.control.asked).toEqual([
      expect.stringMatching(
        /^tell context The message to the number ending in 77 was not delivered.*24 hours.*template/,
      ),
    ]);
  });
});
