import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { ActionOutcome } from '../core/action-outcome.ts';
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

/** As the draft of the IETF has it (draft-ietf-httpapi-idempotency-key-header), in quotes, or without as most write it. */
const keyShape = /^(?:"([\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255}))$/;

/** Its key; undefined where none is given, false where what is given is none. */
function keyOf(header: string | readonly string[] | undefined): string | undefined | false {
  if (header === undefined) return undefined;
  const match = keyShape.exec(String(header).trim());
  return match === null ? false : (match[1] ?? match[2]);
}

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
    const key = keyOf(request.headers['idempotency-key']);
    if (key === false) return refuse(reply, 422, 'invalid_idempotency_key', wrongKey);
    const { action, arguments: given } = body.data;
    const outcome = await actions.run(action, given, { by: request.keyHolder?.name ?? '', key });
    if (outcome.replayed === true) reply.header('idempotent-replayed', 'true');
    return outcome.ok ? outcome.value : refused(reply, outcome);
  });
}

const wrongKey =
  'Idempotency-Key has 1 to 255 printable ASCII characters without spaces and quotes, like a UUID, and comes once.';

function refused(reply: FastifyReply, outcome: Extract<ActionOutcome, { ok: false }>) {
  const { status, message, errorCode, retryAfterSeconds } = outcome;
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  return reply.code(codes[status] ?? 422).send({
    detail: { status, message, ...(errorCode === undefined ? {} : { error_code: errorCode }) },
  });
}
