import { toE164 } from '../core/e164.ts';
import { fail, ok } from '../core/errors.ts';
import type { TwilioSenders } from '../twilio/connection.ts';
import type { TwilioCredentials } from '../twilio/credentials.ts';
import type { HostPort } from './listen.ts';
import type { Problem } from './problem.ts';
import { baseUrl, choice, hostPort, type Reader, text } from './readers.ts';
import { setting, type Values } from './setting.ts';

/** Whether the agent of a running call is told of a message of the caller's. */
export const messagesToCall = ['off', 'context'] as const;
export type MessagesToCall = (typeof messagesToCall)[number];

/** What is configured of Twilio; the credentials are in `secrets.twilio`. */
export interface TwilioSection {
  /** Absent: nothing is connected unless somebody does it over the API. */
  readonly accountSid?: string;
  /** The phone number may be `auto`. */
  readonly senders: TwilioSenders;
  /** `reject`, `busy`, or an https URL that calls without an agent are redirected to. */
  readonly voiceFallback: string;
  /** What every message that comes in is answered with; empty: nothing. */
  readonly messageReply: string;
  /** Whether a message reaches the agent that is talking with its sender. */
  readonly messagesToCall: MessagesToCall;
  /** Stand-in that takes the requests to every Twilio host; loopback only. */
  readonly baseUrl?: string;
}

const sid = (prefix: string) =>
  text(new RegExp(`^${prefix}[0-9a-fA-F]{32}$`), `${prefix} and 32 hexadecimal digits`);

/** Written as people do; YAML makes a number of digits behind a plus. The country is applied later. */
const number: Reader<string> = raw => {
  const given = typeof raw === 'number' ? `+${raw}` : String(raw).trim();
  return given === '' ? fail('must be a phone number, like +14155550123') : ok(given);
};

const voiceFallback: Reader<string> = raw => {
  const given = String(raw).trim();
  if (given === 'reject' || given === 'busy') return ok(given);
  return given.startsWith('https://') && URL.canParse(given)
    ? ok(given)
    : fail('must be reject, busy, or a URL that begins with https://');
};

/** Ports that nobody knows beforehand are of no use to a proxy. */
const streamListen: Reader<HostPort> = raw => {
  const read = hostPort(raw);
  return read.ok && read.value.port === 0 ? fail('needs a port, like 127.0.0.1:8090') : read;
};

/** As long as a message may be. */
const reply: Reader<string> = raw => {
  const given = String(raw).trim();
  return given.length <= 1600 ? ok(given) : fail('must have at most 1600 characters');
};

/** What connects to Twilio, and what messages leave from: docs/twilio.md. */
export const twilioSettings = {
  'twilio.account_sid': setting(sid('AC'), { env: 'TWILIO_ACCOUNT_SID', meaning: 'Twilio account.' }),
  'twilio.api_key_sid': setting(sid('SK'), { env: 'TWILIO_API_KEY_SID', meaning: 'Twilio API key.' }),
  'twilio.api_key_secret': setting(text(), {
    env: 'TWILIO_API_KEY_SECRET',
    meaning: 'Secret of the Twilio API key.',
    secret: true,
  }),
  'twilio.auth_token': setting(text(), {
    env: 'TWILIO_AUTH_TOKEN',
    meaning:
      'Primary token of the Twilio account: signs in where there is no API key, and checks the signatures of webhooks.',
    secret: true,
  }),
  'twilio.verify_service_sid': setting(sid('VA'), {
    env: 'TWILIO_VERIFY_SERVICE_SID',
    meaning: 'Verify service that sends and checks one-time codes; without it those tools are off.',
  }),
  'twilio.phone_number': setting(number, {
    env: 'TWILIO_PHONE_NUMBER',
    meaning:
      'Number of the account that texts and calls leave from; `auto` takes the first that can text. Without a country code ' +
      'it is one of tools.default_country.',
  }),
  'twilio.whatsapp_number': setting(number, {
    env: 'TWILIO_WHATSAPP_NUMBER',
    meaning: 'WhatsApp sender of the account.',
  }),
  'twilio.messaging_service_sid': setting(sid('MG'), {
    env: 'TWILIO_MESSAGING_SERVICE_SID',
    meaning: 'Messaging service that chooses the sender of texts, in the place of TWILIO_PHONE_NUMBER.',
  }),
  'twilio.voice_fallback': setting(voiceFallback, {
    meaning:
      'What becomes of a call over a media stream that no agent takes within 8 seconds, where its number has no fallback: ' +
      'reject, busy, or an https URL with TwiML that it is redirected to.',
    fallback: 'reject',
  }),
  'twilio.stream_listen': setting(streamListen, {
    env: 'TWILIO_STREAM_LISTEN',
    meaning:
      'Address at which the first media worker takes media streams itself, the next one at the next port and so on, for the ' +
      'reverse proxy to route `/twilio/media/0/`, `/twilio/media/1/` … to. Without it they all pass through the main thread.',
  }),
  'twilio.message_reply': setting(reply, {
    meaning: 'Text that messages which come in (/twilio/sms) are answered with; without it they are not.',
  }),
  'twilio.messages_to_call': setting(choice(messagesToCall), {
    meaning:
      'Whether a message that comes in while its sender is on a call is told to the agent, as context (context) or not (off). ' +
      'Whoever can send a text in the name of a number then speaks to that agent.',
    fallback: 'off',
  }),
  'twilio.base_url': setting(baseUrl('loopback'), {
    env: 'TWILIO_BASE_URL',
    meaning: 'Stand-in on loopback that takes the requests to every Twilio host.',
  }),
} as const;

type TwilioValues = Values<typeof twilioSettings>;

/** What is configured; `country` is the one of numbers without a country code. */
export function twilioSection(
  values: TwilioValues,
  country: string | undefined,
  problems: Problem[],
): TwilioSection {
  const e164 = (where: string, given: string | undefined): string | undefined => {
    if (given === undefined) return undefined;
    const parsed = toE164(given, country);
    if (parsed.ok) return parsed.value;
    problems.push({ where, what: `${parsed.failure.message} (tools.default_country gives one)` });
    return undefined;
  };
  const given = values['twilio.phone_number'];
  const phoneNumber = given === 'auto' ? given : e164('TWILIO_PHONE_NUMBER', given);
  const whatsAppNumber = e164(
    'TWILIO_WHATSAPP_NUMBER',
    values['twilio.whatsapp_number']?.replace(/^whatsapp:/i, ''),
  );
  const {
    'twilio.account_sid': accountSid,
    'twilio.base_url': base,
    'twilio.messaging_service_sid': messagingServiceSid,
    'twilio.verify_service_sid': verifyServiceSid,
  } = values;
  return {
    ...(accountSid === undefined ? {} : { accountSid }),
    ...(base === undefined ? {} : { baseUrl: base }),
    voiceFallback: values['twilio.voice_fallback'],
    messageReply: values['twilio.message_reply'] ?? '',
    messagesToCall: values['twilio.messages_to_call'],
    senders: {
      ...(phoneNumber === undefined ? {} : { phoneNumber }),
      ...(whatsAppNumber === undefined ? {} : { whatsAppNumber }),
      ...(messagingServiceSid === undefined ? {} : { messagingServiceSid }),
      ...(verifyServiceSid === undefined ? {} : { verifyServiceSid }),
    },
  };
}

/** A key is preferred to the account's token: it can be withdrawn alone. */
export function twilioCredentials(values: TwilioValues, problems: Problem[]): TwilioCredentials | undefined {
  const keySid = values['twilio.api_key_sid'];
  const keySecret = values['twilio.api_key_secret'];
  const authToken = values['twilio.auth_token'];
  const accountSid = values['twilio.account_sid'];
  if (problems.some(({ where }) => where.includes('TWILIO_') || where.includes('twilio.'))) return undefined;
  const need = (where: string, what: string) => problems.push({ where, what });
  if (keySid !== undefined && keySecret === undefined)
    need('TWILIO_API_KEY_SECRET', 'is missing beside TWILIO_API_KEY_SID');
  if (keySid === undefined && keySecret !== undefined)
    need('TWILIO_API_KEY_SID', 'is missing beside TWILIO_API_KEY_SECRET');
  const signedIn = keySid !== undefined || keySecret !== undefined || authToken !== undefined;
  if (accountSid === undefined && signedIn) {
    need('TWILIO_ACCOUNT_SID', 'is missing beside the other Twilio settings');
  }
  if (accountSid !== undefined && !signedIn) {
    need(
      'TWILIO_API_KEY_SID',
      'and TWILIO_API_KEY_SECRET (or TWILIO_AUTH_TOKEN) are missing beside TWILIO_ACCOUNT_SID',
    );
  }
  if (keySid !== undefined && keySecret !== undefined) {
    return { kind: 'key', keySid, keySecret, ...(authToken === undefined ? {} : { authToken }) };
  }
  return authToken === undefined ? undefined : { kind: 'token', authToken };
}

/** What is set and has no effect yet. */
export function twilioNotes({ accountSid, senders }: TwilioSection): string[] {
  if (accountSid !== undefined || Object.keys(senders).length === 0) return [];
  return [
    'Twilio has senders or a Verify service, and TWILIO_ACCOUNT_SID is not set: they are of use only once Twilio is ' +
      'connected over the API (PUT /v1/twilio/connection).',
  ];
}

/** Each media worker has a port to itself, and what comes there was sent by the TwiML of the public listener. */
export function checkStreamListen(
  values: TwilioValues & {
    readonly 'media.workers': number;
    readonly 'http.public_listen': HostPort | undefined;
    readonly 'http.public_url': string | undefined;
  },
  problems: Problem[],
): void {
  const first = values['twilio.stream_listen'];
  if (first === undefined) return;
  const where = 'TWILIO_STREAM_LISTEN';
  const workers = values['media.workers'];
  if (first.port + workers - 1 > 65_535)
    problems.push({ where, what: `has no port for each of ${workers} media workers: begin lower` });
  if (values['http.public_listen'] === undefined || values['http.public_url'] === undefined)
    problems.push({
      where,
      what: 'is of use only with PUBLIC_HTTP_LISTEN and PUBLIC_URL: set them, or leave this out',
    });
}
