import twilio from 'twilio';

const { VoiceResponse, MessagingResponse } = twilio.twiml;

/** Where a caller is put through to: a number, or a SIP URI with header fields of the INVITE. */
export interface DialTarget {
  readonly destination:
    | { readonly kind: 'phone'; readonly number: string }
    | { readonly kind: 'sip'; readonly uri: string };
  readonly headers?: readonly { readonly name: string; readonly value: string }[];
  readonly userToUser?: string;
  readonly postDialDigits?: string;
}

export interface StreamAsked {
  /** wss. */
  readonly url: string;
  /** Query strings are dropped by Twilio: this is the way in for whatever has to come along. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Asked what comes next when the stream is over. */
  readonly next: string;
  /** Told when the stream begins, ends and fails. */
  readonly status: string;
}

/** Connects the caller with a WebSocket, both ways, until that is closed. */
export function connectStream({ url, parameters, next, status }: StreamAsked): string {
  const response = new VoiceResponse();
  const stream = response.connect({ action: next, method: 'POST' }).stream({ url, statusCallback: status });
  for (const [name, value] of Object.entries(parameters)) stream.parameter({ name, value });
  return response.toString();
}

/** Refuses a call that was not answered: it costs nothing, and the caller hears that. */
export function rejectCall(reason: 'busy' | 'rejected'): string {
  const response = new VoiceResponse();
  response.reject({ reason });
  return response.toString();
}

export function hangUp(): string {
  const response = new VoiceResponse();
  response.hangup();
  return response.toString();
}

export function redirectTo(url: string): string {
  const response = new VoiceResponse();
  response.redirect({ method: 'POST' }, url);
  return response.toString();
}

/** Names of header fields that Twilio lets through (13252), and the longest URI that it takes. */
const sendable = /^(x-[\w-]+|user-to-user|remote-party-id|p-preferred-identity|p-called-party-id)$/i;
const longestUri = 254;

/** Puts the caller through; `next` is asked when the other end is over, or was never reached. */
export function dial(target: DialTarget, next?: string): string {
  const response = new VoiceResponse();
  const verb = response.dial(next === undefined ? {} : { action: next, method: 'POST' });
  const { destination, postDialDigits } = target;
  if (destination.kind === 'sip') verb.sip(withHeaders(destination.uri, target));
  else {
    const sendDigits = postDialDigits?.replaceAll('W', 'ww');
    verb.number(sendDigits === undefined ? {} : { sendDigits }, destination.number);
  }
  return response.toString();
}

/** As many of the header fields as fit. */
function withHeaders(uri: string, { headers = [], userToUser }: DialTarget): string {
  const all = userToUser === undefined ? headers : [...headers, { name: 'User-to-User', value: userToUser }];
  let text = uri;
  for (const { name, value } of all) {
    if (!sendable.test(name)) continue;
    const more = `${text}${text.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(value)}`;
    if (more.length <= longestUri) text = more;
  }
  return text;
}

/** The answer to a message; empty without a text. */
export function replyWith(text?: string): string {
  const response = new MessagingResponse();
  if (text !== undefined) response.message(text);
  return response.toString();
}
