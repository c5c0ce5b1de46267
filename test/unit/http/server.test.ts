import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import { bare, listen } from '../../../src/http/server.ts';

const app = bare();
afterEach(() => app.close());

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
