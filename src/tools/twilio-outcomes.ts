import type { TwilioFailure } from '../twilio/failure.ts';
import { person } from './person.ts';
import type { ToolResult } from './tool.ts';

/** What an agent is told where Twilio did not do what it was asked. */
export interface TwilioOutcome {
  /** Where it applies; both when absent. */
  readonly on?: 'write' | 'read';
  /** The word to branch on. */
  readonly status: string;
  readonly message: string;
  /** Seconds after which the same again makes sense; absent: it makes none. */
  readonly after?: number;
}

const again = 'Ask the caller for the number again.';

const badNumber: TwilioOutcome = {
  status: 'invalid_number',
  message: `This is not a number that can be reached this way. ${again}`,
};
const badSender: TwilioOutcome = {
  status: 'not_configured',
  message: `Twilio does not take the sender of this bridge: the operator has to set TWILIO_PHONE_NUMBER or TWILIO_MESSAGING_SERVICE_SID to one that can do this. ${person}`,
};
const badCredentials: TwilioOutcome = {
  status: 'not_configured',
  message: `Twilio refuses the credentials of this bridge, or they may not do this (TWILIO_API_KEY_SID, TWILIO_AUTH_TOKEN). ${person}`,
};
const region: TwilioOutcome = {
  status: 'not_allowed',
  message: `The Twilio account may not reach the country of this number: the operator can allow it in its geographic permissions. ${person}`,
};
const trial: TwilioOutcome = {
  status: 'not_configured',
  message: `The Twilio account may not reach this number yet (trial, or missing registration). ${person}`,
};
const busy: TwilioOutcome = {
  status: 'throttled',
  message: 'Too many requests at the moment. Wait a few seconds, then try once more.',
  after: 5,
};
const down: TwilioOutcome = {
  status: 'unavailable',
  message: 'Twilio cannot be reached at the moment. Try once more in a few seconds.',
  after: 5,
};
const unreachable: TwilioOutcome = {
  status: 'unreachable',
  message:
    'The telephone cannot be reached: it is off, out of coverage or no longer in use. Offer another way.',
};
const blocked: TwilioOutcome = {
  status: 'blocked',
  message: 'The network does not let messages through to this number. Offer another way.',
};
const template: TwilioOutcome = {
  status: 'invalid_parameters',
  message:
    'Twilio does not take this template or its variables: check template_sid, and that template_variables has a value for each place of the template.',
};
const unsure: readonly TwilioOutcome[] = [
  {
    on: 'write',
    status: 'unavailable',
    message:
      'It is not known whether this was sent. Do not send it again at once: ask whether it arrived, or search the messages to that number.',
  },
  { on: 'read', status: 'unavailable', message: 'Twilio did not answer in time. Try once more.', after: 5 },
];

/**
 * Every failure and what the agent is told of it. Keys are Twilio's error code, the HTTP status where there is no known
 * code, and our own failure codes; the first that fits counts, in the order of `keysOf`. docs/tools.md shows this table.
 */
export const twilioOutcomes: Readonly<Record<string, readonly TwilioOutcome[]>> = {
  '20003': [badCredentials],
  '20404': [
    { on: 'read', status: 'not_found', message: 'Twilio knows nothing of that id. Check it.' },
    {
      on: 'write',
      status: 'not_configured',
      message: `Twilio does not know the sender of this bridge (TWILIO_MESSAGING_SERVICE_SID, TWILIO_PHONE_NUMBER). ${person}`,
    },
  ],
  '20429': [busy],
  '21210': [badSender],
  '21211': [badNumber],
  '21212': [badSender],
  '21215': [region],
  '21216': [region],
  '21219': [trial],
  '21408': [region],
  '21606': [badSender],
  '21608': [trial],
  '21610': [
    {
      status: 'opted_out',
      message:
        'The holder of this number has asked for no more messages (STOP), so nothing is sent. Never try again; offer another way.',
    },
  ],
  '21612': [
    {
      status: 'unreachable',
      message: 'No message can go from the sender of this bridge to this number. Offer another way.',
    },
  ],
  '21614': [
    {
      status: 'landline',
      message: 'This number takes no text messages: it is no mobile telephone. Ask for another one.',
    },
  ],
  '21617': [
    { status: 'too_long', message: 'The text is too long: at most 1,600 characters. Make it shorter.' },
  ],
  '21620': [
    {
      status: 'invalid_media',
      message: 'Twilio cannot use that media_url. Send it without, or with another.',
    },
  ],
  '21655': [template],
  '21656': [template],
  '30003': [unreachable],
  '30004': [blocked],
  '30005': [unreachable],
  '30006': [
    {
      status: 'landline',
      message: 'This is a landline, or a network that takes no text messages. Ask for a mobile number.',
    },
  ],
  '30007': [
    {
      status: 'blocked',
      message: 'The network has filtered the message out as unwanted. Offer another way.',
    },
  ],
  '30008': [
    {
      status: 'failed',
      message: 'The network has not delivered the message and does not say why. Offer another way.',
    },
  ],
  '30034': [
    {
      status: 'not_configured',
      message: `The sender is not registered for texts to the United States (A2P 10DLC), so they are not delivered. ${person}`,
    },
  ],
  '30450': [blocked],
  '60600': [badNumber],
  '63003': [
    {
      status: 'no_whatsapp',
      message: 'There is no WhatsApp at this number. Offer a text message in its place.',
    },
  ],
  '63007': [
    {
      status: 'not_configured',
      message: `Twilio does not know the WhatsApp sender of this bridge: the operator has to set TWILIO_WHATSAPP_NUMBER. ${person}`,
    },
  ],
  '63016': [
    {
      status: 'window_closed',
      message:
        'WhatsApp takes free text only within 24 hours of the last message from that person: send a template (template_sid) in its place, or a text message.',
    },
  ],
  '63018': [busy],
  'http-401': [badCredentials],
  'http-403': [badCredentials],
  'http-404': [
    { on: 'read', status: 'not_found', message: 'Twilio knows nothing of that. Check the id or number.' },
  ],
  'http-429': [busy],
  'http-5xx': unsure,
  'twilio-unreachable': [down],
  'twilio-broken': unsure,
  'twilio-timeout': unsure,
  'twilio-aborted': unsure,
  'twilio-bad-answer': unsure,
  other: [
    {
      status: 'failed',
      message: `Twilio refused this for a reason that this bridge does not know. ${person}`,
    },
  ],
};

/** The row for one of Twilio's codes in the place of a message's outcome; undefined when there is none. */
export function outcomeOfCode(code: number): TwilioOutcome | undefined {
  return twilioOutcomes[`${code}`]?.find(({ on }) => on !== 'read');
}

/** The row that fits a failure. */
export function outcomeOf(failure: TwilioFailure, on: 'write' | 'read'): TwilioOutcome {
  for (const key of keysOf(failure)) {
    const row = twilioOutcomes[key]?.find(outcome => outcome.on === undefined || outcome.on === on);
    if (row !== undefined) return row;
  }
  throw new Error('The table of outcomes has no row for the rest');
}

function keysOf({ code, status, errorCode }: TwilioFailure): string[] {
  const ofTwilio = errorCode === undefined ? [] : [`${errorCode}`];
  const ofHttp = status === undefined ? [] : [`http-${status}`, ...(status >= 500 ? ['http-5xx'] : [])];
  return [...ofTwilio, ...ofHttp, code, 'other'];
}

/** The failure as the agent gets it. */
export function twilioFailed(failure: TwilioFailure, on: 'write' | 'read'): ToolResult {
  const { status, message, after } = outcomeOf(failure, on);
  const seconds = after === undefined ? undefined : (failure.retryAfterSeconds ?? after);
  return {
    status,
    message,
    ...(failure.errorCode === undefined ? {} : { error_code: failure.errorCode }),
    ...(seconds === undefined ? {} : { retry_after_s: seconds }),
  };
}
