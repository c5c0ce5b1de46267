import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { ActionOutcome } from '../core/action-outcome.ts';
import { idempotencyKey, wrongIdempotencyKey } from './idempotency-key.ts';
import { refuse, uncached } from './refusal.ts';

/** Does what the operator's programs ask of the Twilio account; once for each key that they give. Never rejects. */
export interface TwilioActions {
  run(
    name: string,
    given: unknown,
    asker: { readonly by: string; readonly key?: string | undefined },
  ): Promise<ActionOutcome>;
}

const order = z.strictObject({
  action: z.string().max(64),
  arguments: z.record(z.string(), z.unknown()).optional(),
});

/** HTTP statuses of what an action comes to, where it is not that the other side does not want it. */
const codes: Readonly<Record<string, number>> = {
  switched_off: 403,
  not_found: 404,
  not_configured: 409,
  opted_out: 409,
  dry_run: 409,
  in_progress: 409,
  throttled: 429,
  over_budget: 429,
  too_many_keys: 429,
  unavailable: 502,
  store_unavailable: 503,
};

/**
 * `POST /v1/twilio/actions` with `{"action": "sendSMS", "arguments": {…}}`: for the operator's own programs, never for agents.
 * With a header `Idempotency-Key` it is done once, however often it is asked.
 */
export function twilioActionRoutes(app: FastifyInstance, actions: TwilioActions): void {
  app.post('/v1/twilio/actions', { config: { role: 'operator' } }, async (request, reply) => {
    uncached(reply);
    const body = order.safeParse(request.body);
    if (!body.success)
      return refuse(reply, 422, 'invalid_body', 'Send {"action": "sendSMS", "arguments": {…}}.');
    const key = idempotencyKey(request.headers['idempotency-key']);
    if (key === false) return refuse(reply, 422, 'invalid_idempotency_key', wrongIdempotencyKey);
    const { action, arguments: given } = body.data;
    const outcome = await actions.run(action, given, { by: request.keyHolder?.name ?? '', key });
    if (outcome.replayed === true) reply.header('idempotent-replayed', 'true');
    return outcome.ok ? outcome.value : refused(reply, outcome);
  });
}

function refused(reply: FastifyReply, outcome: Extract<ActionOutcome, { ok: false }>) {
  const { status, message, errorCode, retryAfterSeconds } = outcome;
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  return reply.code(codes[status] ?? 422).send({
    detail: { status, message, ...(errorCode === undefined ? {} : { error_code: errorCode }) },
  });
}
