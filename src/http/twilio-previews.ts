import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { toE164 } from '../core/e164.ts';
import type { Failure, Result } from '../core/errors.ts';
import { maskNumber } from '../core/mask.ts';
import { mayDo } from './keys.ts';
import { refuse, refuseInvalid, uncached } from './refusal.ts';

interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}
interface PageWish {
  readonly size: number;
  readonly cursor?: string | undefined;
}
interface SeenNumber {
  readonly sid: string;
  readonly number: string;
  readonly name: string | undefined;
  readonly capabilities: Readonly<Record<'voice' | 'sms' | 'mms', boolean>>;
  readonly onTrunk: boolean;
}
interface SeenMessage {
  readonly sid: string;
  readonly status: string;
  readonly direction: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly errorCode: number | undefined;
  readonly segments: number | undefined;
  readonly media: number | undefined;
  readonly price: number | undefined;
  readonly priceUnit: string | undefined;
  readonly createdAt: string | undefined;
  readonly sentAt: string | undefined;
}

/** Looks at what the Twilio account has. */
export interface TwilioLooks {
  numbers(wish: PageWish): Promise<Result<Page<SeenNumber>>>;
  messages(
    filter: {
      readonly to?: string | undefined;
      readonly from?: string | undefined;
      readonly sentAfter?: Date | undefined;
      readonly sentBefore?: Date | undefined;
    },
    wish: PageWish,
  ): Promise<Result<Page<SeenMessage>>>;
}

/** Items of one page: unless asked for, and at most. */
const pageSize = { usual: 20, most: 100 } as const;

const paging = {
  limit: z.coerce.number().int().min(1).max(pageSize.most).optional(),
  cursor: z.string().max(512).optional(),
};
const party = z
  .string()
  .max(80)
  .transform((given, context) => {
    const [, channel = '', number = ''] = /^(whatsapp:)?(.*)$/i.exec(given) ?? [];
    const parsed = toE164(number);
    if (parsed.ok) return `${channel.toLowerCase()}${parsed.value}`;
    context.addIssue({ code: 'custom', message: parsed.failure.message });
    return z.NEVER;
  })
  .optional();
const day = z
  .string()
  .refine(given => !Number.isNaN(Date.parse(given)))
  .transform(given => new Date(given))
  .optional();
const known = (names: string) => `There are ${names}, with limit up to ${pageSize.most}.`;
const numberQuery = z.strictObject(paging);
const messageQuery = z.strictObject({
  ...{ ...paging, to: party, from: party },
  ...{ date_sent_after: day, date_sent_before: day },
});

/**
 * `GET /v1/twilio/phone-numbers` and `GET /v1/twilio/messages`: what the account has, as Twilio says at this moment, page by
 * page. What messages say is not shown; numbers are whole for those who may see them.
 */
export function twilioPreviewRoutes(app: FastifyInstance, looks: TwilioLooks): void {
  const reader = { config: { role: 'read' as const } };
  app.get('/v1/twilio/phone-numbers', reader, async (request, reply) => {
    const query = numberQuery.safeParse(request.query);
    if (!query.success) return refuseInvalid(reply, 'invalid_query', known('limit and cursor'), query.error);
    const { limit = pageSize.usual, cursor } = query.data;
    const page = await looks.numbers({ size: limit, cursor });
    if (!page.ok) return failed(reply, page.failure);
    return paged(reply, page.value, 'phone_numbers', ({ sid, number, name, capabilities, onTrunk }) => ({
      ...{ sid, phone_number: shown(request, number), capabilities, on_sip_trunk: onTrunk },
      // Twilio calls a number by itself until somebody gives it a name.
      name: name === undefined ? null : shown(request, name),
    }));
  });
  app.get('/v1/twilio/messages', reader, async (request, reply) => {
    const query = messageQuery.safeParse(request.query);
    if (!query.success)
      return refuseInvalid(
        reply,
        'invalid_query',
        known('limit, cursor, to, from, date_sent_after and date_sent_before'),
        query.error,
      );
    const { limit = pageSize.usual, cursor, to, from, date_sent_after, date_sent_before } = query.data;
    const filter = { to, from, sentAfter: date_sent_after, sentBefore: date_sent_before };
    const page = await looks.messages(filter, { size: limit, cursor });
    if (!page.ok) return failed(reply, page.failure);
    return paged(reply, page.value, 'messages', message => ({
      ...{ sid: message.sid, status: message.status, direction: message.direction },
      from: message.from === undefined ? null : shown(request, message.from),
      to: message.to === undefined ? null : shown(request, message.to),
      ...{ error_code: message.errorCode ?? null, segments: message.segments ?? null },
      ...{ media: message.media ?? null, price: message.price ?? null },
      ...{ price_unit: message.priceUnit ?? null, created_at: message.createdAt ?? null },
      sent_at: message.sentAt ?? null,
    }));
  });
}

function paged<T, S>(reply: FastifyReply, { items, next }: Page<T>, name: string, show: (item: T) => S) {
  uncached(reply);
  return { [name]: items.map(show), has_more: next !== undefined, next_cursor: next ?? null };
}

/** A number is masked for who may not see it, with `whatsapp:` in front of it or without; a name is left. */
function shown(request: FastifyRequest, text: string): string {
  if (mayDo(request.keyHolder?.role ?? 'read', 'pii')) return text;
  const [, channel = '', rest = text] = /^(\w+:)?(.*)$/s.exec(text) ?? [];
  return /\d{4}/.test(rest.replace(/[\s().-]/g, '')) ? `${channel}${maskNumber(rest)}` : text;
}

const statuses: Readonly<Record<string, number>> = {
  'twilio-disconnected': 409,
  'twilio-credentials': 409,
  'twilio-timeout': 504,
  cursor: 422,
};

function failed(reply: FastifyReply, { code, message }: Failure) {
  return refuse(reply, statuses[code] ?? 502, code.replaceAll('-', '_'), message);
}
