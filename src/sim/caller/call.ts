import { randomBytes } from 'node:crypto';
import { SimMedia } from './media.ts';
import { format, header, headersOf, type Message, methodOf, reply, statusOf } from './message.ts';
import { payloadTypes, type SimCodec } from './sound.ts';

export interface CallerOptions {
  readonly transport: 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
  /** PEM of the certificate to trust, for tls. */
  readonly ca?: string;
  /** Address to come from; loopback has many. */
  readonly localAddress?: string;
}

/** What a call needs of the connection it is made over. */
export interface SipConnection {
  readonly options: CallerOptions;
  readonly localAddress: string;
  readonly localPort: number;
  send(text: string): void;
}

export interface CallOptions {
  readonly codec: SimCodec;
  /** User parts of From and of To. */
  readonly from?: string;
  readonly to?: string;
  readonly headers?: readonly (readonly [string, string])[];
  /** SDP to offer instead of the usual one; `PORT` in it becomes the RTP port. */
  readonly sdp?: string;
  readonly packetTime?: number;
}

/** How a stand-in call went on the signalling side. Times in ms of the monotonic clock. */
export interface Outcome {
  readonly status: number;
  readonly response: Message;
  readonly ms: number;
}

/** One call of a stand-in caller: a UAC of its own with RTP. */
export class SimCall {
  readonly callId = `${randomBytes(9).toString('hex')}@sim`;
  readonly media: SimMedia;
  readonly provisional: number[] = [];
  /** The final response to the INVITE. */
  readonly answered: Promise<Outcome>;
  /** Who ended it: `bye` of the far end, our `hangup`, a `rejected` INVITE, or `disconnected`. */
  readonly ended: Promise<'bye' | 'hangup' | 'rejected' | 'disconnected'>;
  /** The BYE of the far end, once it has come. */
  bye: Message | undefined;
  /** What the far end has asked for inside of the call, ACK excepted, oldest first. */
  readonly requests: Message[] = [];
  /** Statuses by method, where they are not to be 200. */
  readonly statuses = new Map<string, number>();
  readonly #caller: SipConnection;
  readonly #options: CallOptions;
  readonly #tag = randomBytes(6).toString('hex');
  readonly #branch = `z9hG4bK${randomBytes(9).toString('hex')}`;
  #settleAnswered: (outcome: Outcome) => void = () => undefined;
  #settleEnded: (how: 'bye' | 'hangup' | 'rejected' | 'disconnected') => void = () => undefined;
  #begun = 0;
  #cseq = 1;
  #remote: { to: string; contact: string; routes: string[] } | undefined;
  readonly #pending = new Map<string, (response: Message) => void>();

  private constructor(caller: SipConnection, options: CallOptions, media: SimMedia) {
    this.#caller = caller;
    this.#options = options;
    this.media = media;
    this.answered = new Promise(resolve => {
      this.#settleAnswered = resolve;
    });
    this.ended = new Promise(resolve => {
      this.#settleEnded = resolve;
    });
  }

  static async begin(caller: SipConnection, options: CallOptions): Promise<SimCall> {
    return new SimCall(caller, options, await SimMedia.open(caller.localAddress, options.codec));
  }

  invite(): void {
    this.#begun = performance.now();
    const user = this.#options.from ?? '+14155550123';
    const { transport } = this.#caller.options;
    this.#send(
      'INVITE',
      this.#requestUri(),
      this.#branch,
      1,
      this.#to(),
      [
        ['Contact', `<sip:${user}@${this.#host()};transport=${transport}>`],
        ['Allow', 'INVITE, ACK, BYE, CANCEL, OPTIONS'],
        ...(this.#options.headers ?? []),
        ['Content-Type', 'application/sdp'],
      ],
      this.sdp(),
    );
  }

  /** Gives up before the answer. */
  cancel(): void {
    this.#send('CANCEL', this.#requestUri(), this.#branch, 1, this.#to());
  }

  /** Hangs up after the answer; settles with the status of the answer to the BYE. */
  async hangup(): Promise<number> {
    const response = await this.request('BYE');
    this.#finish('hangup');
    return statusOf(response);
  }

  /** Sends a request inside of the dialogue and gives its final response. */
  request(method: string, headers: readonly (readonly [string, string])[] = [], body = ''): Promise<Message> {
    if (this.#remote === undefined) throw new Error('the call has not been answered');
    this.#cseq += 1;
    const branch = `z9hG4bK${randomBytes(9).toString('hex')}`;
    const routes = this.#remote.routes.map(route => ['Route', route] as const);
    this.#send(
      method,
      this.#remote.contact,
      branch,
      this.#cseq,
      this.#remote.to,
      [...routes, ...headers],
      body,
    );
    return new Promise(resolve => this.#pending.set(`${this.#cseq} ${method}`, resolve));
  }

  /** The usual offer with a direction: `sendrecv`, `sendonly`, `inactive`. */
  sdp(direction = 'sendrecv', version = 1): string {
    const { codec, packetTime, sdp } = this.#options;
    if (sdp !== undefined) return sdp.replaceAll('PORT', String(this.media.port));
    const address = this.#caller.localAddress;
    const family = address.includes(':') ? 'IP6' : 'IP4';
    const type = payloadTypes[codec];
    const lines = [
      'v=0',
      `o=sim 1 ${version} IN ${family} ${address}`,
      's=-',
      `c=IN ${family} ${address}`,
      't=0 0',
      `m=audio ${this.media.port} RTP/AVP ${type} 101`,
      `a=rtpmap:${type} ${codec}/8000`,
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      `a=ptime:${packetTime ?? 20}`,
      `a=${direction}`,
    ];
    return `${lines.join('\r\n')}\r\n`;
  }

  take(message: Message): void {
    const status = statusOf(message);
    if (status === 0) return this.#takeRequest(message);
    if (methodOf(message) !== 'INVITE' || this.#remote !== undefined) return this.#takeLater(message, status);
    if (status < 200) {
      this.provisional.push(status);
      return;
    }
    const ms = performance.now() - this.#begun;
    if (status < 300) this.#confirm(message);
    else this.#send('ACK', this.#requestUri(), this.#branch, 1, header(message, 'To'));
    this.#settleAnswered({ status, response: message, ms });
    if (status >= 300) this.#finish('rejected');
  }

  disconnected(): void {
    this.#finish('disconnected');
  }

  #takeRequest(request: Message): void {
    if (methodOf(request) === 'ACK') return;
    this.requests.push(request);
    const status = this.statuses.get(methodOf(request)) ?? 200;
    const described = status === 200 && methodOf(request) === 'INVITE';
    this.#caller.send(reply(request, status, 'OK', described ? this.#agreed(request.body) : ''));
    if (methodOf(request) !== 'BYE') return;
    this.bye = request;
    this.#finish('bye');
  }

  /** The usual answer to a re-offer: its direction, seen from here. */
  #agreed(offer: string): string {
    const direction = /^a=(sendonly|recvonly|inactive)/m.exec(offer)?.[1] ?? 'sendrecv';
    const mirrored: Readonly<Record<string, string>> = { sendonly: 'recvonly', recvonly: 'sendonly' };
    return this.sdp(mirrored[direction] ?? direction, this.requests.length + 1);
  }

  #takeLater(message: Message, status: number): void {
    if (status < 200) return;
    const cseq = header(message, 'CSeq');
    const remote = this.#remote;
    if (methodOf(message) === 'INVITE' && remote !== undefined) {
      // RFC 3261 section 13.2.2.4: every 2xx is acknowledged anew; other final responses within their transaction.
      const number = Number.parseInt(cseq, 10);
      const branch = `z9hG4bK${randomBytes(9).toString('hex')}`;
      this.#send(
        'ACK',
        remote.contact,
        branch,
        number,
        remote.to,
        remote.routes.map(route => ['Route', route] as const),
      );
    }
    this.#pending.get(cseq)?.(message);
    this.#pending.delete(cseq);
  }

  #confirm(response: Message): void {
    const contact = header(response, 'Contact');
    const uri = contact.slice(contact.indexOf('<') + 1, contact.indexOf('>'));
    const routes = headersOf(response, 'Record-Route').reverse();
    this.#remote = { to: header(response, 'To'), contact: uri, routes };
    const branch = `z9hG4bK${randomBytes(9).toString('hex')}`;
    this.#send(
      'ACK',
      uri,
      branch,
      1,
      this.#remote.to,
      routes.map(route => ['Route', route] as const),
    );
    this.media.start(mediaTarget(response.body));
  }

  #finish(how: 'bye' | 'hangup' | 'rejected' | 'disconnected'): void {
    this.media.close();
    this.#settleEnded(how);
  }

  #send(
    method: string,
    uri: string,
    branch: string,
    cseq: number,
    to: string,
    headers: readonly (readonly [string, string])[] = [],
    body = '',
  ): void {
    const user = this.#options.from ?? '+14155550123';
    const via = `SIP/2.0/${this.#caller.options.transport.toUpperCase()} ${this.#host()};branch=${branch}`;
    const all: (readonly [string, string])[] = [
      ['Via', via],
      ['Max-Forwards', '70'],
      ['From', `<sip:${user}@${this.#host()}>;tag=${this.#tag}`],
      ['To', to],
      ['Call-ID', this.callId],
      ['CSeq', `${cseq} ${method}`],
      ...headers,
    ];
    this.#caller.send(format(`${method} ${uri} SIP/2.0`, all, body));
  }

  #host(): string {
    const { localAddress, localPort } = this.#caller;
    return `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`;
  }

  #requestUri(): string {
    const { host, port, transport } = this.#caller.options;
    return `sip:${this.#options.to ?? '+14155550199'}@${host.includes(':') ? `[${host}]` : host}:${port};transport=${transport}`;
  }

  #to(): string {
    return `<sip:${this.#options.to ?? '+14155550199'}@${this.#caller.options.host}>`;
  }
}

/** Where the first media line of an SDP wants its packets. */
function mediaTarget(sdp: string): { address: string; port: number } {
  const address = /^c=IN IP[46] (\S+)/m.exec(sdp)?.[1];
  const port = /^m=audio (\d+) /m.exec(sdp)?.[1];
  if (address === undefined || port === undefined) throw new Error('the answer has no usable SDP');
  return { address, port: Number(port) };
}
