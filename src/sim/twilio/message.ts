import { type SimDeliveryError, simDeliveryErrors } from './errors.ts';
import { isWhatsApp, numberOf } from './message-form.ts';
import { rfc2822, uriOf } from './resource.ts';

export type SimMessageStatus =
  | 'accepted'
  | 'queued'
  | 'sending'
  | 'sent'
  | 'delivered'
  | 'undelivered'
  | 'failed'
  | 'read'
  | 'received'
  | 'canceled';

export interface SimMessage {
  readonly sid: string;
  readonly accountSid: string;
  readonly direction: 'inbound' | 'outbound-api';
  readonly to: string;
  from: string | null;
  readonly body: string;
  readonly messagingServiceSid: string | null;
  readonly statusCallback: string | undefined;
  readonly media: readonly SimMedia[];
  /** Wall-clock times, ms. */
  readonly created: number;
  updated: number;
  sent: number | undefined;
  status: SimMessageStatus;
  error: SimDeliveryError | undefined;
  /** What it costs; null while that is not told yet, undefined: what every message costs, once it was sent. */
  charge: SimCharge | null | undefined;
}

/** What a message or a call costs: `-0.00790`, `USD`. */
export interface SimCharge {
  readonly price: string;
  readonly unit: string;
}

export interface SimMedia {
  readonly sid: string;
  readonly type: string;
  readonly url: string;
}

/** Every medium here: a picture of one point. */
export const picture = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=',
  'base64',
);

/** Text messages that a body takes: 160 characters of GSM 03.38 or 70 of UCS-2, fewer where there are several. */
export function segments(body: string): string {
  const plain = /^[\n\r -~£¥èéùìòÇØøÅåÆæßÉÄÖÑÜ§¿äöñüà€]*$/.test(body);
  const [one, each] = plain ? [160, 153] : [70, 67];
  return String(body.length <= one ? 1 : Math.ceil(body.length / each));
}

/** A message as the API shows it. */
export function messageResource(message: SimMessage): Record<string, unknown> {
  const { sid, accountSid, media, error, sent } = message;
  const usual = sent === undefined ? null : { price: '-0.00790', unit: 'USD' };
  const charge = message.charge === undefined ? usual : message.charge;
  return {
    sid,
    account_sid: accountSid,
    messaging_service_sid: message.messagingServiceSid,
    direction: message.direction,
    from: message.from,
    to: message.to,
    body: message.body,
    num_segments: segments(message.body),
    num_media: String(media.length),
    status: message.status,
    error_code: error ?? null,
    error_message: error === undefined ? null : simDeliveryErrors[error],
    price: charge?.price ?? null,
    price_unit: charge?.unit ?? null,
    date_created: rfc2822(message.created),
    date_sent: sent === undefined ? null : rfc2822(sent),
    date_updated: rfc2822(message.updated),
    api_version: '2010-04-01',
    uri: uriOf(accountSid, `Messages/${sid}`),
    subresource_uris: { media: uriOf(accountSid, `Messages/${sid}/Media`) },
  };
}

export function mediumResource(message: SimMessage, medium: SimMedia): Record<string, unknown> {
  return {
    sid: medium.sid,
    account_sid: message.accountSid,
    parent_sid: message.sid,
    content_type: medium.type,
    date_created: rfc2822(message.created),
    date_updated: rfc2822(message.updated),
    uri: uriOf(message.accountSid, `Messages/${message.sid}/Media/${medium.sid}`),
  };
}

/** What a status callback says of a message. */
export function statusFields(message: SimMessage): Record<string, string> {
  const { sid, status, error, messagingServiceSid } = message;
  return {
    MessageSid: sid,
    MessageStatus: status,
    SmsSid: sid,
    SmsStatus: status,
    AccountSid: message.accountSid,
    ApiVersion: '2010-04-01',
    To: message.to,
    From: message.from ?? '',
    ...(messagingServiceSid === null ? {} : { MessagingServiceSid: messagingServiceSid }),
    ...(error === undefined ? {} : { ErrorCode: String(error), ErrorMessage: simDeliveryErrors[error] }),
  };
}

/** What the webhook of a number is told of a message that came in. */
export function inboundFields(message: SimMessage): Record<string, string> {
  const media = message.media.flatMap(({ type, url }, index) => [
    [`MediaContentType${index}`, type] as const,
    [`MediaUrl${index}`, url] as const,
  ]);
  return {
    MessageSid: message.sid,
    SmsSid: message.sid,
    SmsMessageSid: message.sid,
    SmsStatus: 'received',
    AccountSid: message.accountSid,
    ApiVersion: '2010-04-01',
    From: message.from ?? '',
    To: message.to,
    Body: message.body,
    NumSegments: segments(message.body),
    NumMedia: String(message.media.length),
    ...(isWhatsApp(message.to) ? { WaId: numberOf(message.from ?? '').slice(1) } : {}),
    ...Object.fromEntries(media),
  };
}
