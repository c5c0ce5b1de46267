import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../core/logger.ts';

/** A request of Twilio's whose signature was found good. */
export interface TwilioRequest {
  /** The fields of its form; of one that came more than once the first. */
  readonly fields: ReadonlyMap<string, string>;
  readonly query: URLSearchParams;
  /** The rest of the path, where the route has a name in it. */
  readonly name: string;
  /** X-Home-Region and the like are nobody's business; this one says that it is a retry. */
  readonly idempotencyToken: string | undefined;
}

/** What a request of Twilio's is answered with: TwiML, or nothing. */
export type TwilioHandler = (request: TwilioRequest) => Promise<string | undefined>;

/** Whether a request may be answered; `missing` is the sentence that names the setting without which nobody can tell. */
export type TwilioVerdict = 'good' | 'bad' | { readonly missing: string };

export interface TwilioCheck {
  request(request: {
    readonly signature: string | undefined;
    readonly target: string;
    readonly contentType: string | undefined;
    readonly body: Buffer;
  }): TwilioVerdict;
  upgrade(signature: string | undefined, target: string): TwilioVerdict;
}

export interface TwilioRoutesOptions {
  readonly check: TwilioCheck;
  /** By path; `:name` may be in one. */
  readonly handlers: Readonly<Record<string, TwilioHandler>>;
  readonly log: Logger;
}

const nothing = Buffer.alloc(0);

/**
 * `/twilio/…`: what Twilio asks and tells. The body is kept as it came until its signature was checked; nothing is parsed,
 * and nobody is answered anything else than a refusal, before that.
 */
export function twilioRoutes(app: FastifyInstance, { check, handlers, log }: TwilioRoutesOptions): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  for (const [path, handler] of Object.entries(handlers)) {
    app.route({
      // Twilio asks with POST, unless its own configuration says GET.
      method: ['GET', 'POST'],
      url: path,
      handler: async (request, reply) => {
        const verdict = check.request(signedOf(request));
        if (verdict !== 'good') return refuse(reply, verdict, path, log);
        const twiml = await handler(readable(request));
        reply.header('cache-control', 'no-store');
        if (twiml === undefined) return reply.code(204).send();
        return reply.type('text/xml; charset=utf-8').send(twiml);
      },
    });
  }
}

function bodyOf({ body }: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : nothing;
}

function signedOf(request: FastifyRequest) {
  return {
    signature: headerOf(request, 'x-twilio-signature'),
    target: request.raw.url ?? '',
    contentType: request.headers['content-type'],
    body: bodyOf(request),
  };
}

function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

function readable(request: FastifyRequest): TwilioRequest {
  const target = request.raw.url ?? '';
  const at = target.indexOf('?');
  const query = new URLSearchParams(at === -1 ? '' : target.slice(at + 1));
  // Of GET, the fields are in the query.
  const form = request.method === 'GET' ? query : new URLSearchParams(bodyOf(request).toString('utf8'));
  const fields = new Map<string, string>();
  for (const [name, value] of form) if (!fields.has(name)) fields.set(name, value);
  const { name = '' } = request.params as { name?: string };
  return { fields, query, name, idempotencyToken: headerOf(request, 'i-twilio-idempotency-token') };
}

function refuse(reply: FastifyReply, verdict: Exclude<TwilioVerdict, 'good'>, path: string, log: Logger) {
  if (verdict === 'bad') {
    log.warn('a request to a Twilio webhook has no good signature', { route: path });
    const message =
      'X-Twilio-Signature is not of this request: PUBLIC_URL must be the URL that Twilio was told.';
    return reply.code(403).send({ detail: { status: 'forbidden', message } });
  }
  log.error('a Twilio webhook cannot be served', { route: path, missing: verdict.missing });
  return reply.code(503).send({ detail: { status: 'not_configured', message: verdict.missing } });
}
