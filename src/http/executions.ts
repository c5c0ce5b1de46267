import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { amountOf } from '../core/money.ts';
import { callerTiers } from '../core/tool-facts.ts';
import type { Execution, Executions } from '../store/sends.ts';
import { defined, nextOf, pageOf, pageQuery, problemsOf } from './page-query.ts';
import { refuse } from './refusal.ts';
import { whileStoreUp } from './store-answer.ts';

const dayMs = 86_400_000;
const usualDays = 7;
const mostDays = 30;

const seconds = z.coerce
  .number()
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER / 1000);
const query = z.strictObject({
  ...pageQuery,
  tool: z.string().max(64).optional(),
  status: z.string().max(64).optional(),
  call: z.string().max(128).optional(),
  agent_id: z.string().max(128).optional(),
  tier: z.enum(callerTiers).optional(),
  from_unix: seconds.optional(),
  to_unix: seconds.optional(),
});

/** `GET /v1/twilio/executions`: the runs of all tools, newest first; of the last 7 days, of 30 at most. */
export function executionRoute(
  app: FastifyInstance,
  executions: Executions,
  clock: Clock,
  log: Logger,
): void {
  app.get('/v1/twilio/executions', { config: { role: 'read' } }, async (request, reply) => {
    const wish = query.safeParse(request.query);
    if (!wish.success) return refuse(reply, 422, 'invalid_query', problemsOf(wish.error));
    const { tool, status, call, agent_id: agentId, tier, from_unix: begin, to_unix: end } = wish.data;
    const now = clock.wall();
    const to = end === undefined ? now : end * 1_000;
    const from =
      begin === undefined ? Math.max(to - usualDays * dayMs, now - mostDays * dayMs) : begin * 1_000;
    if (from < now - mostDays * dayMs - dayMs) {
      const message = `Runs of the last ${mostDays} days are listed: from_unix is before that.`;
      return refuse(reply, 422, 'invalid_query', message);
    }
    return whileStoreUp(reply, log, async () => {
      const filter = {
        ...defined({ tool, status, call, agentId, tier }),
        from: Math.round(from),
        to: Math.round(to),
      };
      const page = await executions.list(filter, pageOf(wish.data));
      return { executions: page.executions.map(shapeOf), ...nextOf(page.next) };
    });
  });
}

function shapeOf({ at, ms, agentId, isError, requestId, cost, costKnown, gate, ...run }: Execution) {
  return {
    at: new Date(at).toISOString(),
    call: run.call === '' ? null : run.call,
    agent_id: agentId === '' ? null : agentId,
    tier: run.tier ?? null,
    tool: run.tool,
    action: run.action ?? null,
    arguments: run.arguments,
    gates: run.gates ?? (gate === undefined ? [] : [{ gate, decision: null }]),
    status: run.status,
    is_error: isError,
    ms,
    request_id: requestId ?? null,
    cost:
      cost === undefined
        ? null
        : { amount: amountOf(cost.micros), currency: cost.currency, estimated: costKnown !== true },
  };
}
