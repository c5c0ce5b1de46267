import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { agentLimits } from '../../../../src/agent/elevenlabs/limits.ts';
import { AudioFrame } from '../../../../src/agent/elevenlabs/protocol/audio-frame.ts';
import { connectWith, type SocketListener } from '../../../../src/agent/elevenlabs/socket.ts';
import { type WireLimits, Wires, wireLimits } from '../../../../src/agent/elevenlabs/wire.ts';
import { loopbackCertificate } from '../../../../src/sim/certificate.ts';

const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function secureServer() {
  const { cert, key } = await loopbackCertificate();
  const server = createServer({ cert, key });
  server.listen(0, '127.0.0.1');
  ends.push(
    () => server.closeAllConnections(),
    () => void server.close(),
  );
  await once(server, 'listening');
  return { server, cert, port: (server.address() as AddressInfo).port };
}

describe('a wire with TLS', () => {
  it('resumes the session of the one before to the same host, and asks for the certificate all the same', async () => {
    const { server, cert, port } = await secureServer();
    server.on('secureConnection', (socket: TLSSocket) => socket.on('data', () => socket.end('bye')));
    const place = { secure: true, host: '127.0.0.1', port };
    const wires = new Wires({ trust: { ca: cert } });
    const reused: boolean[] = [];
    for (let i = 0; i < 3; i++) {
      const wire = wires.open(place) as TLSSocket;
      await once(wire, 'secureConnect');
      reused.push(wire.isSessionReused());
      wire.end('hello');
      wire.resume();
      await once(wire, 'close');
    }
    expect(reused).toEqual([false, true, true]);
    const [error] = await once(new Wires().open(place), 'error');
    expect((error as NodeJS.ErrnoException).code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
  });
});

describe('sockets that are opened', () => {
  const listenerOf = (told: string[], name: string): SocketListener => ({
    opened: () => void told.push(`${name} opened`),
    text: () => undefined,
    binary: () => undefined,
    ended: end => void told.push(`${name} ${end.kind === 'failed' ? end.code : end.kind}`),
  });

  it('together begin at once, and one that is closed by then never asks for anything', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    ends.push(() => server.close());
    await once(server, 'listening');
    const asked: string[] = [];
    server.on('connection', (_, request) => asked.push(request.url!));
    const connect = connectWith();
    const told: string[] = [];
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const [, second] = ['a', 'b', 'c'].map(name => connect(`${url}/${name}`, listenerOf(told, name)));
    expect([second!.idle, second!.bufferedBytes]).toEqual([false, 0]);
    second!.close(1000);
    second!.send('nobody hears this');
    await vi.waitFor(() => expect(told).toHaveLength(3));
    expect(told[0]).toBe('b HANDSHAKE');
    expect(told.slice(1).sort()).toEqual(['a opened', 'c opened']);
    expect(asked.sort()).toEqual(['/a', '/c']);
  });

  it('tell behind each thing that happens on them, TCP and TLS too', async () => {
    const { server, cert, port } = await secureServer();
    const far = new WebSocketServer({ server });
    far.on('connection', each => each.send('hello', () => each.close(1000)));
    const told: string[] = [];
    const stepped = () => void told.push('step');
    const trusting = new Wires({ trust: { ca: cert }, stepped });
    const listener = { ...listenerOf(told, 'a'), text: () => void told.push('a text') };
    connectWith(agentLimits, stepped, trusting)(`wss://127.0.0.1:${port}/`, listener);
    await vi.waitFor(() => expect(told.slice(-2)).toEqual(['a close', 'step']));
    expect(told).toEqual(['step', 'step', 'a opened', 'step', 'a text', 'step', 'a close', 'step']);
  });

  it('fail like any other when their address is none that a WebSocket takes', async () => {
    const told: string[] = [];
    connectWith()('ws://127.0.0.1:1/#part', listenerOf(told, 'a'));
    expect(told).toEqual([]);
    await vi.waitFor(() => expect(told).toEqual(['a HANDSHAKE']));
  });
});

describe('a connection that is begun ahead', () => {
  const nothing: SocketListener = {
    opened: () => undefined,
    text: () => undefined,
    binary: () => undefined,
    ended: () => undefined,
  };

  /** A server of WebSockets over TLS, and what it saw; one conversation has gone there before. */
  async function known(limits: Partial<WireLimits> = {}) {
    const { server, cert, port } = await secureServer();
    const seen = { connections: [] as TLSSocket[], asked: 0 };
    server.on('secureConnection', (socket: TLSSocket) => {
      socket.on('error', () => undefined);
      seen.connections.push(socket);
    });
    new WebSocketServer({ server }).on('connection', () => {
      seen.asked += 1;
    });
    const wires = new Wires({ trust: { ca: cert }, limits: { ...wireLimits, ...limits } });
    ends.push(() => wires.close());
    const connect = connectWith(agentLimits, () => undefined, wires);
    const converse = () =>
      new Promise<string>(resolve => {
        const told = { opened: () => resolve('opened'), ended: () => resolve('ended') };
        connect(`wss://127.0.0.1:${port}/`, { ...nothing, ...told });
      });
    wires.ahead();
    expect(await converse()).toBe('opened');
    expect(seen.connections).toHaveLength(1);
    return { wires, seen, converse, port };
  }

  it('is there before anything is asked for, and serves the next conversation and no other', async () => {
    const { wires, seen, converse } = await known();
    wires.ahead();
    await vi.waitFor(() => expect(seen.connections).toHaveLength(2));
    expect(seen.asked).toBe(1);
    expect(await converse()).toBe('opened');
    expect(seen).toMatchObject({ connections: { length: 2 }, asked: 2 });
    expect(await converse()).toBe('opened');
    expect(seen).toMatchObject({ connections: { length: 3 }, asked: 3 });
  });

  it('serves one that comes before it is through', async () => {
    const { wires, seen, converse } = await known();
    wires.ahead();
    expect(await converse()).toBe('opened');
    expect(seen.connections).toHaveLength(2);
  });

  it.each([
    ['closes it', (socket: TLSSocket) => socket.end()],
    ['cuts it', (socket: TLSSocket) => void socket.destroy()],
    ['speaks first', (socket: TLSSocket) => void socket.write('HTTP/1.1 408 Request Timeout\r\n\r\n')],
  ])('is let go when the server %s, and the conversation has a new one', async (_, spoil) => {
    const { wires, seen, converse } = await known();
    wires.ahead();
    await vi.waitFor(() => expect(seen.connections).toHaveLength(2));
    const [, second] = seen.connections;
    const gone = once(second!, 'close');
    spoil(second!);
    await gone;
    await vi.waitFor(async () => expect(await converse()).toBe('opened'));
    expect(seen.connections).toHaveLength(3);
  });

  it('is let go when nobody takes it in time, or at the end', async () => {
    const { wires, seen } = await known({ aheadMs: 50 });
    wires.ahead();
    await vi.waitFor(() => expect(seen.connections).toHaveLength(2));
    await vi.waitFor(() => expect(seen.connections[1]?.destroyed).toBe(true));
    const later = await known();
    later.wires.ahead();
    await vi.waitFor(() => expect(later.seen.connections).toHaveLength(2));
    later.wires.close();
    await vi.waitFor(() => expect(later.seen.connections[1]?.destroyed).toBe(true));
  });

  it('is one of so many at most, and none to where nobody has been', async () => {
    const { wires, seen, converse } = await known({ ahead: 2 });
    for (let n = 0; n < 5; n++) wires.ahead();
    await vi.waitFor(() => expect(seen.connections).toHaveLength(3));
    for (let n = 0; n < 3; n++) expect(await converse()).toBe('opened');
    expect(seen.connections).toHaveLength(4);
  });

  it('does not serve another place', async () => {
    const { wires, seen, port } = await known();
    wires.ahead();
    await vi.waitFor(() => expect(seen.connections).toHaveLength(2));
    const other = wires.open({ secure: true, host: 'localhost', port });
    other.on('error', () => undefined);
    ends.push(() => other.destroy());
    await vi.waitFor(() => expect(other.connecting).toBe(false));
    expect(seen.connections.every(socket => !socket.destroyed)).toBe(true);
  });
});

describe('frames that are written past the package', () => {
  it('arrive whole and in order between its own messages and its close', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    ends.push(() => server.close());
    await once(server, 'listening');
    const heard: string[] = [];
    const connected = once(server, 'connection') as Promise<[import('ws').WebSocket, { socket: Socket }]>;
    let opened = (): void => undefined;
    const open = new Promise<void>(resolve => {
      opened = resolve;
    });
    const listener: SocketListener = {
      opened,
      text: () => undefined,
      binary: () => undefined,
      ended: () => undefined,
    };
    const socket = connectWith()(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, listener);
    const [far] = await connected;
    far.on('message', data => heard.push(data.toString()));
    expect(socket.idle).toBe(false);
    await open;
    const frame = new AudioFrame(160);
    const sound = Buffer.alloc(160);
    for (let n = 0; n < 50; n++) {
      sound.fill(n);
      if (n % 10 === 9) socket.send(`message ${n}`);
      else if (socket.idle) socket.write(frame.masked(sound, 0));
      else socket.send(frame.text(sound, 0));
    }
    socket.close(1000);
    const [code] = await once(far, 'close');
    expect(code).toBe(1000);
    expect(heard).toHaveLength(50);
    for (const [n, text] of heard.entries()) {
      if (n % 10 === 9) expect(text).toBe(`message ${n}`);
      else expect(JSON.parse(text).user_audio_chunk).toBe(Buffer.alloc(160, n).toString('base64'));
    }
    expect(socket.idle).toBe(false);
  });
});
