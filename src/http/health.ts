import type { FastifyInstance } from 'fastify';

/** How this process is doing, as its owner sees it. */
export interface Health {
  /** True when new calls are taken. */
  readonly ready: boolean;
  /** Why not, in words that a person understands. */
  readonly reason?: string;
  /** Anything else worth a look: numbers of calls and workers, for instance. */
  readonly details?: Readonly<Record<string, number | string | boolean>>;
}

/**
 * `/healthz` says that the process runs, `/readyz` whether it takes calls: 503 with the reason while it does not.
 * Neither needs a key: balancers have none.
 */
export function healthRoutes(app: FastifyInstance, health: () => Health): void {
  app.get('/healthz', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    return { status: 'ok' };
  });
  app.get('/readyz', async (_request, reply) => {
    const { ready, reason, details } = health();
    reply.header('cache-control', 'no-store').code(ready ? 200 : 503);
    return { ready, reason, ...details };
  });
}
