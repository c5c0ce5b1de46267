import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import { bare, listen } from '../../../src/http/server.ts';

let app = bare();
afterEach(async () => {
  await app.close();
  app = bare();
});

describe('an HTTP server that listens', () => {
  it('goes on when it cannot accept a connection, and says so', async () => {
    const said: unknown[] = [];
    const log = { ...silentLogger, warn: (message: string, fields?: object) => said.push([message, fields]) };
    await listen(app, { address: '127.0.0.1', port: 0 }, 'HTTP_LISTEN', log);
    app.server.emit('error', new Error('accept EMFILE'));
    expect(said).toEqual([
      ['an HTTP connection could not be accepted', { setting: 'HTTP_LISTEN', error: 'accept EMFILE' }],
    ]);
  });
});

describe('what cannot be read as a request', () => {
  it.each([
    ['no HTTP at all', 'GARBAGE\r\n\r\n', 400, 'bad_request'],
    [
      'a line with two lengths',
      'GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
      'bad_request',
    ],
    [
      'headers that are too long',
      `GET / HTTP/1.1\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
  ])('is answered in the shape of every refusal, and closed: %s', async (_what, sent, code, status) => {
    const { address } = await listen(app, { address: '127.0.0.1', port: 0 }, 'HTTP_LISTEN', silentLogger);
    const socket = connect(address.port, address.address);
    socket.write(sent);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${code} .*connection: close$`, 's'));
    expect(JSON.parse(body)).toEqual({ detail: { status, message: expect.stringMatching(/\.$/) } });
  });
});
