import { z } from 'zod';
import { Failure, fail, ok, type Result } from '../core/errors.ts';
import type { TwilioSdk } from './client.ts';
import type { TwilioConnection } from './connection.ts';
import { type MessageFilter, messageShape, type TwilioMessage } from './messages.ts';
import { shaped, text } from './shape.ts';

/** A part of a list, and where the next part begins; absent on the last. */
export interface PreviewPage<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

export interface PageWish {
  readonly size: number;
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
}

/** A number of the account, with what it can do and what becomes of its calls. */
export interface PreviewedNumber {
  readonly sid: string;
  readonly number: string;
  readonly name: string | undefined;
  readonly capabilities: Readonly<Record<'voice' | 'sms' | 'mms', boolean>>;
  readonly onTrunk: boolean;
}

const can = z
  .boolean()
  .nullish()
  .transform(value => value === true);
const numberShape = z
  .object({
    sid: z.string(),
    phoneNumber: z.string(),
    friendlyName: text,
    capabilities: z
      .object({ voice: can, sms: can, mms: can })
      .catch({ voice: false, sms: false, mms: false }),
    trunkSid: text,
  })
  .transform(
    ({ phoneNumber, friendlyName, trunkSid, ...rest }): PreviewedNumber => ({
      ...rest,
      number: phoneNumber,
      name: friendlyName,
      onTrunk: trunkSid !== undefined && trunkSid !== '',
    }),
  );

/** What is asked of the SDK for one page. */
interface PageOptions {
  readonly pageSize: number;
  readonly pageNumber?: number;
  readonly pageToken?: string;
}

/** Looks at what the account has, for people. */
export class TwilioPreviews {
  readonly #connection: TwilioConnection;

  constructor(connection: TwilioConnection) {
    this.#connection = connection;
  }

  numbers(wish: PageWish): Promise<Result<PreviewPage<PreviewedNumber>>> {
    return this.#page(numberShape, wish, (sdk, page) => sdk.incomingPhoneNumbers.page(page));
  }

  /** Newest first. */
  messages(
    { to, from, sentAfter, sentBefore }: MessageFilter,
    wish: PageWish,
  ): Promise<Result<PreviewPage<TwilioMessage>>> {
    const filter = {
      ...(to === undefined ? {} : { to }),
      ...(from === undefined ? {} : { from }),
      ...(sentAfter === undefined ? {} : { dateSentAfter: sentAfter }),
      ...(sentBefore === undefined ? {} : { dateSentBefore: sentBefore }),
    };
    return this.#page(messageShape, wish, (sdk, page) => sdk.messages.page({ ...filter, ...page }));
  }

  async #page<T>(
    shape: z.ZodType<T>,
    { size, cursor }: PageWish,
    ask: (
      sdk: TwilioSdk,
      page: PageOptions,
    ) => Promise<{ readonly instances: unknown[]; readonly nextPageUrl?: string | undefined }>,
  ): Promise<Result<PreviewPage<T>>> {
    const from = cursor === undefined ? {} : placeOf(cursor);
    if (from === undefined) return fail(new Failure('cursor', 'The cursor is not one that was given here.'));
    const client = this.#connection.client();
    if (!client.ok) return client;
    const page = await client.value.call(async sdk => {
      const { instances, nextPageUrl } = await ask(sdk, { pageSize: size, ...from });
      return { items: instances.map(each => shaped(shape, each)), nextPageUrl };
    });
    if (!page.ok) return page;
    const { items, nextPageUrl } = page.value;
    const next = nextPageUrl === undefined ? undefined : cursorOf(nextPageUrl);
    return ok({ items, ...(next === undefined ? {} : { next }) });
  }
}

const placeShape = z.tuple([z.int().min(0).max(100_000), z.string().max(200)]);

/** Number and token of a page; nothing of a URL, so that no cursor leads anywhere else. */
function cursorOf(nextPageUrl: string): string | undefined {
  if (!URL.canParse(nextPageUrl)) return undefined;
  const { searchParams } = new URL(nextPageUrl);
  const place = [Number(searchParams.get('Page') ?? 0), searchParams.get('PageToken') ?? ''];
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

function placeOf(cursor: string): Pick<PageOptions, 'pageNumber' | 'pageToken'> | undefined {
  try {
    const [pageNumber, pageToken] = placeShape.parse(
      JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')),
    );
    return { pageNumber, ...(pageToken === '' ? {} : { pageToken }) };
  } catch {
    return undefined;
  }
}
