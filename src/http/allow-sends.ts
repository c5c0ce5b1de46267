import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Logger } from '../core/logger.ts';
import type { Switches } from '../store/store.ts';
import { refuse } from './refusal.ts';
import { whileStoreUp } from './store-answer.ts';

const name = 'allow_autonomous_sends';
const shownChanges = 50;
const wish = z
  .strictObject({
    allow: z.boolean(),
    confirm: z.boolean().optional(),
    reason: z.string().trim().min(3).max(500),
  })
  .refine(({ allow, confirm }) => !allow || confirm === true);

/**
 * `GET` and `POST /v1/twilio/allow-sends`: the one way over HTTP to let agents send on their own, or not any more. Who did it
 * and why is kept.
 */
export function allowSendsRoutes(app: FastifyInstance, switches: Switches, log: Logger): void {
  const path = '/v1/twilio/allow-sends';
  app.get(path, { config: { role: 'read' } }, async (_request, reply) =>
    whileStoreUp(reply, log, async () => {
      const [now, history] = await Promise.all([switches.read(), switches.history(shownChanges)]);
      return {
        allowed: now[name] ?? null,
        changes: history
          .filter(change => change.name === name)
          .map(({ value, who, why, at }) => ({
            allowed: value ?? null,
            by: who,
            reason: why,
            at: new Date(at).toISOString(),
          })),
      };
    }),
  );
  app.post(path, { config: { role: 'admin' } }, async (request, reply) => {
    const body = wish.safeParse(request.body);
    if (!body.success) {
      const shape =
        'Send {"allow": true, "confirm": true, "reason": "…"}, or {"allow": false, "reason": "…"}.';
      return refuse(reply, 422, 'invalid_body', shape);
    }
    const { allow, reason } = body.data;
    const who = request.keyHolder?.name ?? '';
    return whileStoreUp(reply, log, async () => {
      await switches.set(name, allow, { who, why: reason });
      log.warn(allow ? 'agents may send on their own' : 'agents may not send on their own', { by: who });
      return { allowed: allow };
    });
  });
}
