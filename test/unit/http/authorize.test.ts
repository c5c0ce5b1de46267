import { fastify } from 'fastify';
import { describe, expect, it } from 'vitest';
import type { KeyFault } from '../../../src/core/events.ts';
import { authorize } from '../../../src/http/authorize.ts';
import { KeyRing, type Role } from '../../../src/http/keys.ts';

const order: readonly Role[] = ['read', 'pii', 'operator', 'admin'];

function app(refused: (fault: KeyFault, source: string) => void = () => undefined) {
  const server = fastify();
  const keys = order.map(role => ({ name: role, role, secret: `secret-of-${role}` }));
  authorize(server, new KeyRing(keys), refused);
  for (const role of order) server.post(`/${role}`, { config: { role } }, async () => ({ done: true }));
  server.get('/open', async () => ({ done: true }));
  return server;
}

describe('a route with a role', () => {
  it.each(order.flatMap((held, i) => order.map((needed, j) => [held, needed, i >= j ? 200 : 403] as const)))(
    'answers a key with %s where %s is needed with %i',
    async (held, needed, status) => {
      const headers = { 'xi-api-key': `secret-of-${held}` };
      const answer = await app().inject({ method: 'POST', url: `/${needed}`, headers });
      expect(answer.statusCode).toBe(status);
      expect(answer.json()).toEqual(
        status === 200
          ? { done: true }
          : {
              detail: { status: 'missing_permissions', message: `This needs a key with the role ${needed}.` },
            },
      );
    },
  );

  it('is refused before its body is looked at', async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = await app().inject({ method: 'POST', url: '/admin', headers, payload: '{not json' });
    expect(answer.statusCode).toBe(401);
  });

  it('tells of each request that it does not let in, and of where that came from', async () => {
    const refused: unknown[] = [];
    const server = app((...told) => refused.push(told));
    const send = (headers: Record<string, string>) =>
      server.inject({ method: 'POST', url: '/operator', headers, remoteAddress: '192.0.2.7' });
    await send({ 'xi-api-key': 'secret-of-operator' });
    expect(refused).toEqual([]);
    await send({});
    await send({ authorization: 'Bearer guessed' });
    await send({ 'xi-api-key': 'secret-of-read' });
    expect(refused).toEqual([
      ['missing', '192.0.2.7'],
      ['unknown', '192.0.2.7'],
      ['role', '192.0.2.7'],
    ]);
  });

  it('has no effect on routes without one', async () => {
    expect((await app().inject('/open')).statusCode).toBe(200);
  });
});
