import { randomInt } from 'node:crypto';
import net from 'node:net';

const host = '127.0.0.1';
const retryMs = 50;
/** Below the ports that a kernel gives to outgoing connections: one of those could take what was found free. */
const candidates = { first: 12_000, end: 19_000 };

/**
 * A TCP port of loopback that nobody has at this moment, for a program that cannot choose one itself. `taken` are others that
 * are meant for it: nobody has them yet.
 */
export async function freePort(taken: readonly number[] = []): Promise<number> {
  for (;;) {
    const port = randomInt(candidates.first, candidates.end);
    if (!taken.includes(port) && (await isFree(port))) return port;
  }
}

/** The first of `count` such ports in a row; it ends in 0. */
export async function freePortsInARow(count: number): Promise<number> {
  for (;;) {
    const first = 10 * randomInt(candidates.first / 10, candidates.end / 10);
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(first + i)));
    if (free.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = net.createServer();
  return new Promise(resolve => {
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/** Settles with a connection to that port as soon as somebody takes one there; rejects after `timeoutMs`. */
export async function connectWhenOpen(port: number, timeoutMs = 20_000): Promise<net.Socket> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const socket = net.connect(port, host);
    const connected = await new Promise<boolean>(resolve => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (connected) return socket;
    if (performance.now() > deadline) throw new Error(`nobody listens on port ${port}`);
    await new Promise(resolve => setTimeout(resolve, retryMs));
  }
}
