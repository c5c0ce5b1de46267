import type { FastifyInstance } from 'fastify';
import type { Role } from './keys.ts';

interface Described {
  readonly method: string;
  readonly path: string;
  readonly role: Role | undefined;
}

/**
 * `GET /v1/openapi.json`: every route that is really there and the role that its key needs. It has to be called before
 * the routes are made.
 */
export function openapiRoute(app: FastifyInstance, version: string): void {
  const routes: Described[] = [];
  app.addHook('onRoute', ({ method, url, config }) => {
    for (const one of Array.isArray(method) ? method : [method]) {
      if (one !== 'HEAD') routes.push({ method: one.toLowerCase(), path: url, role: config?.role });
    }
  });
  app.get('/v1/openapi.json', async () => documentOf(routes, version));
}

function documentOf(routes: readonly Described[], version: string) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { method, path, role } of routes) {
    const parameters = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    }));
    const operation = {
      summary: role === undefined ? 'Needs no key.' : `Needs a key with the role ${role}.`,
      ...(parameters.length === 0 ? {} : { parameters }),
      security: role === undefined ? [] : [{ key: [] }, { bearer: [] }],
      responses: {
        '200': { description: 'It was done.' },
        ...(role === undefined
          ? {}
          : { default: { description: 'A refusal: detail.status and detail.message.' } }),
      },
    };
    const named = path.replaceAll(/:(\w+)/g, '{$1}');
    paths[named] = { ...paths[named], [method]: operation };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Trunkbridge',
      version,
      description: 'Paths below /v1/convai answer in the shapes of the ElevenLabs API.',
    },
    components: {
      securitySchemes: {
        key: { type: 'apiKey', in: 'header', name: 'xi-api-key' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
    },
    paths,
  };
}
