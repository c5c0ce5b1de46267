import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { type ClientData, readClientData } from '../agent/elevenlabs/protocol/client-data.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import { idempotencyKey, wrongIdempotencyKey } from './idempotency-key.ts';
import { refuse, refuseInvalid, uncached } from './refusal.ts';

/** A call that somebody is to get from a number of ours. */
export interface OutboundCallWish {
  /** Id of the number that calls. */
  readonly numberId: string;
  readonly agentId: string;
  /** As people write it; without its country of that of the number. */
  readonly to: string;
  readonly ringSeconds?: number;
  /** What the conversation begins with; as it came, and as it was read. */
  readonly clientData?: { readonly given: Readonly<Record<string, unknown>>; readonly read: ClientData };
  /** Twilio records the call; means nothing over a trunk. */
  readonly record?: true;
}

/** Who asks, and under which key of theirs, where they want it done once. */
export interface OutboundCallAsker {
  /** Who holds the API key. */
  readonly by: string;
  readonly key?: string;
}

/** A call that is on its way; how it ends is in its record. */
export interface OutboundCallBegun {
  /** What its record is found by; undefined where it is not known any more. */
  readonly conversationId: string | undefined;
  /** The SIP Call-ID, or Twilio's id of the call (CA…). */
  readonly callId: string;
  /** It was placed when it was asked for before, under the same key. */
  readonly replayed?: boolean;
}

export interface OutboundCallRefusal {
  readonly code: string;
  readonly message: string;
  readonly retryAfterSeconds?: number;
}

/**
 * Places calls. A failure whose code is among `wrongStatuses` is of what was asked for, or of a setting; any other is a call that
 * was not placed, and says why.
 */
export interface OutboundCallDesk {
  call(
    wish: OutboundCallWish,
    asker: OutboundCallAsker,
  ): Promise<Result<OutboundCallBegun, OutboundCallRefusal>>;
}

/** The two ways out: over the trunk of a number, and over Twilio's own API. */
export interface OutboundCallDesks {
  readonly sipTrunk: OutboundCallDesk;
  readonly twilio: OutboundCallDesk;
}

/** As at ElevenLabs; what means nothing on a way is taken and left alone. */
const body = z.object({
  agent_id: z.string().regex(/^[\w-]{1,128}$/),
  agent_phone_number_id: z.string().min(1).max(64),
  to_number: z.string().min(1).max(64),
  conversation_initiation_client_data: z.record(z.string(), z.unknown()).nullish(),
  call_recording_enabled: z.boolean().nullish(),
  telephony_call_config: z
    .object({
      ringing_timeout_secs: z.number().int().min(1).max(999).optional(),
      twilio_call_recording_enabled: z.boolean().optional(),
    })
    .nullish(),
});
const shape =
  'Send {"agent_id", "agent_phone_number_id", "to_number"}, and conversation_initiation_client_data, telephony_call_config (ringing_timeout_secs, 1 to 999).';

/** HTTP statuses of what is wrong with what was asked for. */
const wrongStatuses: Readonly<Record<string, number>> = {
  'not-found': 404,
  configured: 409,
  'no-trunk': 409,
  'not-sip-trunk': 409,
  'not-twilio': 409,
  'other-account': 409,
  'not-configured': 409,
  'in-progress': 409,
  'invalid-number': 422,
  'invalid-arguments': 422,
  'idempotency-key-reused': 422,
  'too-many-keys': 429,
  'store-unavailable': 503,
};

/**
 * `POST /v1/convai/sip-trunk/outbound-call` and `POST /v1/convai/twilio/outbound-call` in ElevenLabs' own shape: somebody is called
 * from an imported number. `success` says that the call is on its way, as there.
 */
export function outboundCallRoutes(app: FastifyInstance, { sipTrunk, twilio }: OutboundCallDesks): void {
  callRoute(app, '/v1/convai/sip-trunk/outbound-call', 'sip_call_id', sipTrunk);
  callRoute(app, '/v1/convai/twilio/outbound-call', 'callSid', twilio);
}

function callRoute(
  app: FastifyInstance,
  path: string,
  idName: 'sip_call_id' | 'callSid',
  desk: OutboundCallDesk,
): void {
  app.post(path, { config: { role: 'operator' as const } }, async (request, reply) => {
    uncached(reply);
    const order = body.safeParse(request.body);
    if (!order.success) return refuseInvalid(reply, 'invalid_body', shape, order.error);
    const wish = wishOf(order.data);
    if (!wish.ok) return refuse(reply, 422, 'invalid_body', wish.failure);
    const key = idempotencyKey(request.headers['idempotency-key']);
    if (key === false) return refuse(reply, 422, 'invalid_idempotency_key', wrongIdempotencyKey);
    const asker = { by: request.keyHolder?.name ?? '', ...(key === undefined ? {} : { key }) };
    const begun = await desk.call(wish.value, asker);
    if (!begun.ok) return refused(reply, idName, begun.failure);
    const { conversationId, callId, replayed } = begun.value;
    if (replayed === true) reply.header('idempotent-replayed', 'true');
    return {
      ...{ success: true, message: 'The call is on its way.' },
      ...{ conversation_id: conversationId ?? null, [idName]: callId },
    };
  });
}

function wishOf(order: z.infer<typeof body>): Result<OutboundCallWish, string> {
  const given = order.conversation_initiation_client_data ?? undefined;
  const data = given === undefined ? undefined : readClientData(given);
  if (data?.ok === false)
    return fail(`conversation_initiation_client_data cannot be used: ${data.failure.join('; ')}.`);
  const { ringing_timeout_secs: ringSeconds, twilio_call_recording_enabled: recording } =
    order.telephony_call_config ?? {};
  return ok({
    ...{ agentId: order.agent_id, numberId: order.agent_phone_number_id, to: order.to_number },
    ...(given === undefined || data === undefined ? {} : { clientData: { given, read: data.value } }),
    ...(ringSeconds === undefined ? {} : { ringSeconds }),
    ...(order.call_recording_enabled === true || recording === true ? { record: true } : {}),
  });
}

function refused(
  reply: FastifyReply,
  idName: string,
  { code, message, retryAfterSeconds }: OutboundCallRefusal,
) {
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  const status = wrongStatuses[code];
  if (status !== undefined) return refuse(reply, status, code.replaceAll('-', '_'), message);
  return { success: false, message: `${message} (${code})`, conversation_id: null, [idName]: null };
}
