import { z } from 'zod';
import type { Result } from '../core/errors.ts';
import type { TwilioCaller } from './client.ts';
import type { TwilioFailure } from './failure.ts';
import { count, moment, shaped, text } from './shape.ts';

/** Who a message is from: a number of the account, or a messaging service that chooses one. */
export type MessageSender = { readonly from: string } | { readonly messagingServiceSid: string };

/** What is sent: words and pictures, or a template of the Content API with its variables. */
export type MessageContent =
  | { readonly body?: string; readonly mediaUrl?: readonly string[] }
  | { readonly contentSid: string /** JSON. */; readonly contentVariables?: string };

export interface OutgoingMessage {
  /** E.164, behind `whatsapp:` for WhatsApp. */
  readonly to: string;
  readonly sender: MessageSender;
  readonly content: MessageContent;
  /** Where Twilio tells what became of it. */
  readonly statusCallback?: string;
}

/** A message as Twilio keeps it. */
export interface TwilioMessage {
  /** SM… or MM…. */
  readonly sid: string;
  /** Twilio's own word: queued, accepted, sent, delivered, undelivered, failed, received, read … */
  readonly status: string;
  /** inbound, outbound-api, outbound-call, outbound-reply. */
  readonly direction: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly body: string | undefined;
  readonly errorCode: number | undefined;
  readonly segments: number | undefined;
  readonly media: number | undefined;
  /** Negative where it costs, as Twilio has it; known some time after the sending. */
  readonly price: number | undefined;
  readonly priceUnit: string | undefined;
  readonly createdAt: string | undefined;
  readonly sentAt: string | undefined;
}

/** A picture or file of a message. */
export interface TwilioMedia {
  /** ME…. */
  readonly sid: string;
  readonly contentType: string | undefined;
  readonly createdAt: string | undefined;
}

export interface MessageFilter {
  readonly to?: string | undefined;
  readonly from?: string | undefined;
  readonly sentAfter?: Date | undefined;
  readonly sentBefore?: Date | undefined;
}

type Answer<T> = Promise<Result<T, TwilioFailure>>;

/** A message as the SDK gives it. */
export const messageShape = z
  .object({
    sid: z.string().min(1),
    status: z.string(),
    direction: z.string(),
    from: text,
    to: text,
    body: text,
    errorCode: count,
    numSegments: count,
    numMedia: count,
    price: count,
    priceUnit: text,
    dateCreated: moment,
    dateSent: moment,
  })
  .transform(
    ({ numSegments, numMedia, dateCreated, dateSent, ...rest }): TwilioMessage => ({
      ...rest,
      segments: numSegments,
      media: numMedia,
      createdAt: dateCreated,
      sentAt: dateSent,
    }),
  );

const mediaShape = z.object({ sid: z.string().min(1), contentType: text, dateCreated: moment }).transform(
  ({ sid, contentType, dateCreated }): TwilioMedia => ({
    sid,
    contentType,
    createdAt: dateCreated,
  }),
);

/** Hands a message to Twilio; what becomes of it afterwards comes to its status callback. */
export function sendMessage(
  client: TwilioCaller,
  { to, sender, content, statusCallback }: OutgoingMessage,
  signal?: AbortSignal,
): Answer<TwilioMessage> {
  const { mediaUrl, ...words } = 'contentSid' in content ? { ...content, mediaUrl: undefined } : content;
  return client.call(async sdk => {
    const created = await sdk.messages.create({
      to,
      ...sender,
      ...words,
      ...(mediaUrl === undefined || mediaUrl.length === 0 ? {} : { mediaUrl: [...mediaUrl] }),
      ...(statusCallback === undefined ? {} : { statusCallback }),
    });
    return shaped(messageShape, created);
  }, signal);
}

/** The newest messages that fit, at most `limit` of them. Twilio cannot search in what they say. */
export function listMessages(
  client: TwilioCaller,
  { to, from, sentAfter, sentBefore }: MessageFilter,
  limit: number,
  signal?: AbortSignal,
): Answer<TwilioMessage[]> {
  return client.call(async sdk => {
    const listed = await sdk.messages.list({
      ...(to === undefined ? {} : { to }),
      ...(from === undefined ? {} : { from }),
      ...(sentAfter === undefined ? {} : { dateSentAfter: sentAfter }),
      ...(sentBefore === undefined ? {} : { dateSentBefore: sentBefore }),
      limit,
      pageSize: limit,
    });
    return listed.map(each => shaped(messageShape, each));
  }, signal);
}

export function fetchMessage(client: TwilioCaller, sid: string, signal?: AbortSignal): Answer<TwilioMessage> {
  return client.call(async sdk => shaped(messageShape, await sdk.messages(sid).fetch()), signal);
}

/** The pictures and files of a message, at most `limit` of them. */
export function listMedia(
  client: TwilioCaller,
  messageSid: string,
  limit: number,
  signal?: AbortSignal,
): Answer<TwilioMedia[]> {
  return client.call(async sdk => {
    const listed = await sdk.messages(messageSid).media.list({ limit, pageSize: limit });
    return listed.map(each => shaped(mediaShape, each));
  }, signal);
}
