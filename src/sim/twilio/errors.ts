/** Twilio's errors that the stand-in knows: HTTP status and text. `{}` is where Twilio quotes the offending value. */
export const simErrors = {
  20001: [400, 'Bad request'],
  20003: [401, 'Authenticate'],
  20404: [404, 'The requested resource {} was not found'],
  20429: [429, 'Too Many Requests'],
  21608: [400, 'The number {} is unverified; a trial account sends to verified numbers only'],
  25109: [429, 'Verify request rate exceeded'],
  60200: [400, 'Invalid parameter `{}`'],
  60202: [429, 'Max check attempts reached'],
  60203: [429, 'Max send attempts reached'],
  60205: [403, 'SMS is not supported by landline phone number {}'],
  60207: [429, 'Service rate limit reached for {}'],
  60212: [429, 'Too many concurrent requests for phone number {}'],
  60217: [400, 'Email channel is not configured'],
  60223: [403, 'Delivery channel disabled'],
  60238: [403, 'Verification creation blocked'],
  60410: [403, 'Destination prefix of {} is temporarily blocked for the SMS channel by Fraud Guard'],
  60436: [400, 'Recipient {} is invalid'],
  60605: [403, 'Verification delivery to {} is blocked by geographic permissions'],
  575001: [400, 'The trial account cannot send to {}'],
} as const satisfies Record<number, readonly [number, string]>;

export type SimErrorCode = keyof typeof simErrors;

/** An answer of the stand-in before it is written. */
export interface SimAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Twilio's error shape with one of its codes; `value` is what the text quotes. */
export function simError(code: SimErrorCode, value = '', status: number = simErrors[code][0]): SimAnswer {
  const message = simErrors[code][1].replace('{}', value);
  return { status, body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status } };
}
