import type { AddressInfo } from 'node:net';
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import { Failure, messageOf } from '../core/errors.ts';
import { whyNotListening } from '../core/listening.ts';
import type { Logger } from '../core/logger.ts';
import { answerClientError } from './client-error.ts';
import { httpLimits } from './limits.ts';
import { methodsAt } from './methods.ts';

const notUnderstood = 'The request cannot be understood.';

/** What can be wrong with a body before a route sees it, by Fastify's code. */
const bodyFaults: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'Send the body as JSON, with Content-Type: application/json.',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is no JSON.',
  FST_ERR_CTP_BODY_TOO_LARGE: `The body is longer than ${httpLimits.bodyBytes} bytes.`,
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is not as long as Content-Length says.',
};

/** What Fastify or a route has thrown. */
export interface HttpFault {
  readonly statusCode?: number;
  readonly code?: string;
  readonly message: string;
}

/** What whoever sent a request is told was wrong with it; nothing of what was in it. */
export const faultOf = ({ code = '' }: HttpFault): string => bodyFaults[code] ?? notUnderstood;

/** A server that listens. */
export interface HttpServer {
  /** What was really bound. */
  readonly address: HttpAddress;
  /** Ends all connections, idle or not. */
  close(): Promise<void>;
}

export interface HttpAddress {
  /** IP literal. */
  readonly address: string;
  readonly port: number;
}

/** Lets a server listen. Throws a `Failure` with code `http-listen`, which names `setting`, when it cannot. */
export async function listen(
  app: FastifyInstance,
  { address, port }: HttpAddress,
  setting: string,
  log: Logger,
): Promise<HttpServer> {
  try {
    await app.listen({ host: address, port });
  } catch (error) {
    throw new Failure('http-listen', listenMessage(address, port, setting, error), { cause: error });
  }
  // Accepting can fail for want of descriptors; the next one may work again.
  app.server.on('error', error =>
    log.warn('an HTTP connection could not be accepted', { setting, error: messageOf(error) }),
  );
  const bound = app.server.address() as AddressInfo;
  return { address: { address: bound.address, port: bound.port }, close: () => app.close() };
}

/** A server with every time-out and limit set, and no route. */
export function bare(): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: httpLimits.bodyBytes,
    connectionTimeout: httpLimits.connectionMs,
    requestTimeout: httpLimits.requestMs,
    keepAliveTimeout: httpLimits.keepAliveMs,
    maxRequestsPerSocket: httpLimits.requestsPerConnection,
    forceCloseConnections: true,
    clientErrorHandler: answerClientError,
    // A path that cannot be read belongs to no route, and so to no handler of errors.
    frameworkErrors: (_error, _request, reply: FastifyReply) =>
      reply.code(400).send({ detail: { status: 'bad_request', message: notUnderstood } }),
    http: { headersTimeout: httpLimits.headersMs },
  });
  // Clients that always say that they send JSON send none with DELETE: no body is no fault.
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) =>
    body === '' ? done(null) : parse(request, body, done),
  );
  app.server.maxConnections = httpLimits.connections;
  app.server.maxHeadersCount = httpLimits.headerCount;
  return app;
}

/**
 * Answers in one shape for whatever goes wrong, and tells the sender nothing about our inside. It has to be called before the routes
 * are made.
 */
export function answerFaults(app: FastifyInstance, log: Logger): void {
  const methods = methodsAt(app);
  app.setNotFoundHandler(async ({ method, url }, reply) => {
    const taken = methods(url.split('?', 1)[0] ?? '');
    if (taken.length > 0) {
      reply.code(405).header('allow', taken.join(', '));
      const message = `This path takes ${taken.join(', ')} and not ${method}.`;
      return { detail: { status: 'method_not_allowed', message } };
    }
    reply.code(404);
    return { detail: { status: 'not_found', message: 'There is nothing at this path.' } };
  });
  app.setErrorHandler(async (error: HttpFault, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) {
      reply.code(status);
      return { detail: { status: 'bad_request', message: faultOf(error) } };
    }
    log.error('http request failed', { route: request.routeOptions.url ?? 'none', error: messageOf(error) });
    reply.code(500);
    return {
      detail: { status: 'internal_error', message: 'A fault inside this bridge; its log says more.' },
    };
  });
}

function listenMessage(address: string, port: number, setting: string, error: unknown): string {
  return `HTTP cannot be listened for on ${address} port ${port}: ${whyNotListening(error)}. Change ${setting}.`;
}
