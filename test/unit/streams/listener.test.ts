import { connect, Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { passHeader } from '../../../src/core/stream-pass.ts';
import { streamLimits } from '../../../src/streams/limits.ts';
import { StreamServer, showsPass } from '../../../src/streams/listener.ts';

let server: StreamServer | undefined;
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
});

async function listen(admits = showsPass('the pass')): Promise<number> {
  const claim = () => undefined;
  server = await StreamServer.start({ admits, claim, clock: systemClock, log: silentLogger });
  return server.port;
}

/** What an upgrade comes to: `open`, its status, or 0 when the connection was cut. */
function upgrade(port: number, headers: Record<string, string> = {}): Promise<string | number> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/`, { headers });
  return new Promise(resolve => {
    ws.once('open', () => {
      resolve('open');
      ws.terminate();
    });
    ws.once('unexpected-response', (request, response) => {
      resolve(response.statusCode ?? 0);
      request.destroy();
    });
    ws.on('error', () => resolve(0));
  });
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  await new Promise(resolve => socket.once('connect', resolve));
  return socket;
}

describe('the listener for media streams', () => {
  it('lets in who shows the pass of the main thread, and nobody else', async () => {
    const port = await listen();
    expect(await upgrade(port, { [passHeader]: 'the pass' })).toBe('open');
    expect(await upgrade(port, { [passHeader]: 'the past' })).toBe(403);
    expect(await upgrade(port, { [passHeader]: 'the pass, and more' })).toBe(403);
    expect(await upgrade(port)).toBe(403);
  });

  it('goes on when it cannot accept a connection, however often', async () => {
    const listening = vi.spyOn(Server.prototype, 'listen');
    const port = await listen();
    const [inner] = listening.mock.contexts as Server[];
    listening.mockRestore();
    for (let times = 0; times < 3; times++) inner?.emit('error', new Error('accept EMFILE'));
    expect(inner?.listenerCount('error')).toBeGreaterThan(0);
    expect(await upgrade(port, { [passHeader]: 'the pass' })).toBe('open');
  });

  it('asks its gate with what came', async () => {
    const seen: unknown[] = [];
    const port = await listen(({ url, headers }) => {
      seen.push([url, headers['x-twilio-signature']]);
      return true;
    });
    expect(await upgrade(port, { 'x-twilio-signature': 's' })).toBe('open');
    expect(seen).toEqual([['/', 's']]);
  });

  it('answers what is no upgrade with 404', async () => {
    expect((await fetch(`http://127.0.0.1:${await listen()}/twilio/media/0/abc`)).status).toBe(404);
  });

  it('cuts connections off that ask for nothing, and those over the limit at once', async () => {
    const port = await listen();
    const waiting = await Promise.all(Array.from({ length: streamLimits.outside }, () => connected(port)));
    expect(await upgrade(port, { [passHeader]: 'the pass' })).toBe(0);
    const [first] = waiting;
    first?.destroy();
    await new Promise(resolve => first?.once('close', resolve));
    await expect.poll(() => upgrade(port, { [passHeader]: 'the pass' })).toBe('open');
  });

  it('takes no more streams that do not say whose they are than its limit', async () => {
    const port = await listen();
    const handshake = `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n${passHeader}: the pass\r\n\r\n`;
    for (let i = 0; i < streamLimits.strangers; i++) {
      const socket = await connected(port);
      socket.write(handshake);
      await new Promise(resolve => socket.once('data', resolve));
    }
    expect(await upgrade(port, { [passHeader]: 'the pass' })).toBe(503);
  });
});
