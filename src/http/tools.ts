import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Logger } from '../core/logger.ts';
import { toolName } from '../core/mask.ts';
import type { ToolAnswer } from '../tools/tool.ts';
import { faultOf, type HttpFault } from './server.ts';

/** Runs a tool in the call it is meant for; `call/tool-door` in a daemon. */
export interface ToolDoor {
  run(
    name: string,
    parameters: Readonly<Record<string, unknown>>,
    token: string | undefined,
  ): Promise<
    | { readonly ran: true; readonly answer: ToolAnswer }
    | { readonly ran: false; readonly why: 'unknown-tool' | 'wrong-token' | 'call-over' | 'which-call' }
  >;
}

export interface ToolRoutesOptions {
  /** TOOLS_SECRET. */
  readonly toolsSecret: string;
  readonly door: ToolDoor;
  readonly log: Logger;
}

/** What each refusal answers: the status, and a sentence for whoever set the tool up. */
const refusals = {
  'unknown-tool': [404, 'There is no tool of this name.'],
  'wrong-token': [
    403,
    'X-Bridge-Token was not made by this bridge: it must be {{secret__bridge_token}} of the call.',
  ],
  'call-over': [409, 'The call that X-Bridge-Token is of is over.'],
  'which-call': [
    409,
    'Nothing was done: the tool does not say which call it is for. Add the header X-Bridge-Token with the variable secret__bridge_token to the tool (docs/agent-setup.md, "Three ways to the codes"), or run trunkbridge agent setup --tools bridge.',
  ],
} as const;

const howToSend = 'Send the parameters URL-encoded, or as a JSON object.';

/** Fields of a form; one that is repeated is a list. */
function formOf(body: string): Record<string, string | string[]> {
  const form = new URLSearchParams(body);
  const entries = [...new Set(form.keys())].map(name => {
    const values = form.getAll(name);
    return [name, values.length === 1 ? (values[0] ?? '') : values] as const;
  });
  return Object.fromEntries(entries);
}

const digest = (text: string) => createHash('sha256').update(text).digest();

/**
 * `POST /tools/{name}`: the webhook tools of agents that were set up by ElevenLabs' guide for Twilio Verify, and those of
 * the Twilio account. The body is URL-encoded as Twilio takes it, or JSON; the answer is the tool's, in those of the codes
 * with Verify's `status` and `valid`.
 */
export function toolRoutes(app: FastifyInstance, { toolsSecret, door, log }: ToolRoutesOptions): void {
  const expected = digest(`Bearer ${toolsSecret}`);
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, formOf(String(body))),
  );
  // Before the body: what a stranger sends is not read.
  app.addHook('onRequest', async (request, reply) => {
    if (timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) return;
    log.debug('webhook tool refused', { source: request.ip });
    reply.header('www-authenticate', 'Bearer');
    return refuse(reply, 401, 'unauthorized', 'Send Authorization: Bearer with TOOLS_SECRET.');
  });
  app.setErrorHandler(async (error: HttpFault, _request, reply) => {
    const { statusCode = 500 } = error;
    if (statusCode >= 500) throw error;
    return refuse(reply, statusCode, 'bad_request', statusCode === 415 ? howToSend : faultOf(error));
  });
  app.post<{ Params: { name: string } }>('/tools/:name', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    const { body, headers } = request;
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      return refuse(reply, 400, 'bad_request', howToSend);
    const token = headers['x-bridge-token'];
    const outcome = await door.run(
      request.params.name,
      body as Readonly<Record<string, unknown>>,
      typeof token === 'string' && token !== '' ? token : undefined,
    );
    if (outcome.ran) return answered(reply, outcome.answer);
    const [status, message] = refusals[outcome.why];
    log.warn('webhook tool not run', { tool: toolName(request.params.name), why: outcome.why });
    return refuse(reply, status, outcome.why.replaceAll('-', '_'), message);
  });
}

/** What the agent can act on is an answer; parameters that do not fit and faults are errors, as at Twilio. */
function answered(reply: FastifyReply, { result, isError, status }: ToolAnswer) {
  reply.code(isError ? (status === 'invalid_parameters' ? 400 : 500) : 200);
  return reply.type('application/json').send(result);
}

function refuse(reply: FastifyReply, code: number, status: string, message: string) {
  return reply.code(code).send({ status, valid: false, message });
}
