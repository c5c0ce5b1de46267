import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { KeptConnections, keptLimits } from '../../../../src/agent/elevenlabs/kept-connections.ts';

describe('connections that are kept', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  /** A server that remembers every connection it got. */
  async function serve(
    answer: (path: string, socket: Socket) => string,
  ): Promise<{ url: URL; sockets: Socket[] }> {
    const sockets: Socket[] = [];
    server = createServer((request, response) => response.end(answer(request.url ?? '', request.socket)));
    server.on('connection', socket => void sockets.push(socket));
    await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve));
    return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x`), sockets };
  }

  it('carry one request after the other', async () => {
    const { url, sockets } = await serve(path => path);
    const kept = new KeptConnections();
    for (let i = 0; i < 3; i++) {
      expect(await kept.get(url, { accept: 'text/plain' }, 5000)).toEqual({ status: 200, text: '/x' });
    }
    expect(sockets).toHaveLength(1);
  });

  it('are as many as there are requests at once, and none waits for another', async () => {
    const { url, sockets } = await serve(path => path);
    const kept = new KeptConnections();
    await Promise.all(Array.from({ length: 5 }, () => kept.get(url, {}, 5000)));
    expect(sockets).toHaveLength(5);
  });

  it('are opened again when the other side has closed one as it was used', async () => {
    const { url, sockets } = await serve(path => path);
    const kept = new KeptConnections();
    await kept.get(url, {}, 5000);
    // Whatever comes next over it meets a closed door.
    sockets[0]?.removeAllListeners('data');
    sockets[0]?.on('data', () => sockets[0]?.resetAndDestroy());
    expect(await kept.get(url, {}, 5000)).toEqual({ status: 200, text: '/x' });
    expect(sockets).toHaveLength(2);
  });

  it('do not ask twice where the first connection breaks', async () => {
    let asked = 0;
    const { url } = await serve((_path, socket) => {
      asked++;
      socket.resetAndDestroy();
      return '';
    });
    await expect(new KeptConnections().get(url, {}, 5000)).rejects.toThrow();
    expect(asked).toBe(1);
  });

  it('give up on an answer that is too long', async () => {
    const { url } = await serve(() => 'x'.repeat(keptLimits.answerBytes + 1));
    await expect(new KeptConnections().get(url, {}, 5000)).rejects.toThrow('too long');
  });

  it('fail when an answer breaks off', async () => {
    const { url } = await serve(() => 'whole');
    server?.removeAllListeners('request');
    server?.on('request', (request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => request.socket.destroy());
    });
    await expect(new KeptConnections().get(url, {}, 5000)).rejects.toThrow();
  });
});
