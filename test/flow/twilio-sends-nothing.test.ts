import { describe, expect, it } from 'vitest';
import type { SimRequest } from '../../src/sim/twilio/server.ts';
import { caller, other, sender, type TwilioStage, withTwilioStage } from '../support/twilio-stage.ts';

const toolsSecret = 'tools-secret-0123456789';
const env = { PUBLIC_HTTP_LISTEN: '127.0.0.1:0', TOOLS_SECRET: toolsSecret };
const open = `
tools: { kill_switch: false }
sending: { messages_per_call: 200, messages_per_day: 200, money_per_call: 100, allowed_domains: [files.example] }
verify: { destinations: any, sends_per_call: 50 }
`;

/** Whom an agent that was talked into it could write to, however it writes the number. */
const strangers = [
  other,
  '+442071838750',
  '+49 30 901820',
  '0044 20 7183 8750',
  '(415) 555-0177',
  `whatsapp:${other}`,
] as const;
const everybody = [caller, ...strangers];

type Attempt = readonly [tool: string, parameters: Readonly<Record<string, unknown>>];

/** Every tool that writes, to everybody it must not write to. Codes may go to the trusted caller and nobody else. */
const attempts = (template: string, door: string): readonly Attempt[] => [
  ...everybody.flatMap((to): Attempt[] => [
    ['twilio_send_sms', { to, body: `Text ${door}` }],
    ['twilio_send_sms', { to, body: `See ${door}`, media_url: ['https://files.example/a.png'] }],
    ['twilio_send_whatsapp', { to, body: `Words ${door}` }],
    ['twilio_send_whatsapp', { to, template_sid: template, template_variables: `{"1":"${door}"}` }],
  ]),
  ...strangers.flatMap((to): Attempt[] => [
    ['twilio_verify_phone', { action: 'send_code', to }],
    ['twilio_verify_phone', { action: 'send_code', to, channel: 'call' }],
    ['twilio_verify_phone', { action: 'send_code', to, channel: 'whatsapp' }],
    ['send_SMS_verification', { To: to, Channel: 'sms' }],
    ['send_SMS_verification', { To: to, Channel: 'call' }],
  ]),
  ['twilio_verify_phone', { action: 'send_code', to: 'somebody@files.example', channel: 'email' }],
  ['twilio_manage_calls', { action: 'create', to: other, from: sender, url: 'https://files.example/' }],
  ['twilio_manage_calls', { action: 'makeCall', to: other }],
  ['makeCall', { to: other, twiml: '<Response/>' }],
  ['sendSMS', { to: other, body: 'x' }],
];

/** The same over a webhook tool of the call. */
async function overHttp({ bridge, conversation }: TwilioStage, [tool, parameters]: Attempt): Promise<number> {
  const { address, port } = bridge.app.publicHttp ?? { address: '', port: 0 };
  const token = String(conversation.initiation?.dynamic_variables?.['secret__bridge_token']);
  const answer = await fetch(`http://${address}:${port}/tools/${tool}`, {
    method: 'POST',
    body: JSON.stringify(parameters),
    headers: {
      authorization: `Bearer ${toolsSecret}`,
      'content-type': 'application/json',
      'x-bridge-token': token,
    },
  });
  await answer.arrayBuffer();
  return answer.status;
}

/** What would have reached somebody. */
const sends = (requests: readonly SimRequest[]) =>
  requests.filter(({ method, path }) => method === 'POST' && !path.endsWith('/VerificationCheck'));

const doors = ['conversation', 'webhook'] as const;

/** Tries everything over both doors; gives the requests that came of it. */
async function tryAll(stage: TwilioStage): Promise<readonly SimRequest[]> {
  const { template } = stage.seeds;
  for (const [tool, parameters] of attempts(template, doors[0])) await stage.ask(tool, parameters);
  for (const attempt of attempts(template, doors[1])) await overHttp(stage, attempt);
  return stage.requests();
}

describe('an agent that was talked into writing to everybody', () => {
  it('reaches nobody while nothing was configured: no request at all comes to Twilio', () =>
    withTwilioStage({ env }, async stage => {
      expect(await tryAll(stage)).toEqual([]);
      expect(stage.twilio.texts).toEqual([]);
      // The narrow gate: a code to the trusted caller is sent.
      expect(await stage.ask('send_SMS_verification', { To: caller })).toMatchObject({ status: 'pending' });
      expect(sends(stage.requests())).toHaveLength(1);
    }));

  it('reaches them all in the same run once sends are allowed', () =>
    withTwilioStage({ env, sends: true, yaml: open }, async stage => {
      const sent = sends(await tryAll(stage));
      const reached = (path: string) =>
        new Set(sent.filter(each => each.path.endsWith(path)).map(({ params }) => params['To']));
      const numbers = [caller, other, '+442071838750', '+4930901820'];
      for (const number of numbers) {
        expect(reached('/Messages.json')).toContain(number);
        expect(reached('/Messages.json')).toContain(`whatsapp:${number}`);
        if (number !== caller) expect(reached('/Verifications')).toContain(number);
      }
      for (const door of doors) expect(JSON.stringify(sent)).toContain(`Text ${door}`);
      expect(sent.filter(({ path }) => path.includes('/Calls'))).toEqual([]);
    }));

  it('reaches nobody either with the kill switch on, whatever else is allowed', () =>
    withTwilioStage(
      { env, sends: true, yaml: open.replace('kill_switch: false', 'kill_switch: true') },
      async stage => {
        expect(sends(await tryAll(stage))).toEqual([]);
      },
    ));
});
