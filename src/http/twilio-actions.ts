import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';

/** What came of an action. */
export type ActionOutcome =
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
  | {
      readonly ok: false;
      readonly status: string;
      readonly message: string;
      readonly errorCode?: number;
      readonly retryAfterSeconds?: number;
    };

/** Does what the operator's programs ask of the Twilio account. Never rejects. */
export interface TwilioActions {
  run(name: string, given: unknown, by: string): Promise<ActionOutcome>;
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
  throttled: 429,
  unavailable: 502,
  store_unavailable: 503,
};

/**
 * `POST /v1/twilio/actions` with `{"action": "sendSMS", "arguments": {…}}`: for the operator's own programs, never for agents.
 */
export function twilioActionRoutes(app: FastifyInstance, actions: TwilioActions): void {
  app.post('/v1/twilio/actions', { config: { role: 'operator' } }, async (request, reply) => {
    reply.header('cache-control', 'no-store');
    const body = order.safeParse(request.body);
    if (!body.success) {
      const shape = 'Send {"action": "sendSMS", "arguments": {…}}.';
      return reply.code(422).send({ detail: { status: 'invalid_body', message: shape } });
    }
    const { action, arguments: given } = body.data;
    const outcome = await actions.run(action, given, request.keyHolder?.name ?? '');
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
