import { type SimAnswer, simError } from './errors.ts';

/** What the account can send with. */
export interface SimSenders {
  /** Whether a number of the account can text. */
  readonly texts: (number: string) => boolean;
  /** WhatsApp senders of the account, as E.164. */
  readonly whatsapp: ReadonlySet<string>;
  readonly messagingServiceSid: string;
  /** What a content template says with these variables; undefined where there is no such template. */
  readonly template: (sid: string, variables: Readonly<Record<string, string>>) => string | undefined;
}

/** A message that may be sent. */
export interface SimMessageOrder {
  readonly to: string;
  readonly from: string | null;
  readonly messagingServiceSid: string | null;
  readonly body: string;
  readonly mediaUrls: readonly string[];
  readonly isTemplate: boolean;
  readonly statusCallback: string | undefined;
}

/** Twilio's limits on one message. */
const maxBody = 1600;
const maxMedia = 10;

const e164 = /^\+[1-9]\d{6,14}$/;
const channel = 'whatsapp:';
export const isWhatsApp = (address: string) => address.startsWith(channel);
export const numberOf = (address: string) => (isWhatsApp(address) ? address.slice(channel.length) : address);

/** Reads the form of a new message in the order in which Twilio objects to it. */
export function readMessageForm(form: URLSearchParams, senders: SimSenders): SimMessageOrder | SimAnswer {
  const to = form.get('To') ?? '';
  const from = form.get('From');
  const service = form.get('MessagingServiceSid');
  if (to === '') return simError(21604);
  if (!e164.test(numberOf(to))) return simError(21211, to);
  const content = readContent(form, senders);
  if ('status' in content) return content;
  const objection = from === null ? objectToService(service, senders) : objectToSender(from, to, senders);
  if (objection !== undefined) return objection;
  const statusCallback = form.get('StatusCallback') ?? undefined;
  return { to, from, messagingServiceSid: service, ...content, statusCallback };
}

function objectToService(sid: string | null, senders: SimSenders): SimAnswer | undefined {
  if (sid === null) return simError(21603);
  return sid === senders.messagingServiceSid ? undefined : simError(21705, sid);
}

function objectToSender(from: string, to: string, senders: SimSenders): SimAnswer | undefined {
  const number = numberOf(from);
  if (!e164.test(number)) return simError(21212, from);
  if (isWhatsApp(from) !== isWhatsApp(to)) return simError(21910);
  if (from === to) return simError(21266, to);
  if (isWhatsApp(from)) return senders.whatsapp.has(number) ? undefined : simError(63007, from);
  return senders.texts(number) ? undefined : simError(21606, from);
}

type Content = Pick<SimMessageOrder, 'body' | 'mediaUrls' | 'isTemplate'>;

function readContent(form: URLSearchParams, senders: SimSenders): Content | SimAnswer {
  const template = form.get('ContentSid');
  const text = form.get('Body') ?? '';
  const mediaUrls = form.getAll('MediaUrl');
  if (template !== null) {
    const variables = readVariables(form.get('ContentVariables') ?? '{}');
    if (variables === undefined) return simError(21656);
    const body = senders.template(template, variables);
    return body === undefined ? simError(21655, template) : { body, mediaUrls, isTemplate: true };
  }
  if (text === '' && mediaUrls.length === 0) return simError(21602);
  if (text.length > maxBody) return simError(21617);
  if (mediaUrls.length > maxMedia) return simError(21623);
  const bad = mediaUrls.find(url => !URL.canParse(url) || !/^https?:/.test(url));
  return bad === undefined ? { body: text, mediaUrls, isTemplate: false } : simError(21620, bad);
}

function readVariables(json: string): Readonly<Record<string, string>> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const texts = Object.values(value).every(each => typeof each === 'string');
    return texts ? (value as Record<string, string>) : undefined;
  } catch {
    return undefined;
  }
}
