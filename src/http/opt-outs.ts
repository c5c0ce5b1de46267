import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Logger } from '../core/logger.ts';
import type { OptOuts } from '../store/sends.ts';
import { nextOf, pageOf, pageQuery, problemsOf } from './page-query.ts';
import { refuse } from './refusal.ts';
import { whileStoreUp } from './store-answer.ts';

const query = z.strictObject(pageQuery);
const number = z.string().regex(/^\+[1-9]\d{5,14}$/);
const added = z.strictObject({ number, sender: z.union([number, z.string().regex(/^MG[0-9a-fA-F]{32}$/)]) });

/** `GET` and `POST /v1/twilio/opt-outs`, and `DELETE /v1/twilio/opt-outs/{id}`: who wants no messages of which sender. */
export function optOutRoutes(app: FastifyInstance, optOuts: OptOuts, log: Logger): void {
  const path = '/v1/twilio/opt-outs';
  app.get(path, { config: { role: 'read' } }, async (request, reply) => {
    const wish = query.safeParse(request.query);
    if (!wish.success) return refuse(reply, 422, 'invalid_query', problemsOf(wish.error));
    return whileStoreUp(reply, log, async () => {
      const { optOuts: shown, next } = await optOuts.list(pageOf(wish.data));
      return {
        opt_outs: shown.map(({ at, ...rest }) => ({ ...rest, at: new Date(at).toISOString() })),
        ...nextOf(next),
      };
    });
  });
  app.post(path, { config: { role: 'operator' } }, async (request, reply) => {
    const body = added.safeParse(request.body);
    if (!body.success) {
      const shape =
        'Send {"number": "+14155550123", "sender": "+14155550199"}; sender may be a messaging service, MG….';
      return refuse(reply, 422, 'invalid_body', shape);
    }
    return whileStoreUp(reply, log, async () => {
      await optOuts.add(body.data, 'operator');
      log.info('opt-out added', { by: request.keyHolder?.name });
      return { status: 'added' };
    });
  });
  app.delete<{ Params: { id: string } }>(
    `${path}/:id`,
    { config: { role: 'operator' } },
    async (request, reply) =>
      whileStoreUp(reply, log, async () => {
        if (!(await optOuts.removeById(request.params.id)))
          return refuse(reply, 404, 'not_found', 'There is no opt-out of this id.');
        log.info('opt-out removed', { by: request.keyHolder?.name });
        return {};
      }),
  );
}
