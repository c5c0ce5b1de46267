import type { AddressInfo } from 'node:net';
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import { Failure, messageOf } from '../core/errors.ts';
import { whyNotListening } from '../core/listening.ts';
import type { Logger } from '../core/logger.ts';
import { httpLimits } from './limits.ts';

const notUnderstood = 'The request cannot be understood.';

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
): Promise<HttpServer> {
  try {
    await app.listen({ host: address, port });
  } catch (error) {
    throw new Failure('http-listen', listenMessage(address, port, setting, error), { cause: error });
  }
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
    // A path that cannot be read belongs to no route, and so to no handler of errors.
    frameworkErrors: (_error, _request, reply: FastifyReply) =>
      reply.code(400).send({ detail: { status: 'bad_request', message: notUnderstood } }),
    http: { headersTimeout: httpLimits.headersMs },
  });
  app.server.maxConnections = httpLimits.connections;
  app.server.maxHeadersCount = httpLimits.headerCount;
  return app;
}

/** Answers in one shape for whatever goes wrong, and tells the sender nothing about our inside. */
export function answerFaults(app: FastifyInstance, log: Logger): void {
  app.setNotFoundHandler(async (_request, reply) => {
    reply.code(404);
    return { detail: { status: 'not_found', message: 'There is nothing at this path.' } };
  });
  app.setErrorHandler(async (error: { statusCode?: number; message: string }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) {
      reply.code(status);
      return { detail: { status: 'bad_request', message: notUnderstood } };
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
