import { Readable } from 'node:stream';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { Failure, fail, ok } from '../../../src/core/errors.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { composeHttp } from '../../../src/http/http.ts';
import type { Role } from '../../../src/http/keys.ts';
import { until } from '../../support/until.ts';

const file = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251));
const secret = (role: Role) => `${role}-secret-0123456789`;

function setUp() {
  let open = 0;
  const app = composeHttp({
    apiKeys: (['read', 'pii'] as const).map(role => ({ name: role, role, secret: secret(role) })),
    health: () => ({ ready: true }),
    registry: new Registry(),
    log: silentLogger,
    audio: async id => {
      if (id !== 'conv_1') return fail(new Failure(id, 'no'));
      open += 1;
      return ok({
        bytes: file.length,
        read: (first, last) => Readable.from([file.subarray(first, last + 1)], { objectMode: false }),
        close: async () => {
          open -= 1;
        },
      });
    },
  });
  const get = (id = 'conv_1', headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') =>
    app.inject({
      method,
      url: `/v1/convai/conversations/${id}/audio`,
      headers: { 'xi-api-key': secret('pii'), ...headers },
    });
  return { get, open: () => open };
}

describe('the recording of a call over HTTP', () => {
  it('is the bytes of a WAV file, and the file is closed afterwards', async () => {
    const { get, open } = setUp();
    const answer = await get();
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'audio/wav',
      'content-length': '1000',
      'accept-ranges': 'bytes',
      'cache-control': 'no-store',
    });
    expect(answer.rawPayload.equals(file)).toBe(true);
    await until(() => open() === 0, 'the file to be closed');
  });

  it('is for keys of the role pii, and not for less', async () => {
    const { get } = setUp();
    expect((await get('conv_1', { 'xi-api-key': secret('read') })).statusCode).toBe(403);
    expect((await get('conv_1', { 'xi-api-key': 'nobody' })).statusCode).toBe(401);
  });

  it.each([
    ['bytes=0-0', 0, 0],
    ['bytes=10-19', 10, 19],
    ['bytes=990-2000', 990, 999],
    ['bytes=995-', 995, 999],
    ['bytes=-10', 990, 999],
    ['bytes=-5000', 0, 999],
  ])('is given in part for "%s"', async (range, first, last) => {
    const { get, open } = setUp();
    const answer = await get('conv_1', { range });
    expect(answer.statusCode).toBe(206);
    expect(answer.headers['content-range']).toBe(`bytes ${first}-${last}/1000`);
    expect(answer.rawPayload.equals(file.subarray(first, last + 1))).toBe(true);
    await until(() => open() === 0, 'the file to be closed');
  });

  it.each(['bytes=1000-', 'bytes=-0'])('has nothing for "%s"', async range => {
    const { get, open } = setUp();
    const answer = await get('conv_1', { range });
    expect(answer.statusCode).toBe(416);
    expect(answer.headers['content-range']).toBe('bytes */1000');
    await until(() => open() === 0, 'the file to be closed');
  });

  it.each(['bytes=5-2', 'bytes=1-2,4-5', 'lines=1-2', 'bytes=-', 'x'])(
    'is given whole for "%s"',
    async range => {
      const { get } = setUp();
      const answer = await get('conv_1', { range });
      expect(answer.statusCode).toBe(200);
      expect(answer.rawPayload.length).toBe(1000);
    },
  );

  it('tells its length to HEAD, and leaves no file open', async () => {
    const { get, open } = setUp();
    const answer = await get('conv_1', {}, 'HEAD');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-length']).toBe('1000');
    await until(() => open() === 0, 'the file to be closed');
  });

  it.each([
    ['not-found', 404, 'not_found'],
    ['not-over', 425, 'not_over'],
    ['recording-key-missing', 409, 'recording_key_missing'],
    ['recording-damaged', 500, 'recording_damaged'],
    ['store-down', 503, 'store_down'],
  ])('that is %s is answered with %i', async (code, status, word) => {
    const { get } = setUp();
    const answer = await get(code);
    expect(answer.statusCode).toBe(status);
    expect(answer.json().detail.status).toBe(word);
  });
});
