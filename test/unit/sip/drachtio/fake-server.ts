import { randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { expect } from 'vitest';
import type { DrachtioSignalling } from '../../../../src/sip/drachtio/signalling.ts';
import type { ManualClock } from '../../../support/manual-clock.ts';

/** One message of the application: `length#id|kind|...`, what follows the first line, and the connection it came over. */
export interface Said {
  readonly id: string;
  readonly kind: string;
  readonly fields: readonly string[];
  readonly text: string;
  readonly socket: Socket;
}

export interface Arrival {
  readonly text: string;
  readonly transaction?: string;
  readonly dialog?: string;
  readonly source?: 'network' | 'application';
}

/** The name by which this server knows the dialogue of the one call that it has. */
export const dialogId = 'the-dialog';

/**
 * Stands in for a drachtio-server: it speaks the protocol that applications speak with one, as drachtio-srf 5 does and
 * as `length#message` on a stream, and knows nothing of SIP but what it is told. A real one is in test/contract.
 */
export class FakeServer {
  readonly said: Said[] = [];
  secret = 'good';
  /** What becomes of responses and requests: confirmed at once, refused with a text, or left without a word. */
  confirms: 'yes' | 'no' | 'never' = 'yes';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #waiting: (() => void)[] = [];

  constructor() {
    this.#server = createServer(socket => this.serve(socket));
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  listen(port = 0): Promise<void> {
    return new Promise(resolve => void this.#server.listen(port, '127.0.0.1', () => resolve()));
  }

  /** Speaks over a connection that it has made itself, or was made to it. */
  serve(socket: Socket): void {
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    let held = Buffer.alloc(0);
    socket.on('data', chunk => {
      held = Buffer.concat([held, chunk]);
      for (let hash = held.indexOf('#'); hash > 0; hash = held.indexOf('#')) {
        const end = hash + 1 + Number(held.toString('latin1', 0, hash));
        if (held.length < end) break;
        this.#hear(held.toString('utf8', hash + 1, end), socket);
        held = held.subarray(end);
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#wake();
    });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => void this.#server.close(() => resolve()));
    this.drop();
    await closed;
  }

  /** Breaks every connection. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Settles when `done` holds; it is asked again whenever something came. */
  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>(resolve => void this.#waiting.push(resolve));
  }

  /** The next message that `wanted` takes, taken out of `said`. */
  async next(wanted: (said: Said) => boolean): Promise<Said> {
    await this.until(() => this.said.some(wanted));
    const [found] = this.said.splice(this.said.findIndex(wanted), 1);
    if (found === undefined) throw new Error('nothing was said');
    return found;
  }

  /** The next response with that status, or request with that method. */
  sip(start: string): Promise<Said> {
    return this.next(({ kind, text }) => kind === 'sip' && new RegExp(`^(SIP/2.0 )?${start} `).test(text));
  }

  /** Hands SIP messages to the application, all of them in one piece. */
  deliver(...arrivals: readonly Arrival[]): void {
    this.raw(arrivals.map(arrival).join(''));
  }

  /** Confirms what the application said: a request or response went out, and looked like `text`. */
  confirm(said: Said, text = outgoing(said.text), transaction = 'out'): void {
    const first = ['response', said.id, 'OK', 'application', text.length, 'tcp', '192.0.2.10', 5062, '12:00'];
    this.raw(frame([randomUUID(), ...first, transaction, dialogId, ''].join('|'), text), said.socket);
  }

  raw(text: string, socket?: Socket): void {
    const to = socket ?? [...this.#sockets].at(-1);
    to?.write(text);
  }

  #hear(message: string, socket: Socket): void {
    const end = message.indexOf('\r\n');
    const [id = '', kind = '', ...fields] = (end < 0 ? message : message.slice(0, end)).split('|');
    const said: Said = { id, kind, fields, text: end < 0 ? '' : message.slice(end + 2), socket };
    if (kind === 'authenticate') {
      const good = fields[0] === this.secret;
      const words = good
        ? ['OK', 'tcp/127.0.0.1:5060,udp/127.0.0.1:5060', 'v0.9.10', '']
        : ['NOK', 'incorrect secret'];
      this.raw(frame([randomUUID(), 'response', id, ...words].join('|')), socket);
    } else if (kind === 'route') this.raw(frame([randomUUID(), 'response', id, 'OK'].join('|')), socket);
    else if (kind === 'sip' && this.confirms === 'yes') this.confirm(said);
    else if (kind === 'sip' && this.confirms === 'no') {
      const words = ['NOK', 'Response not sent due to unknown transaction'];
      this.raw(frame([randomUUID(), 'response', id, ...words].join('|')), socket);
    }
    this.said.push(said);
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

/** What a telephone answers to a request of ours. */
export function telephoneSays(
  status: number,
  fields: Readonly<Record<'From' | 'To' | 'Call-ID' | 'CSeq', string>>,
  more: readonly string[] = [],
  sdp = '',
): string {
  const lines = [
    `SIP/2.0 ${status} Whatever`,
    'Via: SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bKo',
    ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`),
    'Contact: <sip:telephone@192.0.2.20:5080;transport=tcp>',
    ...more,
    ...(sdp === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${sdp.length}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${sdp}`;
}

/** Closes the backend that was tried, and its server, and sees that nothing is left. */
export async function closeBoth(
  signalling: DrachtioSignalling,
  server: FakeServer,
  clock: ManualClock,
): Promise<void> {
  const closing = signalling.close(100);
  clock.advance(100);
  await closing;
  await server.close();
  expect(signalling.stats()).toEqual({ connections: 0, transactions: 0, dialogs: 0, timers: 0 });
}

function arrival({ text, transaction = 'one', dialog = '', source = 'network' }: Arrival): string {
  const first = ['sip', source, text.length, 'tcp', '192.0.2.10', 5062, '12:00', transaction, dialog];
  return frame([randomUUID(), ...first, '127.0.0.1', '5060'].join('|'), text);
}

function frame(first: string, text?: string): string {
  const message = text === undefined ? first : `${first}\r\n${text}`;
  return `${Buffer.byteLength(message)}#${message}`;
}

/** What a server makes of a message that the application gave it: its own Contact, and a tag in To. */
function outgoing(text: string): string {
  const end = text.indexOf('\r\n\r\n');
  const head = end < 0 ? text.trimEnd() : text.slice(0, end);
  const tagged = head.replace(/^(to: [^\r\n]*)$/im, (line: string) =>
    line.includes(';tag=') ? line : `${line};tag=server`,
  );
  const contact = /^contact:/im.test(tagged) ? '' : '\r\nContact: <sip:127.0.0.1:5060;transport=tcp>';
  return `${tagged}${contact}\r\n\r\n${end < 0 ? '' : text.slice(end + 4)}`;
}
