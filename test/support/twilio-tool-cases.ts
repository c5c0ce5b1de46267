import { expect } from 'vitest';
import type { SimFault } from '../../src/sim/twilio/failures.ts';
import { type Account, caller, other, sender, type TwilioStage } from './twilio-stage.ts';

type Parameters = Readonly<Record<string, unknown>>;

/** One thing that an agent can do with one of the seven tools, and what is to come of it. */
export interface ToolCase {
  /** Tool and action. */
  readonly name: string;
  readonly tool: string;
  /** Whether the gate for sends has to be open for it. */
  readonly writes: boolean;
  readonly parameters: (account: Account) => Parameters;
  /** What is to be in the answer. */
  readonly good: Parameters;
  /** The request it comes to: method, a part of its path, and some of its fields. */
  readonly request: readonly [method: 'GET' | 'POST', path: string, params: Parameters];
  /** How many requests it takes; one unless given. */
  readonly count?: number;
  /** Parameters that are refused, and what the agent is told of them. */
  readonly wrong: readonly (readonly [Parameters, RegExp])[];
  /** Whether it costs something, so that it can be over its budget. */
  readonly costs?: true;
  /** What goes wrong at Twilio for this in particular, and the word that the agent gets. */
  readonly failing: readonly (readonly [SimFault, string])[];
}

const messages = '/Messages.json';
const sid = (prefix: string): unknown => expect.stringMatching(new RegExp(`^${prefix}[0-9a-f]{32}$`));
/** In all columns texts are different: the same text to the same person is sent once. */
let texts = 0;
const text = () => {
  texts += 1;
  return `Your parcel number ${'abcdefghijklmnopqrstuvwxyz'[texts % 26]} is on its way.`;
};

const sends: readonly ToolCase[] = [
  {
    name: 'twilio_send_sms',
    tool: 'twilio_send_sms',
    writes: true,
    parameters: () => ({ to: other, body: text() }),
    good: { status: 'queued', message_sid: sid('SM') },
    request: ['POST', messages, { To: other, From: sender }],
    wrong: [
      [{ body: 'x' }, /Parameter to is missing/],
      [{ to: 'the usual one', body: 'x' }, /Parameter to/],
      [{ to: other, body: 'x'.repeat(1601) }, /Parameter body/],
      [{ to: other }, /Parameter body is missing/],
    ],
    failing: [
      [{ code: 21408, value: other }, 'not_allowed'],
      [{ code: 21606, value: sender }, 'not_configured'],
    ],
  },
  {
    name: 'twilio_send_sms with pictures',
    tool: 'twilio_send_sms',
    writes: true,
    parameters: () => ({
      to: other,
      body: text(),
      media_url: ['https://files.example/a.png', 'https://files.example/b.png'],
    }),
    good: { status: 'queued', message_sid: sid('MM') },
    request: [
      'POST',
      messages,
      { To: other, MediaUrl: ['https://files.example/a.png', 'https://files.example/b.png'] },
    ],
    wrong: [[{ to: other, body: 'x', media_url: ['http://files.example/a.png'] }, /Parameter media_url/]],
    failing: [[{ code: 21620, value: 'https://files.example/a.png' }, 'invalid_media']],
  },
  {
    name: 'twilio_send_whatsapp with text',
    tool: 'twilio_send_whatsapp',
    writes: true,
    parameters: () => ({ to: other, body: text() }),
    good: { status: 'queued', message_sid: sid('SM') },
    request: ['POST', messages, { To: `whatsapp:${other}`, From: `whatsapp:${sender}` }],
    wrong: [
      [{ to: other }, /Parameter body is missing/],
      [{ to: other, body: 'x', template_sid: `HX${'0'.repeat(32)}` }, /exclude each other/],
    ],
    failing: [
      [{ code: 63007, value: sender }, 'not_configured'],
      [{ code: 63018 }, 'throttled'],
    ],
  },
  {
    name: 'twilio_send_whatsapp with a template',
    tool: 'twilio_send_whatsapp',
    writes: true,
    parameters: ({ seeds }) => ({
      to: other,
      template_sid: seeds.template,
      template_variables: JSON.stringify({ 1: text() }),
    }),
    good: { status: 'queued', message_sid: sid('SM') },
    request: ['POST', messages, { To: `whatsapp:${other}`, ContentSid: sid('HX') }],
    wrong: [
      [{ to: other, template_sid: 'reminder' }, /Parameter template_sid/],
      [{ to: other, template_variables: '{"1":"x"}' }, /needs template_sid/],
    ],
    failing: [[{ code: 21656 }, 'invalid_parameters']],
  },
  {
    name: 'twilio_verify_phone send_code',
    tool: 'twilio_verify_phone',
    writes: true,
    parameters: () => ({ action: 'send_code', to: other, channel: 'sms' }),
    good: { status: 'pending', valid: false },
    request: ['POST', '/Verifications', { To: other, Channel: 'sms' }],
    wrong: [
      [{ action: 'send_code', to: 'nobody' }, /Parameter to/],
      [{ action: 'send_code', to: other, channel: 'pigeon' }, /Parameter channel/],
      [{ action: 'send_code', to: other, channel: 'email' }, /email/],
    ],
    failing: [
      [{ code: 60410, value: other }, 'blocked'],
      [{ code: 60203 }, 'max_sends_reached'],
    ],
  },
];

const messageReads: readonly ToolCase[] = [
  {
    name: 'twilio_search_messages search',
    tool: 'twilio_search_messages',
    writes: false,
    parameters: () => ({ action: 'search', from: caller, limit: 5 }),
    good: {
      status: 'found',
      messages: [{ direction: 'inbound' }, { untrusted_text: 'Where is my parcel?' }],
    },
    request: ['GET', messages, { From: caller }],
    wrong: [
      [{ action: 'find' }, /Parameter action/],
      [{ action: 'search', limit: 101 }, /Parameter limit/],
      [{ action: 'search', date_sent_after: 'yesterday' }, /Parameter date_sent_after/],
    ],
    failing: [[{ status: 500, raw: '<html>no</html>' }, 'unavailable']],
  },
  {
    name: 'twilio_search_messages get_details',
    tool: 'twilio_search_messages',
    writes: false,
    parameters: ({ seeds }) => ({ action: 'get_details', message_sid: seeds.received }),
    good: { status: 'found', message_status: 'received', untrusted_text: 'Where is my parcel?' },
    request: ['GET', '/Messages/SM', {}],
    wrong: [
      [{ action: 'get_details' }, /Parameter message_sid is missing/],
      [{ action: 'get_details', message_sid: 'SM1' }, /Parameter message_sid/],
    ],
    failing: [[{ code: 20404, value: 'Messages' }, 'not_found']],
  },
  {
    name: 'twilio_search_messages get_media',
    tool: 'twilio_search_messages',
    writes: false,
    parameters: ({ seeds }) => ({ action: 'get_media', message_sid: seeds.withMedia }),
    good: { status: 'found', media: [{ content_type: 'image/png', media_sid: sid('ME') }] },
    request: ['GET', '/Media.json', {}],
    wrong: [[{ action: 'get_media' }, /Parameter message_sid is missing/]],
    failing: [[{ code: 20404, value: 'Media' }, 'not_found']],
  },
];

const otherReads: readonly ToolCase[] = [
  {
    name: 'twilio_lookup_phone',
    tool: 'twilio_lookup_phone',
    writes: false,
    parameters: () => ({ phone_number: '+14155552671', fields: ['line_type_intelligence', 'caller_name'] }),
    good: { status: 'found', valid: true, line_type_intelligence: { type: 'mobile' } },
    costs: true,
    request: ['GET', '/v2/PhoneNumbers/', { Fields: 'line_type_intelligence,caller_name' }],
    wrong: [
      [{}, /Parameter phone_number is missing/],
      [{ phone_number: '12' }, /Parameter phone_number/],
      [{ phone_number: '+14155552671', fields: ['horoscope'] }, /Parameter fields/],
    ],
    failing: [
      [
        {
          lie: {
            line_type_intelligence: { error_code: 60600 },
            caller_name: { error_code: 60606 },
          },
        },
        'not_available',
      ],
      [{ lie: { line_type_intelligence: { error_code: 60601 } } }, 'partial'],
      [{ lie: { valid: false, validation_errors: ['TOO_SHORT'] } }, 'invalid_number'],
      [{ code: 20404, value: 'PhoneNumbers' }, 'invalid_number'],
    ],
  },
  {
    name: 'twilio_manage_calls list_recent',
    tool: 'twilio_manage_calls',
    writes: false,
    parameters: () => ({ action: 'list_recent', filters: { from: caller }, limit: 3 }),
    good: { status: 'found', calls: [{ call_sid: sid('CA'), status: 'completed' }] },
    request: ['GET', '/Calls.json', { From: caller }],
    wrong: [
      [{ action: 'create', to: other }, /Parameter action/],
      [{ action: 'list_recent', limit: 0 }, /Parameter limit/],
      [{ action: 'list_recent', filters: { status: 'loud' } }, /Parameter filters/],
    ],
    failing: [[{ status: 503, raw: '<html>no</html>' }, 'unavailable']],
  },
  {
    name: 'twilio_manage_calls get_details',
    tool: 'twilio_manage_calls',
    writes: false,
    parameters: ({ seeds }) => ({ action: 'get_details', call_sid: seeds.call }),
    good: { status: 'found', call_status: 'completed', direction: 'inbound' },
    request: ['GET', '/Calls/CA', {}],
    wrong: [[{ action: 'get_details' }, /Parameter call_sid is missing/]],
    failing: [[{ code: 20404, value: 'Calls' }, 'not_found']],
  },
  {
    name: 'twilio_manage_calls get_recordings',
    tool: 'twilio_manage_calls',
    writes: false,
    parameters: ({ seeds }) => ({ action: 'get_recordings', call_sid: seeds.call }),
    good: { status: 'found', recordings: [{ recording_sid: sid('RE'), seconds: 12 }] },
    request: ['GET', '/Recordings.json', {}],
    wrong: [[{ action: 'get_recordings', call_sid: 'CA1' }, /Parameter call_sid/]],
    failing: [[{ code: 20404, value: 'Recordings' }, 'not_found']],
  },
  {
    name: 'twilio_account_overview account_info',
    tool: 'twilio_account_overview',
    writes: false,
    parameters: () => ({ action: 'account_info' }),
    good: { status: 'found', account_status: 'active', balance: 42.17, currency: 'USD' },
    request: ['GET', '/Accounts/', {}],
    count: 2,
    wrong: [[{ action: 'close' }, /Parameter action/]],
    failing: [[{ code: 20003 }, 'not_configured']],
  },
  {
    name: 'twilio_account_overview list_phone_numbers',
    tool: 'twilio_account_overview',
    writes: false,
    parameters: () => ({ action: 'list_phone_numbers' }),
    good: { status: 'found', numbers: [{ sms: true, voice: true }] },
    request: ['GET', '/IncomingPhoneNumbers.json', {}],
    wrong: [[{}, /Parameter action is missing/]],
    failing: [[{ status: 500, body: { nothing: true } }, 'unavailable']],
  },
  {
    name: 'twilio_account_overview usage_summary',
    tool: 'twilio_account_overview',
    writes: false,
    parameters: () => ({ action: 'usage_summary', category: 'sms', start_date: '2026-01-01' }),
    good: { status: 'found', usage: [{ category: 'sms', price: 0.948, count: 120 }] },
    request: ['GET', '/Usage/Records.json', { Category: 'sms', StartDate: '2026-01-01' }],
    wrong: [
      [
        { action: 'usage_summary', start_date: '2026-02-01', end_date: '2026-01-01' },
        /Parameter end_date is before/,
      ],
    ],
    failing: [[{ status: 200, raw: '<html>a proxy</html>' }, 'unavailable']],
  },
];

/** Needs a code that was sent before. */
export const checkCase: ToolCase = {
  name: 'twilio_verify_phone check_code',
  tool: 'twilio_verify_phone',
  writes: false,
  parameters: ({ twilio }) => ({ action: 'check_code', to: caller, code: twilio.codeFor(caller) }),
  good: { status: 'approved', valid: true },
  request: ['POST', '/VerificationCheck', {}],
  wrong: [
    [{ action: 'check_code', to: caller }, /Parameter code is missing/],
    [{ action: 'check_code', to: caller, code: 'abc' }, /Parameter code/],
    [{ action: 'check_code', to: caller, code: 123456 }, /Parameter code/],
  ],
  failing: [[{ code: 60202 }, 'max_attempts_reached']],
};

/** Every action of the seven tools; the check of a code is last. */
export const toolCases: readonly ToolCase[] = [...sends, ...messageReads, ...otherReads, checkCase];

/** Sends the code that `checkCase` checks. */
export async function prepareCheck({ ask }: Pick<TwilioStage, 'ask'>): Promise<void> {
  const sent = await ask('twilio_verify_phone', { action: 'send_code', to: caller });
  if (sent.status !== 'pending') throw new Error(`No code was sent: ${sent.text}`);
}
