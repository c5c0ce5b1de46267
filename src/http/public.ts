import type { FastifyInstance } from 'fastify';
import type { Logger } from '../core/logger.ts';
import { httpLimits } from './limits.ts';
import { answerFaults, bare, type HttpAddress, type HttpServer, listen } from './server.ts';
import { type StreamUpgradeOptions, streamUpgrade } from './stream-upgrade.ts';
import { type ToolDoor, toolRoutes } from './tools.ts';
import { type TwilioRoutesOptions, twilioRoutes } from './twilio.ts';

export interface PublicHttpOptions {
  readonly listen: HttpAddress;
  /** What webhook tools sign in with, and what runs them; absent: there are none. */
  readonly tools?: { readonly secret: string; readonly door: ToolDoor };
  /** What Twilio asks and tells; absent: it has nothing to say here. */
  readonly twilio?: Omit<TwilioRoutesOptions, 'log'> & Pick<StreamUpgradeOptions, 'take'>;
  /** Media streams that may be up at once. */
  readonly streams?: number;
  readonly log: Logger;
}

/** Starts the server that others reach from outside. Throws a `Failure` with code `http-listen`. */
export async function createPublicHttp(options: PublicHttpOptions): Promise<HttpServer> {
  const app = composePublicHttp(options);
  const { twilio, log, streams = 0 } = options;
  app.server.maxConnections = httpLimits.connections + streams;
  const closeStreams = twilio === undefined ? undefined : streamUpgrade(app.server, { ...twilio, log });
  const server = await listen(app, options.listen, 'PUBLIC_HTTP_LISTEN', options.log);
  return {
    address: server.address,
    close() {
      closeStreams?.();
      return server.close();
    },
  };
}

/** The server with all its routes, before it listens. Each kind of route has its own way to sign in and to read a body. */
export function composePublicHttp({
  tools,
  twilio,
  log,
}: Omit<PublicHttpOptions, 'listen'>): FastifyInstance {
  const app = bare();
  answerFaults(app, log);
  if (tools !== undefined)
    app.register(async room => toolRoutes(room, { toolsSecret: tools.secret, door: tools.door, log }));
  if (twilio !== undefined) app.register(async room => twilioRoutes(room, { ...twilio, log }));
  return app;
}
