import net from 'node:net';
import { SimMedia, type Target } from '../../src/sim/caller/media.ts';
import {
  format,
  header,
  type Message,
  MessageStream,
  methodOf,
  reply,
  statusOf,
} from '../../src/sim/caller/message.ts';
import { payloadTypes, type SimCodec } from '../../src/sim/caller/sound.ts';
import { until } from './until.ts';

export interface TelephoneOptions {
  readonly codec?: SimCodec;
  /** `events` takes telephone-events; default true. */
  readonly events?: boolean;
  /** Answers an INVITE at once with this instead of ringing. */
  readonly refuse?: number;
}

/** A stand-in telephone on a TCP port of its own: rings until the test says otherwise, and has sound. */
export class Telephone {
  readonly requests: Message[] = [];
  readonly media: SimMedia;
  readonly #server: net.Server;
  readonly #options: TelephoneOptions;
  #socket: net.Socket | undefined;
  #invite: Message | undefined;

  private constructor(server: net.Server, media: SimMedia, options: TelephoneOptions) {
    this.#server = server;
    this.media = media;
    this.#options = options;
    server.on('connection', socket => this.#connected(socket));
  }

  static async open(options: TelephoneOptions = {}): Promise<Telephone> {
    const server = net.createServer();
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return new Telephone(server, await SimMedia.open('127.0.0.1', options.codec ?? 'PCMU'), options);
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** The first request of a method, once it has come. */
  request(method: string): Promise<Message> {
    return until(() => this.requests.find(each => methodOf(each) === method), `a ${method} to the telephone`);
  }

  /** Rings; with sound of its own it is early media. */
  ring(early: boolean): void {
    this.#respond(early ? 183 : 180, early);
  }

  answer(): void {
    this.#respond(200, true);
  }

  /** Hangs up a call that it answered. */
  hangUp(): void {
    const invite = this.#invite;
    if (invite === undefined) throw new Error('nobody has called');
    const contact = header(invite, 'Contact');
    const uri = contact.slice(contact.indexOf('<') + 1, contact.indexOf('>'));
    this.#socket?.write(
      format(`BYE ${uri} SIP/2.0`, [
        ['Via', `SIP/2.0/TCP 127.0.0.1:${this.port};branch=z9hG4bK${Math.random().toString(36).slice(2)}`],
        ['Max-Forwards', '70'],
        ['From', `${header(invite, 'To')};tag=telephone`],
        ['To', header(invite, 'From')],
        ['Call-ID', header(invite, 'Call-ID')],
        ['CSeq', '1 BYE'],
      ]),
    );
  }

  /** Cuts the connection that calls came over. */
  disconnect(): void {
    this.#socket?.destroy();
  }

  async close(): Promise<void> {
    this.media.close();
    this.disconnect();
    await new Promise<void>(resolve => this.#server.close(() => resolve()));
  }

  #connected(socket: net.Socket): void {
    this.#socket = socket;
    const stream = new MessageStream();
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      for (const message of stream.push(chunk)) if (statusOf(message) === 0) this.#take(message);
    });
  }

  #take(message: Message): void {
    this.requests.push(message);
    const method = methodOf(message);
    if (method === 'INVITE') {
      this.#invite = message;
      if (this.#options.refuse !== undefined) this.#respond(this.#options.refuse, false);
    } else if (method === 'CANCEL') {
      this.#socket?.write(reply(message, 200, 'OK'));
      this.#respond(487, false);
    } else if (method === 'REGISTER') {
      // A registrar tells the bindings there are: ours, until it is taken back.
      const contact = header(message, 'Contact');
      const left = /expires=0\b/i.test(contact) || /^0$/.test(header(message, 'Expires'));
      const text = reply(message, 200, 'OK');
      this.#socket?.write(left ? text : text.replace('\r\n', `\r\nContact: ${contact}\r\n`));
    } else if (method !== 'ACK') this.#socket?.write(reply(message, 200, 'OK'));
  }

  #respond(status: number, sound: boolean): void {
    const invite = this.#invite;
    if (invite === undefined) throw new Error('nobody has called');
    const tagged: Message = {
      ...invite,
      headers: invite.headers.map(([name, value]) =>
        name.toLowerCase() === 'to' ? ([name, `${value};tag=telephone`] as const) : ([name, value] as const),
      ),
    };
    const text = reply(tagged, status, 'Whatever', sound ? this.#sdp() : '');
    const contact = `Contact: <sip:telephone@127.0.0.1:${this.port};transport=tcp>`;
    this.#socket?.write(text.replace('\r\n', `\r\n${contact}\r\n`));
    if (sound) this.media.start(targetOf(invite.body));
  }

  #sdp(): string {
    const { codec = 'PCMU', events = true } = this.#options;
    const type = payloadTypes[codec];
    const lines = ['v=0', 'o=phone 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'];
    lines.push(
      `m=audio ${this.media.port} RTP/AVP ${type}${events ? ' 101' : ''}`,
      `a=rtpmap:${type} ${codec}/8000`,
    );
    if (events) lines.push('a=rtpmap:101 telephone-event/8000');
    return `${lines.join('\r\n')}\r\n`;
  }
}

function targetOf(sdp: string): Target {
  const address = /^c=IN IP4 (\S+)/m.exec(sdp)?.[1];
  const port = /^m=audio (\d+) /m.exec(sdp)?.[1];
  if (address === undefined || port === undefined) throw new Error('the offer has no usable SDP');
  return { address, port: Number(port) };
}
