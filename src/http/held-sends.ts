import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Result } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { HeldAuthor, HeldSend, HeldSends, HeldState } from '../store/sends.ts';
import { mayDo } from './keys.ts';
import { defined, nextOf, pageOf, pageQuery, problemsOf } from './page-query.ts';
import { refuse } from './refusal.ts';
import { whileStoreUp } from './store-answer.ts';

/** Where people decide; `tools/sending/held-desk` in a daemon. Rejects when the store is down. */
export interface HeldDesk {
  approve(
    id: string,
    author: HeldAuthor,
  ): Promise<Result<{ readonly status: string; readonly message: string }>>;
  refuse(id: string, author: HeldAuthor): Promise<Result<void>>;
}

const states = [
  ...['waiting', 'sending', 'sent', 'failed', 'unknown', 'refused', 'expired'],
] as const satisfies readonly HeldState[];

const query = z.strictObject({
  ...pageQuery,
  state: z.enum([...states, 'all']).default('waiting'),
  call: z.string().max(128).optional(),
});
const decision = z.strictObject({ why: z.string().trim().min(3).max(500) });

type Named = { Params: { id: string } };

/**
 * `GET /v1/twilio/held`, `POST /v1/twilio/held/{id}/approve` and `/refuse`. Whom a send goes to and what it says are shown to
 * keys with the role `pii`; operators have it.
 */
export function heldSendRoutes(app: FastifyInstance, held: HeldSends, desk: HeldDesk, log: Logger): void {
  app.get('/v1/twilio/held', { config: { role: 'read' } }, async (request, reply) => {
    const wish = query.safeParse(request.query);
    if (!wish.success) return refuse(reply, 422, 'invalid_query', problemsOf(wish.error));
    const { state, call } = wish.data;
    return whileStoreUp(reply, log, async () => {
      const filter = defined({ states: state === 'all' ? undefined : [state], call });
      const { held: sends, next } = await held.list(filter, pageOf(wish.data));
      const whole = request.keyHolder !== undefined && mayDo(request.keyHolder.role, 'pii');
      const shown = sends.map(async send => shapeOf(send, whole ? await held.body(send.id) : undefined));
      return { held: await Promise.all(shown), ...nextOf(next) };
    });
  });
  app.post<Named>('/v1/twilio/held/:id/approve', { config: { role: 'operator' } }, async (request, reply) => {
    const author = authorOf(request);
    if (author === undefined) return refuse(reply, 422, 'invalid_body', shape);
    return whileStoreUp(reply, log, async () => {
      const outcome = await desk.approve(request.params.id, author);
      if (!outcome.ok) return refuse(reply, ...refusalOf(outcome.failure));
      const { status, message } = outcome.value;
      return { id: request.params.id, status, message };
    });
  });
  app.post<Named>('/v1/twilio/held/:id/refuse', { config: { role: 'operator' } }, async (request, reply) => {
    const author = authorOf(request);
    if (author === undefined) return refuse(reply, 422, 'invalid_body', shape);
    return whileStoreUp(reply, log, async () => {
      const outcome = await desk.refuse(request.params.id, author);
      return outcome.ok
        ? { id: request.params.id, status: 'refused' }
        : refuse(reply, ...refusalOf(outcome.failure));
    });
  });
}

const shape = 'Send {"why": "at least three letters"}.';

function authorOf(request: FastifyRequest): HeldAuthor | undefined {
  const body = decision.safeParse(request.body);
  return body.success ? { who: request.keyHolder?.name ?? '', why: body.data.why } : undefined;
}

function refusalOf({ code, message }: { readonly code: string; readonly message: string }) {
  return [code === 'not-found' ? 404 : 409, code.replaceAll('-', '_'), message] as const;
}

function shapeOf(send: HeldSend, body: string | undefined) {
  const time = (at: number | undefined) => (at === undefined ? null : new Date(at).toISOString());
  const { to, text, media } =
    body === undefined ? {} : (JSON.parse(body) as Partial<Record<string, unknown>>);
  return {
    id: send.id,
    state: send.state,
    call: send.call,
    agent_id: send.agentId,
    tool: send.tool,
    kind: send.kind,
    recipient: to ?? send.recipient,
    findings: send.findings,
    text: text ?? null,
    media: media ?? null,
    held_at: time(send.at),
    expires_at: time(send.expiresAt),
    decided_at: time(send.decidedAt),
    decided_by: send.decidedBy ?? null,
    why: send.why ?? null,
    status: send.status ?? null,
  };
}
