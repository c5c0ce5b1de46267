import type { FastifyInstance, FastifyReply } from 'fastify';

/** One SIP message of a call, masked. */
export interface SipMessageEntry {
  readonly direction: 'in' | 'out';
  readonly transport: string;
  readonly localAddress: string;
  readonly remoteAddress: string;
  /** ms since the Unix epoch. */
  readonly at: number;
  readonly text: string;
  /** A plain sentence when the message tells of a failure; else empty. */
  readonly error: string;
}

/** The SIP messages of one call. */
export interface SipMessagesOfCall {
  readonly sipCallId: string;
  readonly phoneNumbers: readonly string[];
  readonly messages: readonly SipMessageEntry[];
  /** All of it as text, for a person. */
  text(): string;
}

/** Finds a call by its conversation or by one of our names of it. */
export type FindSipMessages = (id: string) => SipMessagesOfCall | undefined;

/** Most messages of one answer. */
const largestPage = 20;

/**
 * `GET /v1/convai/conversations/{id}/sip-messages` in ElevenLabs' shape; with `Accept: text/plain` as a ladder. Numbers,
 * keys and credentials are masked for every role: the messages are not kept otherwise.
 */
export function sipMessagesRoute(app: FastifyInstance, find: FindSipMessages): void {
  app.get<{ Params: { id: string }; Querystring: { page_size?: string; cursor?: string } }>(
    '/v1/convai/conversations/:id/sip-messages',
    { config: { role: 'read' } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const call = find(request.params.id);
      if (call === undefined)
        return refuse(reply, 404, 'not_found', 'No SIP messages are kept of such a call.');
      if (wantsText(request.headers.accept)) {
        return reply.type('text/plain; charset=utf-8').send(call.text());
      }
      const size = wholeNumber(request.query.page_size, largestPage, 1, largestPage);
      const from = wholeNumber(request.query.cursor, 0, 0, Number.MAX_SAFE_INTEGER);
      if (size === undefined || from === undefined) {
        return refuse(reply, 422, 'invalid_page', `page_size is 1 to ${largestPage}, cursor what was given.`);
      }
      return page(call, from, size);
    },
  );
}

function page(call: SipMessagesOfCall, from: number, size: number) {
  const behind = from + size;
  const more = behind < call.messages.length;
  return {
    sip_messages: call.messages.slice(from, behind).map(message => ({
      call_id: call.sipCallId,
      phone_numbers: call.phoneNumbers,
      local_address: message.localAddress,
      remote_address: message.remoteAddress,
      transport: message.transport,
      raw_message: message.text,
      error_message: message.error,
      direction: message.direction,
      created_at_unix_micro: Math.round(message.at * 1000),
    })),
    next_cursor: more ? String(behind) : null,
    has_more: more,
  };
}

const wantsText = (accept = ''): boolean =>
  accept.split(',').some(type => type.trim().startsWith('text/plain'));

function wholeNumber(text: string | undefined, otherwise: number, least: number, most: number) {
  if (text === undefined || text === '') return otherwise;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return number >= least && number <= most ? number : undefined;
}

function refuse(reply: FastifyReply, code: number, status: string, message: string) {
  return reply.code(code).send({ detail: { status, message } });
}
