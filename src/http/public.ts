import type { FastifyInstance } from 'fastify';
import type { Logger } from '../core/logger.ts';
import { answerFaults, bare, type HttpAddress, type HttpServer, listen } from './server.ts';
import { type ToolDoor, toolRoutes } from './tools.ts';

export interface PublicHttpOptions {
  readonly listen: HttpAddress;
  /** What webhook tools sign in with. */
  readonly toolsSecret: string;
  readonly door: ToolDoor;
  readonly log: Logger;
}

/** Starts the server that others reach from outside. Throws a `Failure` with code `http-listen`. */
export function createPublicHttp(options: PublicHttpOptions): Promise<HttpServer> {
  return listen(composePublicHttp(options), options.listen, 'PUBLIC_HTTP_LISTEN');
}

/** The server with all its routes, before it listens. */
export function composePublicHttp(options: Omit<PublicHttpOptions, 'listen'>): FastifyInstance {
  const app = bare();
  answerFaults(app, options.log);
  toolRoutes(app, options);
  return app;
}
