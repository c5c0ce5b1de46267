import type { Timer } from '../../core/clock.ts';
import type { SimCallback, SimCallbacks } from './callbacks.ts';
import { type SimAnswer, type SimDeliveryError, type SimErrorCode, simError } from './errors.ts';
import {
  inboundFields,
  mediumResource,
  messageResource,
  picture,
  type SimCharge,
  type SimMedia,
  type SimMessage,
  type SimMessageStatus,
  statusFields,
} from './message.ts';
import {
  isWhatsApp,
  numberOf,
  readMessageForm,
  type SimMessageOrder,
  type SimSenders,
} from './message-form.ts';
import { listByUri, within } from './paging.ts';
import { newSid, type SimOwner, uriOf } from './resource.ts';
import type { SimRoute, SimRouted } from './router.ts';

/** When a message that was accepted is sent and delivered, ms after it was; `manual`: only on command. */
export type SimMessagePace = 'manual' | { readonly sentMs: number; readonly deliveredMs: number };

export interface SimMessagesOptions extends SimOwner {
  readonly callbacks: SimCallbacks;
  readonly senders: SimSenders;
  readonly pace: SimMessagePace;
  /** The number that a messaging service sends from. */
  readonly serviceNumber: () => string;
  /** Where messages to a number of the account are told. */
  readonly webhookOf: (number: string) => string | undefined;
}

/** A message before it has come in. `from` and `to` are `whatsapp:+…` for WhatsApp. */
export interface SimInbound {
  readonly from: string;
  readonly to: string;
  readonly body: string;
  readonly mediaUrls?: readonly string[];
  /** Where it is told; the number's own webhook unless given. */
  readonly url?: string;
  /** Fields beside those that are made from the rest, such as ProfileName. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** After its last message a WhatsApp user may be sent free text for so long, ms. */
const windowMs = 24 * 3_600_000;
const stopWords = /^(STOP|STOPALL|UNSUBSCRIBE|CANCEL|END|QUIT)$/;
const startWords = /^(START|YES|UNSTOP)$/;

/** The account's messages, both ways, with what becomes of them. */
export class SimMessages {
  /** Oldest first. */
  readonly all: SimMessage[] = [];
  readonly #options: SimMessagesOptions;
  readonly #refusals = new Map<string, SimErrorCode>();
  readonly #fates = new Map<string, SimDeliveryError>();
  readonly #heardFrom = new Map<string, number>();
  readonly #timers = new Set<Timer>();

  constructor(options: SimMessagesOptions) {
    this.#options = options;
  }

  get routes(): readonly SimRoute[] {
    const base = '/2010-04-01/Accounts/{account}/Messages';
    return [
      ['POST', `${base}.json`, ({ form }) => this.#create(form)],
      ['GET', `${base}.json`, request => this.#list(request)],
      ['GET', `${base}/{sid}.json`, ({ at }) => this.#fetch(at['sid'])],
      ['GET', `${base}/{sid}/Media.json`, request => this.#media(request)],
      ['GET', `${base}/{sid}/Media/{media}.json`, ({ at }) => this.#medium(at['sid'], at['media'])],
      ['GET', `${base}/{sid}/Media/{media}`, ({ at }) => this.#file(at['sid'], at['media'])],
    ];
  }

  /** From now on messages to that number are refused with `code`; undefined takes that back. */
  refuse(to: string, code: SimErrorCode | undefined): void {
    if (code === undefined) this.#refusals.delete(to);
    else this.#refusals.set(to, code);
  }

  /** From now on messages to that number are accepted, sent, and not delivered; undefined takes that back. */
  doom(to: string, error: SimDeliveryError | undefined): void {
    if (error === undefined) this.#fates.delete(to);
    else this.#fates.set(to, error);
  }

  /** From now on a message costs that; null: it is not told yet what it costs. */
  charge(sid: string, charge: SimCharge | null): void {
    const message = this.find(sid);
    if (message === undefined) throw new Error(`There is no message ${sid}`);
    message.charge = charge;
  }

  find(sid: string | undefined): SimMessage | undefined {
    return this.all.find(message => message.sid === sid);
  }

  /** Puts a message into a status and tells its callback; settles with what the bridge answered. */
  async move(
    sid: string,
    status: SimMessageStatus,
    error?: SimDeliveryError,
  ): Promise<SimCallback | undefined> {
    const message = this.find(sid);
    if (message === undefined) throw new Error(`There is no message ${sid}`);
    const now = this.#options.clock.wall();
    message.status = status;
    message.error = error;
    message.updated = now;
    message.from ??= this.#options.serviceNumber();
    if (status !== 'accepted' && status !== 'queued') message.sent ??= now;
    if (message.statusCallback === undefined) return undefined;
    return this.#options.callbacks.post(message.statusCallback, statusFields(message));
  }

  /** A message from outside comes in and is told to the webhook of the number; settles with the answer. */
  async receive(inbound: SimInbound): Promise<SimCallback | undefined> {
    const { from, to, body, mediaUrls = [] } = inbound;
    const message = this.#keep({ from, to, body, mediaUrls }, 'inbound', 'received');
    message.sent = message.created;
    if (isWhatsApp(from)) this.#heardFrom.set(from, message.created);
    const word = body.trim().toUpperCase();
    if (stopWords.test(word)) this.refuse(from, 21610);
    if (startWords.test(word)) this.refuse(from, undefined);
    const url = inbound.url ?? this.#options.webhookOf(numberOf(to));
    if (url === undefined) return undefined;
    return this.#options.callbacks.post(url, { ...inboundFields(message), ...inbound.fields });
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #create(form: URLSearchParams): SimAnswer {
    const order = readMessageForm(form, this.#options.senders);
    if ('status' in order) return order;
    const refused = this.#refusals.get(order.to) ?? this.#refusals.get(numberOf(order.to));
    if (refused !== undefined) return simError(refused, order.to);
    const message = this.#keep(
      order,
      'outbound-api',
      order.messagingServiceSid === null ? 'queued' : 'accepted',
    );
    this.#follow(message, isWhatsApp(order.to) && !order.isTemplate && !this.#isWindowOpen(order.to));
    return { status: 201, body: messageResource(message) };
  }

  /** What becomes of a message by itself: sent, then delivered or not. */
  #follow(message: SimMessage, isOutsideWindow: boolean): void {
    const { pace } = this.#options;
    if (pace === 'manual') return;
    this.#later(pace.sentMs, () => {
      if (message.status !== 'queued' && message.status !== 'accepted') return;
      if (isOutsideWindow) void this.move(message.sid, 'failed', 63016);
      else void this.move(message.sid, 'sent');
    });
    this.#later(pace.deliveredMs, () => {
      if (message.status !== 'sent') return;
      const error = this.#fates.get(message.to) ?? this.#fates.get(numberOf(message.to));
      void this.move(message.sid, error === undefined ? 'delivered' : 'undelivered', error);
    });
  }

  #isWindowOpen(to: string): boolean {
    const heard = this.#heardFrom.get(to);
    return heard !== undefined && this.#options.clock.wall() - heard < windowMs;
  }

  #later(ms: number, fire: () => void): void {
    const timer = this.#options.clock.timer(ms, () => {
      this.#timers.delete(timer);
      fire();
    });
    this.#timers.add(timer);
  }

  #keep(
    parts: Pick<SimMessageOrder, 'to' | 'from' | 'body' | 'mediaUrls'> & Partial<SimMessageOrder>,
    direction: SimMessage['direction'],
    status: SimMessageStatus,
  ): SimMessage {
    const now = this.#options.clock.wall();
    const sid = newSid(parts.mediaUrls.length > 0 ? 'MM' : 'SM');
    const message: SimMessage = {
      sid,
      accountSid: this.#options.accountSid,
      direction,
      to: parts.to,
      from: parts.from,
      body: parts.body,
      messagingServiceSid: parts.messagingServiceSid ?? null,
      statusCallback: parts.statusCallback,
      media: parts.mediaUrls.map(() => this.#newMedium(sid)),
      created: now,
      updated: now,
      sent: undefined,
      status,
      error: undefined,
      charge: undefined,
    };
    this.all.push(message);
    return message;
  }

  #newMedium(messageSid: string): SimMedia {
    const sid = newSid('ME');
    const path = uriOf(this.#options.accountSid, `Messages/${messageSid}/Media/${sid}`);
    return { sid, type: 'image/png', url: `https://api.twilio.com${path.replace(/\.json$/, '')}` };
  }

  #list({ query, path }: SimRouted): SimAnswer {
    const to = query.get('To');
    const from = query.get('From');
    const found = this.all.filter(
      message =>
        (to === null || message.to === to) &&
        (from === null || message.from === from) &&
        within(query, 'DateSent', message.sent),
    );
    return listByUri('messages', found.reverse().map(messageResource), path, query);
  }

  #fetch(sid: string | undefined): SimAnswer {
    const message = this.find(sid);
    if (message === undefined) return simError(20404, `Messages/${sid}`);
    return { status: 200, body: messageResource(message) };
  }

  #media({ at, query, path }: SimRouted): SimAnswer {
    const message = this.find(at['sid']);
    if (message === undefined) return simError(20404, path);
    const items = message.media.map(medium => mediumResource(message, medium));
    return listByUri('media_list', items, path, query);
  }

  #medium(sid: string | undefined, media: string | undefined): SimAnswer {
    const message = this.find(sid);
    const medium = message?.media.find(each => each.sid === media);
    if (message === undefined || medium === undefined) return simError(20404, `Media/${media}`);
    return { status: 200, body: mediumResource(message, medium) };
  }

  #file(sid: string | undefined, media: string | undefined): SimAnswer {
    const medium = this.find(sid)?.media.find(each => each.sid === media);
    if (medium === undefined) return simError(20404, `Media/${media}`);
    return { status: 200, body: undefined, file: { type: medium.type, bytes: picture } };
  }
}
