import type { FastifyInstance } from 'fastify';
import type { Logger } from '../core/logger.ts';
import type { CallArchive } from '../store/store.ts';
import { readConversationQuery } from './conversation-query.ts';
import { conversationOf, summaryOf } from './conversation-shape.ts';
import { mayDo } from './keys.ts';
import { refuse } from './refusal.ts';
import { whileStoreUp } from './store-answer.ts';

/**
 * `GET /v1/convai/conversations` and `/{id}` in ElevenLabs' shapes, and `DELETE`. Full numbers and what was said are given
 * to keys with the role `pii` alone.
 */
export function conversationRoutes(app: FastifyInstance, archive: CallArchive, log: Logger): void {
  app.get('/v1/convai/conversations', { config: { role: 'read' } }, async (request, reply) => {
    reply.header('cache-control', 'no-store');
    const query = readConversationQuery(request.query);
    if (!query.ok) return refuse(reply, 422, 'invalid_query', query.problems.join('; '));
    return whileStoreUp(reply, log, async () => {
      const { calls, next } = await archive.list(query.filter, query.page);
      return {
        conversations: calls.map(summaryOf),
        next_cursor: next ?? null,
        has_more: next !== undefined,
      };
    });
  });
  const one = '/v1/convai/conversations/:id';
  app.get<Named>(one, { config: { role: 'read' } }, async (request, reply) => {
    return whileStoreUp(reply, log, async () => {
      const record = await archive.find(request.params.id);
      if (record === undefined) return refuse(reply, 404, ...unknown);
      const holder = request.keyHolder;
      const whole = holder !== undefined && mayDo(holder.role, 'pii');
      return conversationOf(record, whole ? await archive.secret(record.key) : undefined);
    });
  });
  app.delete<Named>(one, { config: { role: 'operator' } }, async (request, reply) =>
    whileStoreUp(reply, log, async () => {
      const outcome = await archive.delete(request.params.id);
      if (outcome === 'not-found') return refuse(reply, 404, ...unknown);
      if (outcome === 'running') {
        return refuse(
          reply,
          409,
          'conversation_in_progress',
          'The call is still up: delete it once it is over.',
        );
      }
      log.info('record deleted', { by: request.keyHolder?.name });
      return {};
    }),
  );
}

type Named = { Params: { id: string } };

const unknown = ['not_found', 'No record is kept of such a call.'] as const;
