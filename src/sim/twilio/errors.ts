/** Twilio's errors that the stand-in knows: HTTP status and text. `{}` is where Twilio quotes the offending value. */
export const simErrors = {
  20001: [400, 'Bad request'],
  20003: [401, 'Authenticate'],
  20404: [404, 'The requested resource {} was not found'],
  20429: [429, 'Too Many Requests'],
  21201: [400, 'No number to call was given'],
  21205: [400, 'A call needs a Url, Twiml or an ApplicationSid; {} is none'],
  21210: [400, 'The source number {} is neither owned nor verified by this account'],
  21211: [400, "Invalid 'To' Phone Number: {}"],
  21212: [400, "Invalid 'From' Number: {}"],
  21213: [400, "A call needs a 'From' number"],
  21215: [400, 'This account may not call {}: the country is switched off'],
  21220: [400, 'Call {} is not in progress and cannot be changed'],
  21266: [400, "'To' and 'From' are the same number: {}"],
  21408: [400, 'Sending to the region of {} is switched off for this account'],
  21602: [400, 'A message needs a Body, MediaUrl or ContentSid'],
  21603: [400, "A message needs a 'From' number or a MessagingServiceSid"],
  21604: [400, "A message needs a 'To' number"],
  21606: [400, "The 'From' number {} cannot send this message: it is not this account's"],
  21608: [400, 'The number {} is unverified; a trial account sends to verified numbers only'],
  21610: [400, 'The recipient {} has opted out of messages from this sender'],
  21612: [400, 'No route leads from this sender to {}'],
  21614: [400, "'To' number {} cannot receive text messages"],
  21617: [400, 'The body of a message has at most 1600 characters'],
  21620: [400, 'The media URL {} cannot be used'],
  21623: [400, 'A message has at most 10 media URLs'],
  21627: [400, 'Twiml has at most 4000 characters'],
  21655: [400, 'There is no content template {}'],
  21656: [400, 'ContentVariables is not a JSON object of texts'],
  21705: [400, 'There is no messaging service {}'],
  21910: [400, "'From' and 'To' are not of the same channel"],
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
  63007: [400, 'No WhatsApp sender {} belongs to this account'],
  63018: [429, 'The rate limit of the channel is reached'],
  575001: [400, 'The trial account cannot send to {}'],
} as const satisfies Record<number, readonly [number, string]>;

export type SimErrorCode = keyof typeof simErrors;

/** Why a message that was accepted did not arrive; told in callbacks and in the message, never as an HTTP error. */
export const simDeliveryErrors = {
  30003: 'Unreachable destination handset',
  30005: 'Unknown destination handset',
  30006: 'Landline or unreachable carrier',
  30007: 'Carrier violation',
  30008: 'Unknown error',
  30034: 'Message from an unregistered number',
  30450: 'Message delivery blocked',
  63003: 'The recipient is not on this channel',
  63016: 'Free text outside of the window of 24 hours needs a template',
  63018: 'The rate limit of the channel is reached',
} as const satisfies Record<number, string>;

export type SimDeliveryError = keyof typeof simDeliveryErrors;

/** An answer of the stand-in before it is written. */
export interface SimAnswer {
  readonly status: number;
  readonly body: unknown;
  /** Bytes instead of JSON, such as a recording. */
  readonly file?: { readonly type: string; readonly bytes: Buffer };
  readonly headers?: Readonly<Record<string, string>>;
}

/** Twilio's error shape with one of its codes; `value` is what the text quotes. */
export function simError(code: SimErrorCode, value = '', status: number = simErrors[code][0]): SimAnswer {
  const message = simErrors[code][1].replace('{}', value);
  return { status, body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status } };
}
