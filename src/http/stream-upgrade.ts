import type { IncomingMessage, Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from '../core/logger.ts';
import { passHeader } from '../core/stream-pass.ts';
import { streamOfPath, streamPath } from '../core/twilio-paths.ts';
import type { TwilioCheck } from './twilio.ts';

/** Where the stream of one call is taken: the listener of its worker, and what lets a connection in there. */
export interface StreamEntrance {
  readonly port: number;
  readonly pass: string;
}

export interface StreamUpgradeOptions {
  readonly check: TwilioCheck;
  /** Who waits for a stream under this name. It is given once: the second asker finds nobody. */
  readonly take: (name: string) => StreamEntrance | undefined;
  readonly log: Logger;
}

/** Headers of a handshake that are passed on: the others are the proxy's matter, or would pass for ours. */
const passedOn = /^(upgrade|connection|sec-websocket-(key|version))$/i;
const connectMs = 2_000;

/**
 * Checks the upgrade of a media stream and then only passes bytes on, both ways, to the worker that carries the call: what is
 * said in it is never read on this thread. Returns what closes the streams that are up.
 */
export function streamUpgrade(server: Server, options: StreamUpgradeOptions): () => void {
  const open = new Set<Duplex>();
  let told = false;
  const detour = (worker: number) => {
    if (told) return;
    told = true;
    options.log.warn(
      'a media stream for a worker came by the main thread: the reverse proxy does not route its path to TWILIO_STREAM_LISTEN',
      { path: streamPath('', worker) },
    );
  };
  server.on('upgrade', (request, client, head) => {
    open.add(client);
    client.once('close', () => open.delete(client));
    client.on('error', () => client.destroy());
    pass(request, client as Socket, head, { ...options, detour });
  });
  return () => {
    for (const client of open) client.destroy();
  };
}

function pass(
  request: IncomingMessage,
  client: Socket,
  head: Buffer,
  { check, take, log, detour }: StreamUpgradeOptions & { detour: (worker: number) => void },
): void {
  const target = request.url ?? '';
  const stream = streamOfPath(target);
  if (stream === undefined) return refuse(client, '404 Not Found');
  const signature = request.headers['x-twilio-signature'];
  const verdict = check.upgrade(typeof signature === 'string' ? signature : undefined, target);
  if (verdict !== 'good') {
    log.warn('a media stream has no good signature', verdict === 'bad' ? {} : { missing: verdict.missing });
    return refuse(client, verdict === 'bad' ? '403 Forbidden' : '503 Service Unavailable');
  }
  if (stream.worker !== undefined) detour(stream.worker);
  const entrance = take(stream.name);
  if (entrance === undefined) {
    log.warn('a media stream came for a call that waits for none');
    return refuse(client, '404 Not Found');
  }
  const worker = connect({ host: '127.0.0.1', port: entrance.port, noDelay: true });
  const late = setTimeout(() => worker.destroy(), connectMs);
  worker.once('connect', () => {
    clearTimeout(late);
    // The server counts an idle connection out; the worker knows better when a stream is idle.
    client.setTimeout(0);
    client.setNoDelay(true);
    worker.write(handshake(request, entrance.pass));
    if (head.length > 0) worker.write(head);
    client.pipe(worker);
    worker.pipe(client);
  });
  worker.once('error', () => client.destroy());
  worker.once('close', () => {
    clearTimeout(late);
    client.destroySoon();
  });
  client.once('close', () => worker.destroySoon());
}

function handshake({ rawHeaders }: IncomingMessage, secret: string): string {
  const lines = ['GET / HTTP/1.1', 'Host: 127.0.0.1', `${passHeader}: ${secret}`];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (passedOn.test(rawHeaders[i]!)) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function refuse(client: Socket, status: string): void {
  client.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
