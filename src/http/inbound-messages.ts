import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Logger } from '../core/logger.ts';
import type { InboundMessage, InboundMessages } from '../store/sends.ts';
import { mayDo } from './keys.ts';
import { defined, nextOf, pageOf, pageQuery, problemsOf } from './page-query.ts';
import { refuse } from './refusal.ts';
import { whileStoreUp } from './store-answer.ts';

const milliseconds = z.coerce
  .number()
  .int()
  .min(0)
  .max(10_000_000_000)
  .transform(seconds => seconds * 1_000)
  .optional();
const query = z.strictObject({
  ...pageQuery,
  channel: z.enum(['sms', 'whatsapp']).optional(),
  call: z.string().max(128).optional(),
  from_unix: milliseconds,
  to_unix: milliseconds,
});

/**
 * `GET /v1/twilio/inbound-messages`: what came in over the webhook in the last thirty days, newest first. What a message says
 * and whole numbers are shown to keys with the role `pii`.
 */
export function inboundMessageRoute(app: FastifyInstance, inbound: InboundMessages, log: Logger): void {
  app.get('/v1/twilio/inbound-messages', { config: { role: 'read' } }, async (request, reply) => {
    const wish = query.safeParse(request.query);
    if (!wish.success) return refuse(reply, 422, 'invalid_query', problemsOf(wish.error));
    const { channel, call, from_unix: from, to_unix: to } = wish.data;
    const whole = request.keyHolder !== undefined && mayDo(request.keyHolder.role, 'pii');
    return whileStoreUp(reply, log, async () => {
      const filter = defined({ channel, call, from, to });
      const { messages, next } = await inbound.list(filter, pageOf(wish.data));
      return { messages: messages.map(message => shapeOf(message, whole)), ...nextOf(next) };
    });
  });
}

function shapeOf({ sid, channel, at, call, sender, recipient, content }: InboundMessage, whole: boolean) {
  const shown = whole ? content : undefined;
  return {
    ...{ sid, channel, at: new Date(at).toISOString(), call: call ?? null },
    ...{ from: shown?.from ?? sender, to: shown?.to ?? recipient },
    ...{ text: shown?.text ?? null, media_urls: shown?.media ?? null },
  };
}
