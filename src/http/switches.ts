import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Switches } from '../store/store.ts';

const names = ['allow_autonomous_sends', 'kill_switch'] as const;
const turn = z.strictObject({ value: z.boolean().nullable(), why: z.string().trim().min(3).max(500) });
const shownChanges = 50;

/** `GET /v1/switches`, and `PUT /v1/switches/{name}` with `{"value": true, "why": "…"}`; `null` goes back to the configuration. Of allow_autonomous_sends it tells; turned it is in `allow-sends.ts`. */
export function switchRoutes(app: FastifyInstance, switches: Switches): void {
  app.get('/v1/switches', { config: { role: 'read' } }, async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    const [now, history] = await Promise.all([switches.read(), switches.history(shownChanges)]);
    return {
      switches: Object.fromEntries(names.map(name => [name, now[name] ?? null])),
      changes: history.map(({ at, value, ...change }) => ({
        ...change,
        value: value ?? null,
        at: new Date(at).toISOString(),
      })),
    };
  });
  app.put<{ Params: { name: string } }>(
    '/v1/switches/:name',
    { config: { role: 'operator' } },
    async (request, reply) => {
      const name = names.find(known => known === request.params.name);
      if (name === undefined) return refuse(reply, 404, 'not_found', `There are ${names.join(' and ')}.`);
      if (name === 'allow_autonomous_sends') return refuse(reply, 409, 'own_action', ownAction);
      const body = turn.safeParse(request.body);
      if (!body.success) {
        const shape = 'Send {"value": true, false or null, "why": "at least three letters"}.';
        return refuse(reply, 422, 'invalid_body', shape);
      }
      const { value, why } = body.data;
      await switches.set(name, value ?? undefined, { who: request.keyHolder?.name ?? '', why });
      return { name, value };
    },
  );
}

const ownAction =
  'This one is turned by its own action alone: trunkbridge twilio allow-sends --confirm, or POST /v1/twilio/allow-sends.';

function refuse(reply: FastifyReply, code: number, status: string, message: string) {
  return reply.code(code).send({ detail: { status, message } });
}
