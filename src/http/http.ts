import type { AddressInfo } from 'node:net';
import { type FastifyInstance, fastify } from 'fastify';
import type { Registry } from 'prom-client';
import { Failure, messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { authorize } from './authorize.ts';
import { type Health, healthRoutes } from './health.ts';
import { type ApiKey, KeyRing } from './keys.ts';
import { httpLimits } from './limits.ts';
import { metricsRoute } from './metrics.ts';
import { type ReloadOutcome, reloadRoutes } from './reload.ts';
import { type FindSipMessages, sipMessagesRoute } from './sip-messages.ts';

export interface HttpOptions {
  readonly listen: HttpAddress;
  readonly apiKeys: readonly ApiKey[];
  /** Asked on each request for `/readyz`. */
  readonly health: () => Health;
  readonly registry: Registry;
  /** Reads the configuration again; without it nothing can be reloaded. */
  readonly reload?: () => Promise<ReloadOutcome>;
  /** Finds the SIP messages of a call. */
  readonly sipMessages?: FindSipMessages;
  readonly log: Logger;
}

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

/** Starts the server. Throws a `Failure` with code `http-listen` when the address cannot be listened on. */
export async function createHttp(options: HttpOptions): Promise<HttpServer> {
  const app = composeHttp(options);
  const { address, port } = options.listen;
  try {
    await app.listen({ host: address, port });
  } catch (error) {
    throw new Failure('http-listen', listenMessage(address, port, error), { cause: error });
  }
  const bound = app.server.address() as AddressInfo;
  return { address: { address: bound.address, port: bound.port }, close: () => app.close() };
}

/** The server with all its routes, before it listens. */
export function composeHttp(options: Omit<HttpOptions, 'listen'>): FastifyInstance {
  const app = bare();
  authorize(app, new KeyRing(options.apiKeys), options.log);
  answerFaults(app, options.log);
  healthRoutes(app, options.health);
  metricsRoute(app, options.registry);
  if (options.reload !== undefined) reloadRoutes(app, options.reload);
  if (options.sipMessages !== undefined) sipMessagesRoute(app, options.sipMessages);
  return app;
}

/** A server with every time-out and limit set, and no route. */
function bare(): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: httpLimits.bodyBytes,
    connectionTimeout: httpLimits.connectionMs,
    requestTimeout: httpLimits.requestMs,
    keepAliveTimeout: httpLimits.keepAliveMs,
    maxRequestsPerSocket: httpLimits.requestsPerConnection,
    forceCloseConnections: true,
    http: { headersTimeout: httpLimits.headersMs },
  });
  app.server.maxConnections = httpLimits.connections;
  app.server.maxHeadersCount = httpLimits.headerCount;
  return app;
}

/** Answers in one shape for whatever goes wrong, and tells the sender nothing about our inside. */
function answerFaults(app: FastifyInstance, log: Logger): void {
  app.setNotFoundHandler(async (_request, reply) => {
    reply.code(404);
    return { detail: { status: 'not_found', message: 'There is nothing at this path.' } };
  });
  app.setErrorHandler(async (error: { statusCode?: number; message: string }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) {
      reply.code(status);
      return { detail: { status: 'bad_request', message: 'The request cannot be understood.' } };
    }
    log.error('http request failed', { route: request.routeOptions.url ?? 'none', error: messageOf(error) });
    reply.code(500);
    return {
      detail: { status: 'internal_error', message: 'A fault inside this bridge; its log says more.' },
    };
  });
}

function listenMessage(address: string, port: number, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  const why =
    code === 'EADDRINUSE'
      ? 'another program listens there'
      : code === 'EADDRNOTAVAIL'
        ? 'this machine does not have that address'
        : code === 'EACCES'
          ? 'this user may not listen there'
          : messageOf(error);
  return `HTTP cannot be listened for on ${address} port ${port}: ${why}. Change HTTP_LISTEN.`;
}
