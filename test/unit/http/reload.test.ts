import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import { composeHttp } from '../../../src/http/http.ts';
import type { ReloadOutcome } from '../../../src/http/reload.ts';

const secret = 'a-secret-of-enough-length';

function app(outcome: ReloadOutcome) {
  let asked = 0;
  const server = composeHttp({
    apiKeys: [
      { name: 'a', role: 'admin', secret },
      { name: 'o', role: 'operator', secret: `${secret}-2` },
    ],
    health: () => ({ ready: true }),
    registry: new Registry(),
    log: silentLogger,
    reload: async () => {
      asked++;
      return outcome;
    },
  });
  const post = async (key?: string) => {
    const headers = key === undefined ? {} : { 'xi-api-key': key };
    const { statusCode, body } = await server.inject({ method: 'POST', url: '/v1/reload', headers });
    return [statusCode, JSON.parse(body)];
  };
  return { post, asked: () => asked };
}

describe('POST /v1/reload', () => {
  it('tells what holds now and what needs a restart', async () => {
    const { post } = app({ ok: true, applied: ['trunks'], needsRestart: ['sip.listen'] });
    expect(await post(secret)).toEqual([
      200,
      { status: 'reloaded', applied: ['trunks'], needs_restart: ['sip.listen'] },
    ]);
  });

  it('tells every problem of a configuration that cannot be used', async () => {
    const problems = [{ where: 'c.yaml:2 trunks[0]', what: 'needs a name' }];
    const { post } = app({ ok: false, problems });
    expect(await post(secret)).toEqual([
      422,
      { detail: expect.objectContaining({ status: 'invalid_configuration', problems }) },
    ]);
  });

  it('is for admins alone', async () => {
    const { post, asked } = app({ ok: true, applied: [], needsRestart: [] });
    expect([(await post())[0], (await post('wrong'))[0], (await post(`${secret}-2`))[0]]).toEqual([
      401, 401, 403,
    ]);
    expect(asked()).toBe(0);
  });
});
