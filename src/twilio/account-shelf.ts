import { z } from 'zod';
import type { Logger } from '../core/logger.ts';
import type { DocumentAuthor, Documents } from '../store/document.ts';
import type { TwilioSenders } from './connection.ts';
import type { TwilioAccount } from './credentials.ts';
import { DocumentShelf } from './document-shelf.ts';

/** What somebody said over the API of the connection. */
export type GivenConnection =
  | { readonly state: 'connected'; readonly account?: TwilioAccount; readonly senders: TwilioSenders }
  /** Whatever is configured. */
  | { readonly state: 'disconnected' }
  /** It was sealed with a key that is not here. */
  | { readonly state: 'unreadable' };

const sid = z.string();
const credentials = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('key'),
    keySid: sid,
    keySecret: z.string(),
    authToken: z.string().exactOptional(),
  }),
  z.object({ kind: z.literal('token'), authToken: z.string() }),
]);
const senders = z.object({
  phoneNumber: z.string().exactOptional(),
  whatsAppNumber: z.string().exactOptional(),
  messagingServiceSid: sid.exactOptional(),
  verifyServiceSid: sid.exactOptional(),
});
const shape = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('connected'),
    account: z.object({ accountSid: sid, credentials }).exactOptional(),
    senders,
  }),
  z.object({ state: z.literal('disconnected') }),
]);

const id = 'current';

/** What was given over the API, as the store has it: the same on every node as soon as it has looked. */
export class AccountShelf {
  readonly #shelf: DocumentShelf<GivenConnection>;

  constructor(documents: Documents, log: Logger) {
    this.#shelf = new DocumentShelf({ kind: 'twilio-connection', documents, log, read: givenConnection });
  }

  /** Undefined: nobody said anything over the API, or the store has not been read yet. */
  get given(): GivenConnection | undefined {
    return this.#shelf.all.get(id);
  }

  /** Looks whether somebody changed it. While the store is down what was known holds. */
  async refresh(): Promise<void> {
    await this.#shelf.refresh();
  }

  /** Undefined forgets what was given: the configuration holds again. Rejects when the store is down. */
  async put(
    given: Exclude<GivenConnection, { state: 'unreadable' }> | undefined,
    author: DocumentAuthor,
    what: string,
  ): Promise<void> {
    const change = { ...author, what };
    if (given === undefined) await this.#shelf.remove(id, change);
    else await this.#shelf.put({ id, name: id, text: JSON.stringify(given) }, change);
  }
}

/** What a document says; the text is undefined where no key opens it. */
export function givenConnection(text: string | undefined): GivenConnection {
  try {
    return shape.parse(JSON.parse(text ?? ''));
  } catch {
    return { state: 'unreadable' };
  }
}
