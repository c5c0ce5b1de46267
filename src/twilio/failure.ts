import { Failure, messageOf } from '../core/errors.ts';

/**
 * How a request to Twilio failed: `twilio-refused` is an answer with a status above 299, the others never got one
 * that could be used.
 */
export type TwilioFailureCode =
  | 'twilio-refused'
  | 'twilio-unreachable'
  | 'twilio-broken'
  | 'twilio-timeout'
  | 'twilio-aborted'
  | 'twilio-bad-answer'
  | 'twilio-bad-request';

const messages: Readonly<Record<TwilioFailureCode, string>> = {
  'twilio-refused': 'Twilio refused the request; its error code says why.',
  'twilio-unreachable': 'No connection to Twilio could be made; check DNS, firewall and TWILIO_BASE_URL.',
  'twilio-broken': 'The connection to Twilio broke before its answer was complete.',
  'twilio-timeout': 'Twilio did not answer in time.',
  'twilio-aborted': 'The request to Twilio was given up because nobody waits for it any more.',
  'twilio-bad-answer': 'Twilio answered with something that is not its API.',
  'twilio-bad-request': 'The request to Twilio could not be made from what was given.',
};

/** What is known about a failure besides its kind: numbers and closed words only, so it may be logged as it is. */
export interface TwilioFailureFacts {
  /** HTTP status, where there was an answer. */
  readonly status?: number | undefined;
  /** Twilio's own error code, such as 60203. */
  readonly errorCode?: number | undefined;
  /** Retry-After, where it was a number, in seconds. */
  readonly retryAfterSeconds?: number | undefined;
  /** The parameter that Twilio objects to (60200), where it is one that we send. */
  readonly parameter?: 'To' | 'Channel' | 'Code' | undefined;
  /** Twilio's id of the request (RQ…), for its support. */
  readonly requestId?: string | undefined;
  /** Name of the network or program error underneath, such as ECONNRESET. */
  readonly word?: string | undefined;
  /** True when Twilio certainly did nothing, so the same request may be sent again. */
  readonly unprocessed?: boolean;
}

/**
 * The only form in which a failure of a Twilio request leaves `src/twilio`. The SDK's and axios' errors carry the
 * Authorization header and the form body; none of their text, and not the errors as `cause`, gets in here.
 */
export class TwilioFailure extends Failure {
  declare readonly code: TwilioFailureCode;
  readonly status: number | undefined;
  readonly errorCode: number | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly parameter: 'To' | 'Channel' | 'Code' | undefined;
  readonly requestId: string | undefined;
  readonly word: string | undefined;
  readonly unprocessed: boolean;

  constructor(code: TwilioFailureCode, facts: TwilioFailureFacts = {}) {
    super(code, messages[code]);
    this.status = facts.status;
    this.errorCode = facts.errorCode;
    this.retryAfterSeconds = facts.retryAfterSeconds;
    this.parameter = facts.parameter;
    this.requestId = facts.requestId;
    this.word = facts.word;
    this.unprocessed = facts.unprocessed ?? false;
  }
}

/** Error codes of a 429 that soon goes away by itself; 60202 and 60203 do not, and retrying them makes it worse. */
const passing: ReadonlySet<number | undefined> = new Set([undefined, 20429, 25109, 60212]);

/** Whether Twilio did nothing, and would soon do what it was asked: the request is as good as never made. */
export function isPassing({ unprocessed, errorCode }: TwilioFailure): boolean {
  return unprocessed && passing.has(errorCode);
}

type Fields = Readonly<Record<string, unknown>>;

/** The failure that an answer with a status outside 200..299 stands for. */
export function refusal(status: number, body: unknown, headers: unknown): TwilioFailure {
  const fields = asFields(typeof body === 'string' ? parsed(body) : body);
  const code = fields['code'];
  return new TwilioFailure('twilio-refused', {
    status,
    errorCode: typeof code === 'number' && Number.isSafeInteger(code) ? code : undefined,
    retryAfterSeconds: retryAfter(asFields(headers)['retry-after']),
    parameter: objectedTo(fields['message']),
    requestId: requestIdOf(headers),
    unprocessed: status === 429,
  });
}

/** Twilio's id of a request, from the headers of its answer. */
export function requestIdOf(headers: unknown): string | undefined {
  return matching(/^RQ[0-9a-f]{32}$/, asFields(headers)['twilio-request-id']);
}

/** Errors that say that no connection came about: the request never left. */
const notConnected: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
const tooLate: ReadonlySet<string> = new Set(['ECONNABORTED', 'ETIMEDOUT']);

/** The failure that whatever was thrown on the way to Twilio stands for. Takes its code, never its text. */
export function networkFailure(thrown: unknown): TwilioFailure {
  if (thrown instanceof TwilioFailure) return thrown;
  const word = matching(/^[A-Z][A-Z0-9_]{2,60}$/, asFields(thrown)['code']);
  if (word === undefined) return new TwilioFailure('twilio-broken');
  if (notConnected.has(word)) return new TwilioFailure('twilio-unreachable', { word, unprocessed: true });
  if (tooLate.has(word)) return new TwilioFailure('twilio-timeout', { word });
  // Axios has one code for an answer above the size limit and for one that was cut off.
  const tooLarge = word === 'ERR_BAD_RESPONSE' && messageOf(thrown).includes('maxContentLength');
  if (tooLarge) return new TwilioFailure('twilio-bad-answer', { word });
  return new TwilioFailure(/CERT|TLS|SSL/.test(word) ? 'twilio-unreachable' : 'twilio-broken', { word });
}

/** The failure for what the SDK throws before it sends anything: its text may quote a parameter. */
export function requestFailure(thrown: unknown): TwilioFailure {
  return thrown instanceof TwilioFailure ? thrown : nameOf(thrown, 'twilio-bad-request');
}

/** The failure for what the SDK throws over an answer that is not as it should be, such as a list without its rows. */
export function answerFailure(thrown: unknown): TwilioFailure {
  return thrown instanceof TwilioFailure ? thrown : nameOf(thrown, 'twilio-bad-answer');
}

function nameOf(thrown: unknown, code: TwilioFailureCode): TwilioFailure {
  const word = thrown instanceof Error ? matching(/^[A-Za-z]{1,40}$/, thrown.name) : undefined;
  return new TwilioFailure(code, { word });
}

/** Twilio quotes the value after the name of the parameter, so the name alone is taken. */
function objectedTo(message: unknown): TwilioFailure['parameter'] {
  const name =
    typeof message === 'string' ? /parameter[^A-Za-z]{1,4}(To|Channel|Code)\b/i.exec(message) : null;
  switch (name?.[1]?.toLowerCase()) {
    case 'to':
      return 'To';
    case 'channel':
      return 'Channel';
    case 'code':
      return 'Code';
    default:
      return undefined;
  }
}

/** Seconds; the date form of RFC 9110 section 10.2.3 is not promised by Twilio and counts as absent. */
function retryAfter(header: unknown): number | undefined {
  const text = matching(/^\d{1,6}$/, header);
  return text === undefined ? undefined : Number(text);
}

function matching(pattern: RegExp, value: unknown): string | undefined {
  return typeof value === 'string' && pattern.test(value) ? value : undefined;
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
