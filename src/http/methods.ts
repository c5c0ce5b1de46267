import type { FastifyInstance } from 'fastify';

/**
 * Tells which methods a path takes, without its query, by the routes that are made from now on; none where there is nothing at it.
 */
export function methodsAt(app: FastifyInstance): (path: string) => readonly string[] {
  const routes: { readonly at: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    const at = url.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll(/:\w+/g, '[^/]+');
    routes.push({ at: new RegExp(`^${at}$`), methods: Array.isArray(method) ? method : [method] });
  });
  return path => [...new Set(routes.filter(({ at }) => at.test(path)).flatMap(({ methods }) => methods))];
}
