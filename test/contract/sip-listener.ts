import { createServer, type Server } from 'node:net';
import type { NextHop } from '../../src/sip/signalling.ts';
import { answerTo } from '../unit/sip/embedded/messages.ts';
import { SipClient } from './sip-client.ts';

/** A place that calls of ours may go to: it hands out each connection that is made to it. */
export class SipListener {
  readonly hop: NextHop;
  readonly #server: Server;
  readonly #peers: SipClient[];
  readonly #waiting: ((peer: SipClient) => void)[] = [];

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#peers = [];
    this.hop = { transport: 'tcp', address: '127.0.0.1', port };
    server.on('connection', socket => {
      const peer = new SipClient(socket);
      this.#peers.push(peer);
      for (const take of this.#waiting.splice(0)) take(peer);
    });
  }

  static open(): Promise<SipListener> {
    return new Promise((resolve, reject) => {
      const server = createServer();
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(new SipListener(server, typeof address === 'object' ? (address?.port ?? 0) : 0));
      });
    });
  }

  /** The first connection, as soon as there is one. */
  peer(): Promise<SipClient> {
    const [first] = this.#peers;
    return first === undefined
      ? new Promise(resolve => void this.#waiting.push(resolve))
      : Promise.resolve(first);
  }

  /** The first request that comes, its sender, and a way to answer it as a telephone does. */
  async invited() {
    const peer = await this.peer();
    const invite = await peer.next(message => message.kind === 'request');
    if (invite.kind !== 'request') throw new Error('not a request');
    const answer = (status: number) =>
      peer.send(answerTo(invite, status).replace(/^(To: [^\r]*)\r/m, '$1;tag=telephone\r'));
    return { peer, invite, answer };
  }

  close(): void {
    this.#server.close();
    for (const peer of this.#peers) peer.end();
  }
}
