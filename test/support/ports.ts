import net, { type AddressInfo } from 'node:net';

const host = '127.0.0.1';
const retryMs = 50;

/** A TCP port of loopback that nobody has at this moment, for a program that cannot choose one itself. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>(resolve => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
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
