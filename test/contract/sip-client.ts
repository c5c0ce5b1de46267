import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import tls from 'node:tls';
import { StreamFramer } from '../../src/sip/embedded/message/framer.ts';
import type { SipMessage, SipResponse } from '../../src/sip/embedded/message/message.ts';
import { parseMessage } from '../../src/sip/embedded/message/parser.ts';
import type { ListenAddress } from '../../src/sip/signalling.ts';

/** For a server whose certificate the tests have not made, and so cannot vouch for. */
export const anyCertificate = Symbol('any certificate');

/**
 * A SIP peer that is nothing but a socket and a list of what came. What it sends as the beginner of calls has Call-IDs and
 * branches of its own, which nobody sees here: a server that outlives a test remembers those of the test before.
 */
export class SipClient {
  readonly socket: Socket;
  readonly messages: SipMessage[] = [];
  readonly #framer = new StreamFramer();
  #waiting: (() => void)[] = [];
  readonly #mark: string;
  closed = false;
  pongs = 0;

  constructor(socket: Socket, mark = '') {
    this.socket = socket;
    this.#mark = mark;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
    socket.on('data', chunk => {
      if (chunk.toString() === '\r\n') this.pongs++;
      this.#framer.push(chunk);
      for (let frame = this.#framer.next(); frame !== undefined; frame = this.#framer.next()) {
        if (frame.type !== 'message') continue;
        const head = mark === '' ? frame.head : Buffer.from(frame.head.toString().replaceAll(mark, ''));
        const parsed = parseMessage(head, frame.body);
        if (!parsed.ok) throw new Error(`unreadable: ${parsed.failure.reason}`);
        this.messages.push(parsed.value);
      }
      this.#wake();
    });
  }

  static connect(where: ListenAddress, ca?: string | typeof anyCertificate): Promise<SipClient> {
    return new Promise((resolve, reject) => {
      const to = { host: where.address, port: where.port };
      const secure = where.transport === 'tls';
      const trust = ca === anyCertificate ? { rejectUnauthorized: false } : { ca };
      const socket = secure ? tls.connect({ ...to, ...trust }) : connect(to);
      socket.once('error', reject);
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        socket.off('error', reject);
        resolve(new SipClient(socket, `.${randomBytes(6).toString('hex')}`));
      });
    });
  }

  send(text: string | Buffer): void {
    this.socket.write(typeof text === 'string' && this.#mark !== '' ? this.#marked(text) : text);
  }

  #marked(text: string): string {
    const named = text.replaceAll(/^Call-ID: (.*)\r$/gm, `Call-ID: $1${this.#mark}\r`);
    // Branches of responses are not ours.
    if (text.startsWith('SIP/2.0 ')) return named;
    const branched = named.replaceAll(/;branch=([\w.]+)/g, `;branch=$1${this.#mark}`);
    // RFC 3261 section 18.1.1: some servers take no Via that names another transport than the one it came over.
    return this.socket instanceof tls.TLSSocket
      ? branched.replaceAll('Via: SIP/2.0/TCP', 'Via: SIP/2.0/TLS')
      : branched;
  }

  /** Settles when `done` holds; it is asked again whenever something came. */
  async until(done: () => boolean): Promise<void> {
    while (!done()) {
      await new Promise<void>(resolve => void this.#waiting.push(resolve));
    }
  }

  /** The next message that `wanted` takes; it and all before it are dropped. */
  async next(wanted: (message: SipMessage) => boolean): Promise<SipMessage> {
    await this.until(() => this.closed || this.messages.some(wanted));
    const at = this.messages.findIndex(wanted);
    if (at < 0) throw new Error('the connection closed first');
    const [message] = this.messages.splice(0, at + 1).slice(-1);
    if (message === undefined) throw new Error('nothing came');
    return message;
  }

  async response(status: number): Promise<SipResponse> {
    const message = await this.next(m => m.kind === 'response' && m.status === status);
    if (message.kind !== 'response') throw new Error('not a response');
    return message;
  }

  end(): void {
    this.socket.destroy();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
