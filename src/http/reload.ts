import type { FastifyInstance } from 'fastify';

/** What came of reading the configuration again. */
export type ReloadOutcome =
  | {
      readonly ok: true;
      /** Keys that hold from now on, for new calls. */
      readonly applied: readonly string[];
      /** Keys that differ and hold only after a restart. */
      readonly needsRestart: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly { readonly where: string; readonly what: string }[] };

/** `POST /v1/reload` reads the whole configuration again. A bad one changes nothing and is told problem by problem. */
export function reloadRoutes(app: FastifyInstance, reload: () => Promise<ReloadOutcome>): void {
  app.post('/v1/reload', { config: { role: 'admin' } }, async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    const outcome = await reload();
    if (outcome.ok)
      return { status: 'reloaded', applied: outcome.applied, needs_restart: outcome.needsRestart };
    reply.code(422);
    return {
      detail: {
        status: 'invalid_configuration',
        message: 'The configuration cannot be used; nothing was changed.',
        problems: outcome.problems,
      },
    };
  });
}
