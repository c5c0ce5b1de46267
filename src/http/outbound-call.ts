import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type ClientData, readClientData } from '../agent/elevenlabs/protocol/client-data.ts';
import type { Failure, Result } from '../core/errors.ts';
import { refuse, refuseInvalid, uncached } from './refusal.ts';

/** A call that somebody is to get from a number of ours. */
export interface OutboundCallWish {
  /** Id of the number that calls. */
  readonly numberId: string;
  readonly agentId: string;
  /** As people write it; without its country of that of the number. */
  readonly to: string;
  readonly ringSeconds?: number;
  readonly clientData?: ClientData;
}

/** A call that is on its way; how it ends is in its record. */
export interface OutboundCallBegun {
  /** What its record is found by. */
  readonly conversationId: string;
  readonly sipCallId: string;
}

/**
 * Places calls; `by` holds the API key. A failure with the code `not-found`, `configured` or `no-trunk` is of the number that is to call; any other is a
 * call that was not placed, and says why.
 */
export interface OutboundCallDesk {
  call(wish: OutboundCallWish, by: string): Promise<Result<OutboundCallBegun>>;
}

/** As at ElevenLabs; what means nothing on a trunk is taken and left alone. */
const body = z.object({
  agent_id: z.string().regex(/^[\w-]{1,128}$/),
  agent_phone_number_id: z.string().min(1).max(64),
  to_number: z.string().min(1).max(64),
  conversation_initiation_client_data: z.record(z.string(), z.unknown()).nullish(),
  telephony_call_config: z
    .object({ ringing_timeout_secs: z.number().int().min(1).max(999).optional() })
    .nullish(),
});
const shape =
  'Send {"agent_id", "agent_phone_number_id", "to_number"}, and conversation_initiation_client_data, telephony_call_config (ringing_timeout_secs, 1 to 999).';

/** HTTP statuses of what is wrong with the number that is to call. */
const ofNumber: Readonly<Record<string, number>> = { 'not-found': 404, configured: 409, 'no-trunk': 409 };

/**
 * `POST /v1/convai/sip-trunk/outbound-call` in ElevenLabs' own shape: somebody is called from an imported number, over its trunk.
 * `success` says that the call is on its way, as there.
 */
export function outboundCallRoute(app: FastifyInstance, desk: OutboundCallDesk): void {
  app.post(
    '/v1/convai/sip-trunk/outbound-call',
    { config: { role: 'operator' as const } },
    async (request, reply) => {
      uncached(reply);
      const order = body.safeParse(request.body);
      if (!order.success) return refuseInvalid(reply, 'invalid_body', shape, order.error);
      const { agent_id: agentId, agent_phone_number_id: numberId, to_number: to } = order.data;
      const given = order.data.conversation_initiation_client_data ?? undefined;
      const data = given === undefined ? undefined : readClientData(given);
      if (data?.ok === false) {
        const message = `conversation_initiation_client_data cannot be used: ${data.failure.join('; ')}.`;
        return refuse(reply, 422, 'invalid_body', message);
      }
      const ringSeconds = order.data.telephony_call_config?.ringing_timeout_secs;
      const wish = {
        ...{ agentId, numberId, to },
        ...(data === undefined ? {} : { clientData: data.value }),
        ...(ringSeconds === undefined ? {} : { ringSeconds }),
      };
      const begun = await desk.call(wish, request.keyHolder?.name ?? '');
      if (!begun.ok) return refused(begun.failure);
      const { conversationId, sipCallId } = begun.value;
      const message = 'The call is on its way.';
      return { success: true, message, conversation_id: conversationId, sip_call_id: sipCallId };

      function refused({ code, message: why }: Failure) {
        const status = ofNumber[code];
        if (status !== undefined) return refuse(reply, status, code.replaceAll('-', '_'), why);
        return { success: false, message: `${why} (${code})`, conversation_id: null, sip_call_id: null };
      }
    },
  );
}
