import net from 'node:net';
import tls from 'node:tls';
import { type CallerOptions, type CallOptions, SimCall, type SipConnection } from './call.ts';
import { format, header, type Message, MessageStream, methodOf, reply, statusOf } from './message.ts';

/** A stand-in PBX: one SIP connection that calls are made over. */
export class SimCaller implements SipConnection {
  readonly options: CallerOptions;
  readonly #socket: net.Socket;
  readonly #stream = new MessageStream();
  readonly #calls = new Map<string, SimCall>();
  readonly #waiting = new Map<string, (response: Message) => void>();
  closed = false;

  private constructor(options: CallerOptions, socket: net.Socket) {
    this.options = options;
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      for (const message of this.#stream.push(chunk)) this.#take(message);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.closed = true;
      for (const call of this.#calls.values()) call.disconnected();
    });
  }

  static async connect(options: CallerOptions): Promise<SimCaller> {
    const { host, port, localAddress } = options;
    const from = localAddress === undefined ? {} : { localAddress };
    const socket =
      options.transport === 'tcp'
        ? net.connect({ host, port, ...from })
        : tls.connect({
            host,
            port,
            ...from,
            servername: 'localhost',
            ...(options.ca === undefined ? {} : { ca: options.ca }),
          });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once(options.transport === 'tcp' ? 'connect' : 'secureConnect', () => resolve());
    });
    return new SimCaller(options, socket);
  }

  get localAddress(): string {
    return this.#socket.localAddress ?? '127.0.0.1';
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /** Sends an INVITE. */
  async call(options: CallOptions): Promise<SimCall> {
    const call = await SimCall.begin(this, options);
    this.#calls.set(call.callId, call);
    void call.ended.then(() => this.#calls.delete(call.callId));
    call.invite();
    return call;
  }

  /** Sends a request out of any dialogue and gives the final response. */
  request(method: string, headers: readonly (readonly [string, string])[] = [], body = ''): Promise<Message> {
    const branch = `z9hG4bK${Math.random().toString(36).slice(2)}`;
    const { transport, host, port } = this.options;
    const all: (readonly [string, string])[] = [
      ['Via', `SIP/2.0/${transport.toUpperCase()} ${this.localAddress}:${this.localPort};branch=${branch}`],
      ['Max-Forwards', '70'],
      ['From', `<sip:tester@${this.localAddress}>;tag=${branch.slice(7)}`],
      ['To', `<sip:bridge@${host}>`],
      ['Call-ID', `${branch}@sim`],
      ['CSeq', `1 ${method}`],
      ...headers,
    ];
    this.send(format(`${method} sip:bridge@${host}:${port} SIP/2.0`, all, body));
    return new Promise(resolve => this.#waiting.set(`${branch}@sim`, resolve));
  }

  send(text: string): void {
    if (!this.closed) this.#socket.write(text);
  }

  close(): void {
    for (const call of this.#calls.values()) call.media.close();
    this.#socket.destroy();
  }

  #take(message: Message): void {
    const callId = header(message, 'Call-ID');
    const waiting = this.#waiting.get(callId);
    if (waiting !== undefined && statusOf(message) >= 200) {
      this.#waiting.delete(callId);
      return waiting(message);
    }
    const call = this.#calls.get(callId);
    if (call !== undefined) return call.take(message);
    // RFC 3261 section 12.2.2: a request for a dialogue that is gone.
    if (statusOf(message) === 0 && methodOf(message) !== 'ACK')
      this.send(reply(message, 481, 'Call Does Not Exist'));
  }
}
