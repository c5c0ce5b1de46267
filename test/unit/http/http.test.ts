import { connect } from 'node:net';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { Failure } from '../../../src/core/errors.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import type { Health } from '../../../src/http/health.ts';
import { composeHttp, createHttp } from '../../../src/http/http.ts';
import type { ApiKey } from '../../../src/http/keys.ts';
import type { HttpServer } from '../../../src/http/server.ts';

const keys: readonly ApiKey[] = [
  { name: 'prometheus', role: 'read', secret: 'read-secret-0123456789' },
  { name: 'ops', role: 'admin', secret: 'admin-secret-0123456789' },
];
const well: Health = { ready: true, details: { calls: 3 } };

function options(more: { apiKeys?: readonly ApiKey[]; health?: () => Health } = {}) {
  return { apiKeys: keys, health: () => well, registry: new Registry(), log: silentLogger, ...more };
}

const servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(server => server.close()));
});

describe('health', () => {
  it('needs no key', async () => {
    const app = composeHttp(options());
    const alive = await app.inject('/healthz');
    expect([alive.statusCode, alive.json()]).toEqual([200, { status: 'ok' }]);
    const ready = await app.inject('/readyz');
    expect([ready.statusCode, ready.json()]).toEqual([200, { ready: true, calls: 3 }]);
    expect(ready.headers['cache-control']).toBe('no-store');
  });

  it('turns 503 with the reason, while the process stays alive', async () => {
    let health: Health = well;
    const app = composeHttp(options({ health: () => health }));
    health = { ready: false, reason: 'draining' };
    const ready = await app.inject('/readyz');
    expect([ready.statusCode, ready.json()]).toEqual([503, { ready: false, reason: 'draining' }]);
    expect((await app.inject('/healthz')).statusCode).toBe(200);
  });

  it('is 500 without a word about our inside when asking fails', async () => {
    const health = () => {
      throw new Error('private detail');
    };
    const answer = await composeHttp(options({ health })).inject('/readyz');
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('private');
  });
});

describe('metrics', () => {
  it.each([
    ['xi-api-key', 'read-secret-0123456789'],
    ['authorization', 'Bearer read-secret-0123456789'],
    ['authorization', 'bearer   admin-secret-0123456789'],
  ])('are given to a key in %s: %s', async (name, value) => {
    const answer = await composeHttp(options()).inject({ url: '/metrics', headers: { [name]: value } });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toContain('text/plain');
  });

  it.each([
    ['no key', {}],
    ['a wrong key', { 'xi-api-key': 'read-secret-012345678' }],
    ['an empty key', { 'xi-api-key': '' }],
    ['a name for a key', { 'xi-api-key': 'prometheus' }],
    ['another scheme', { authorization: 'Basic read-secret-0123456789' }],
    ['a key in the address alone', {}],
  ])('are refused to %s', async (_title, headers) => {
    const answer = await composeHttp(options()).inject({
      url: '/metrics?key=read-secret-0123456789',
      headers,
    });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.json().detail.status).toBe('invalid_api_key');
  });

  it('are refused to everybody while there are no keys', async () => {
    const app = composeHttp(options({ apiKeys: [] }));
    for (const headers of [{}, { 'xi-api-key': '' }, { 'xi-api-key': 'x' }]) {
      const answer = await app.inject({ url: '/metrics', headers });
      expect([answer.statusCode, answer.json().detail.status]).toEqual([403, 'no_keys']);
    }
    expect((await app.inject('/healthz')).statusCode).toBe(200);
  });
});

it('answers 404 in the same shape for what is not there', async () => {
  const answer = await composeHttp(options()).inject('/v1/nothing');
  expect([answer.statusCode, answer.json().detail.status]).toEqual([404, 'not_found']);
});

describe('a request that a hurried client gets wrong', () => {
  const headers = { 'xi-api-key': 'admin-secret-0123456789' };
  const reload = (more: object) => {
    const done = async () => ({ ok: true, applied: [], needsRestart: [] }) as const;
    const app = composeHttp({ ...options(), reload: done });
    return app.inject({ method: 'POST', url: '/v1/reload', ...more });
  };

  it.each([
    [
      'no content type',
      'application/x-www-form-urlencoded',
      '{"x": 1}',
      415,
      /Content-Type: application\/json/,
    ],
    ['half of its JSON', 'application/json', '{"x": 8305', 400, /no JSON/],
    ['too much', 'application/json', `"${'x'.repeat(65_536)}"`, 413, /65536 bytes/],
  ])(
    'by sending %s is told what is wrong, and nothing that was in it',
    async (_title, type, payload, status, told) => {
      const answer = await reload({ payload, headers: { ...headers, 'content-type': type } });
      expect([answer.statusCode, answer.json().detail.status]).toEqual([status, 'bad_request']);
      expect(answer.json().detail.message).toMatch(told);
      expect(answer.body).not.toContain('8305');
    },
  );

  it('by calling no body JSON is answered all the same', async () => {
    const answer = await reload({ headers: { ...headers, 'content-type': 'application/json' } });
    expect(answer.statusCode).toBe(200);
  });

  it('in its method is told which ones the path takes', async () => {
    const answer = await reload({ method: 'PUT', headers });
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'POST']);
    expect(answer.json().detail).toEqual({
      status: 'method_not_allowed',
      message: 'This path takes POST and not PUT.',
    });
    const other = await composeHttp(options()).inject({ method: 'DELETE', url: '/healthz?x=1', headers });
    expect(other.headers.allow).toBe('GET, HEAD');
  });
});

it.each(['%', '%ff'])('answers 400 in that shape for a path that cannot be read', async word => {
  const answer = await composeHttp(options()).inject(`/v1/convai/conversations/${word}`);
  expect([answer.statusCode, answer.json().detail?.status]).toEqual([400, 'bad_request']);
  expect(answer.body).not.toContain(word);
});

describe('the server', () => {
  const any = { address: '127.0.0.1', port: 0 };

  it('listens, says where, and answers over a socket', async () => {
    const server = await createHttp({ ...options(), listen: any });
    servers.push(server);
    expect(server.address.port).toBeGreaterThan(0);
    const answer = await fetch(`http://127.0.0.1:${server.address.port}/readyz`);
    expect([answer.status, await answer.json()]).toEqual([200, { ready: true, calls: 3 }]);
  });

  it('says in a sentence that its address is taken', async () => {
    const first = await createHttp({ ...options(), listen: any });
    servers.push(first);
    const second = createHttp({ ...options(), listen: first.address });
    await expect(second).rejects.toThrow(Failure);
    await expect(second).rejects.toThrow(/another program listens there. Change HTTP_LISTEN/);
  });

  it('closes although a connection is open and says nothing', async () => {
    const server = await createHttp({ ...options(), listen: any });
    const socket = connect(server.address.port, '127.0.0.1');
    await new Promise(resolve => socket.once('connect', resolve));
    const gone = new Promise(resolve => socket.once('close', resolve));
    socket.on('error', () => undefined);
    await server.close();
    await gone;
    expect(socket.destroyed).toBe(true);
  });

  it('has every time-out and limit set', () => {
    const { server, initialConfig } = composeHttp(options());
    expect(server).toMatchObject({
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 10_000,
    });
    expect(server).toMatchObject({ maxConnections: 256, maxHeadersCount: 64 });
    expect(initialConfig.bodyLimit).toBe(65_536);
  });
});
