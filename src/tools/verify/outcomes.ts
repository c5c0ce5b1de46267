import type { TwilioFailure } from '../../twilio/failure.ts';
import { person } from '../person.ts';
import type { ToolResult } from '../tool.ts';

/** Verify's own words for the state of a verification, and ours for what keeps one from going on. */
export type VerifyStatus =
  | 'pending'
  | 'approved'
  | 'canceled'
  | 'expired'
  | 'failed'
  | 'max_attempts_reached'
  | 'already_verified'
  | 'blocked'
  | 'channel_unavailable'
  | 'dry_run'
  | 'invalid_code'
  | 'invalid_number'
  | 'landline'
  | 'max_sends_reached'
  | 'not_allowed'
  | 'not_configured'
  | 'not_sent'
  | 'throttled'
  | 'unavailable';

export interface VerifyResult extends ToolResult {
  readonly status: VerifyStatus;
  /** True once the number is verified, by this code or an earlier one of the call. */
  readonly valid: boolean;
  readonly attempts_left?: number;
  readonly retry_after_s?: number;
}

/** What becomes of one kind of failure. */
export interface Outcome {
  /** Where it applies; both when absent. */
  readonly on?: 'send' | 'check';
  readonly status: VerifyStatus;
  /** What the agent is told. */
  readonly message: string;
  /** Whether the agent may try again: `changed` means with another number, code or channel. */
  readonly retry: 'no' | 'later' | 'changed';
  /** Seconds after which a retry makes sense, where Twilio does not say. */
  readonly after?: number;
}

const badNumber: Outcome = {
  status: 'invalid_number',
  message: 'This is not a number that can get a code. Ask the caller for the number again.',
  retry: 'changed',
};
const badChannel: Outcome = {
  status: 'channel_unavailable',
  message: 'Codes cannot be sent over this channel. Offer another channel.',
  retry: 'changed',
};
const badSetup: Outcome = {
  status: 'not_configured',
  message: `Twilio refuses the credentials of this bridge, so numbers cannot be verified. ${person}`,
  retry: 'no',
};
const gone: Outcome = {
  on: 'check',
  status: 'expired',
  message: 'There is no open code for this number any more. Offer to send a new one.',
  retry: 'changed',
};
const noService: Outcome = {
  on: 'send',
  status: 'not_configured',
  message: `Twilio does not know the Verify service (TWILIO_VERIFY_SERVICE_SID). ${person}`,
  retry: 'no',
};
const busy: Outcome = {
  status: 'throttled',
  message: 'Too many requests at the moment. Wait a few seconds, then try once more.',
  retry: 'later',
  after: 5,
};
const down: Outcome = {
  status: 'unavailable',
  message: 'The verification service cannot be reached at the moment. Try once more in a few seconds.',
  retry: 'later',
  after: 5,
};
const trial: Outcome = {
  status: 'not_configured',
  message: `The Twilio account may not send to this number yet (trial or missing approval). ${person}`,
  retry: 'no',
};
const unsure: readonly Outcome[] = [
  {
    on: 'send',
    status: 'unavailable',
    message: 'It is not known whether the code was sent. Ask whether it arrived; if not, send once more.',
    retry: 'later',
    after: 15,
  },
  {
    on: 'check',
    status: 'unavailable',
    message: 'The code could not be checked in time. Check the same code once more.',
    retry: 'later',
    after: 2,
  },
];

/**
 * Every failure of a Verify request and what the agent is told. Keys are Twilio's error code with the parameter it
 * names, the code alone, the HTTP status where there is no known code, and our own failure codes; the first that
 * fits counts, in the order of `keysOf`. docs/otp.md shows this table.
 */
export const outcomes: Readonly<Record<string, readonly Outcome[]>> = {
  '20003': [badSetup],
  '20404': [gone, noService],
  '20429': [busy],
  '25109': [busy],
  '60200:To': [badNumber],
  '60200:Channel': [badChannel],
  '60200:Code': [
    {
      status: 'invalid_code',
      message: 'A code has 4 to 10 digits. Ask the caller to read it again.',
      retry: 'changed',
    },
  ],
  '60200': [
    {
      status: 'failed',
      message: 'Twilio refused a parameter. Ask the caller for the number and the code again.',
      retry: 'changed',
    },
  ],
  '60202': [
    {
      status: 'max_attempts_reached',
      message: `Too many wrong codes; no code can be checked or sent until this one has expired. ${person}`,
      retry: 'later',
      after: 600,
    },
  ],
  '60203': [
    {
      status: 'max_sends_reached',
      message:
        'Too many codes were sent to this number. Use the last one; a new one can be sent in 10 minutes.',
      retry: 'later',
      after: 600,
    },
  ],
  '60205': [
    {
      status: 'landline',
      message:
        'This is a landline, which gets no text messages. Offer to call it with the code (Channel call).',
      retry: 'changed',
    },
  ],
  '60207': [
    { ...busy, message: 'The limit for this number is reached. Wait a minute, then try.', after: 60 },
  ],
  '60212': [
    { ...busy, message: 'A code for this number is being sent already. Wait a few seconds.', after: 10 },
  ],
  '60217': [badChannel],
  '60223': [badChannel],
  '60238': [
    {
      status: 'blocked',
      message: `Twilio has blocked verifications of this account for a review. ${person}`,
      retry: 'no',
    },
  ],
  '60410': [
    {
      status: 'blocked',
      message:
        'Texts to numbers like this one are blocked at present. Offer a call with the code (Channel call) or a person.',
      retry: 'changed',
    },
  ],
  '60436': [badNumber],
  '60605': [
    {
      status: 'blocked',
      message: `Codes are not sent to the country of this number. ${person}`,
      retry: 'changed',
    },
  ],
  '21608': [trial],
  '575001': [trial],
  'http-401': [badSetup],
  'http-403': [badSetup],
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
      retry: 'no',
    },
  ],
};

/** The row that fits a failure of a send or a check. */
export function outcomeOf(failure: TwilioFailure, on: 'send' | 'check'): Outcome {
  for (const key of keysOf(failure)) {
    const row = outcomes[key]?.find(outcome => outcome.on === undefined || outcome.on === on);
    if (row !== undefined) return row;
  }
  throw new Error('The table of outcomes has no row for the rest');
}

function keysOf({ code, status, errorCode, parameter }: TwilioFailure): string[] {
  const ofTwilio = errorCode === undefined ? [] : [`${errorCode}:${parameter ?? ''}`, `${errorCode}`];
  const ofHttp = status === undefined ? [] : [`http-${status}`, ...(status >= 500 ? ['http-5xx'] : [])];
  return [...ofTwilio, ...ofHttp, code, 'other'];
}

/** The failure as the agent gets it. */
export function failedResult(failure: TwilioFailure, on: 'send' | 'check'): VerifyResult {
  const { status, message, after } = outcomeOf(failure, on);
  const seconds = after === undefined ? undefined : (failure.retryAfterSeconds ?? after);
  return { status, valid: false, ...(seconds === undefined ? {} : { retry_after_s: seconds }), message };
}
