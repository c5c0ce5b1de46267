import type { FastifyInstance } from 'fastify';
import type { KeyFault } from '../core/events.ts';
import { type KeyHolder, type KeyRing, keyOf, mayDo, type Role } from './keys.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The least a key must be allowed to do for this route. Absent: anybody may. */
    role?: Role;
  }
  interface FastifyRequest {
    /** Whose key was sent; only on routes with a role. */
    keyHolder?: KeyHolder;
  }
}

/**
 * Lets a request through to a route with a `role` only with a key that has it. Runs before any body is read. `refused` is told of
 * every other, with the address that it came from.
 */
export function authorize(
  app: FastifyInstance,
  keys: KeyRing,
  refused: (fault: KeyFault, source: string) => void,
): void {
  app.addHook('onRequest', async (request, reply) => {
    const needed = request.routeOptions.config.role;
    if (needed === undefined) return;
    if (keys.isEmpty) {
      return refuse(403, 'no_keys', 'Only health is answered while no API_KEYS are configured.');
    }
    const holder = keys.holder(request.headers);
    if (holder === undefined) {
      refused(keyOf(request.headers) === undefined ? 'missing' : 'unknown', request.ip);
      reply.header('www-authenticate', 'Bearer');
      return refuse(
        401,
        'invalid_api_key',
        'Send a key of API_KEYS as xi-api-key or as Authorization: Bearer.',
      );
    }
    request.keyHolder = holder;
    if (mayDo(holder.role, needed)) return;
    refused('role', request.ip);
    return refuse(403, 'missing_permissions', `This needs a key with the role ${needed}.`);

    function refuse(code: number, status: string, message: string) {
      return reply.code(code).send({ detail: { status, message } });
    }
  });
}
