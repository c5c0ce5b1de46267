import { randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { writeHeader } from '../../src/media/rtp/packet.ts';
import type { SrtpSender } from '../../src/media/srtp/sender.ts';
import { cryptoAttribute } from '../../src/sdp/crypto.ts';
import type { SrtpKey } from '../../src/sdp/srtp-key.ts';
import type { SipResponse } from '../../src/sip/embedded/message/message.ts';
import { SipClient } from '../contract/sip-client.ts';

const host = '127.0.0.1';

export interface PhoneOptions {
  readonly transport: 'tcp' | 'tls';
  readonly sipPort: number;
  readonly ca: string;
}

/** A telephone that sends what a test wants, however wrong, over one SIP connection and one UDP port. */
export class SecurePhone {
  readonly media: dgram.Socket;
  /** Datagrams that came, oldest first. */
  readonly heard: Buffer[] = [];
  readonly #client: SipClient;
  readonly #options: PhoneOptions;
  readonly #callId = `${randomBytes(9).toString('hex')}@phone`;
  readonly #tag = randomBytes(6).toString('hex');
  #to = '<sip:+14155550199@bridge.test>';
  #target = '';
  #cseq = 0;
  #branch = '';
  #sequence = 1;

  private constructor(client: SipClient, media: dgram.Socket, options: PhoneOptions) {
    this.#client = client;
    this.media = media;
    this.#options = options;
    media.on('message', packet => this.heard.push(packet));
  }

  static async connect(options: PhoneOptions): Promise<SecurePhone> {
    const where = { transport: options.transport, address: host, port: options.sipPort };
    const client = await SipClient.connect(where, options.ca);
    const media = dgram.createSocket('udp4');
    await new Promise<void>(resolve => void media.bind(0, host, resolve));
    return new SecurePhone(client, media, options);
  }

  /** An offer or answer of PCMU; every key becomes a line a=crypto, numbered from 1. */
  sdp(profile: string, keys: readonly SrtpKey[] = [], direction = 'sendrecv'): string {
    const lines = ['v=0', `o=phone 1 1 IN IP4 ${host}`, 's=-', `c=IN IP4 ${host}`, 't=0 0'];
    lines.push(`m=audio ${this.media.address().port} ${profile} 0`, 'a=rtpmap:0 PCMU/8000', `a=${direction}`);
    lines.push(...keys.map((key, i) => `a=crypto:${cryptoAttribute(String(i + 1), key).value}`));
    return `${lines.join('\r\n')}\r\n`;
  }

  /** INVITE, the first or one inside of the call, with an offer or without; settles with the final response. */
  async invite(sdp?: string): Promise<SipResponse> {
    const cseq = ++this.#cseq;
    this.#request('INVITE', cseq, sdp);
    const response = await this.#final(cseq);
    this.#to = response.headers.get('to') ?? this.#to;
    const contact = /<([^>]+)>/.exec(response.headers.get('contact') ?? '')?.[1];
    if (contact !== undefined) this.#target = contact;
    if (response.status >= 300) this.#request('ACK', cseq, undefined, this.#branch);
    return response;
  }

  /** ACK of a 200, with an answer where the 200 had the offer. */
  ack(sdp?: string): void {
    this.#request('ACK', this.#cseq, sdp);
  }

  async bye(): Promise<number> {
    const cseq = ++this.#cseq;
    this.#request('BYE', cseq);
    return (await this.#final(cseq)).status;
  }

  /** Settles when the far end has said BYE, which is answered. */
  async untilBye(): Promise<void> {
    const message = await this.#client.next(each => each.kind === 'request' && each.method === 'BYE');
    const kept = ['via', 'from', 'to', 'call-id', 'cseq'].flatMap(name =>
      message.headers.all(name).map(value => `${name}: ${value}`),
    );
    this.#client.send(['SIP/2.0 200 OK', ...kept, 'Content-Length: 0', '', ''].join('\r\n'));
  }

  /** One packet of 20 ms to the address of an SDP, protected by `sender` or plain. */
  speak(to: string, payload: Buffer, sender?: SrtpSender): Buffer {
    const packet = Buffer.alloc(12 + payload.length + (sender?.rtpExtraBytes ?? 0));
    const sequence = this.#sequence++ & 0xffff;
    writeHeader(packet, 0, false, sequence, sequence * 160, 0x50505050);
    payload.copy(packet, 12);
    sender?.sealRtp(packet, 12 + payload.length);
    this.media.send(packet, portOf(to), host);
    return packet;
  }

  close(): void {
    this.#client.end();
    this.media.close();
  }

  async #final(cseq: number): Promise<SipResponse> {
    const message = await this.#client.next(
      each =>
        each.kind === 'response' &&
        each.status >= 200 &&
        (each.headers.get('cseq') ?? '').startsWith(`${cseq} `),
    );
    if (message.kind !== 'response') throw new Error('not a response');
    return message;
  }

  #request(
    method: string,
    cseq: number,
    sdp = '',
    branch = `z9hG4bK${randomBytes(9).toString('hex')}`,
  ): void {
    this.#branch = branch;
    const { transport, sipPort } = this.#options;
    const uri = this.#target || `sip:+14155550199@${host}:${sipPort};transport=${transport}`;
    const lines = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/${transport.toUpperCase()} ${host}:9;branch=${branch}`,
      'Max-Forwards: 70',
      `From: <sip:+14155550123@${host}>;tag=${this.#tag}`,
      `To: ${this.#to}`,
      `Call-ID: ${this.#callId}`,
      `CSeq: ${cseq} ${method}`,
      `Contact: <sip:+14155550123@${host}:9;transport=${transport}>`,
      ...(sdp === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(sdp)}`,
    ];
    this.#client.send(`${lines.join('\r\n')}\r\n\r\n${sdp}`);
  }
}

/** The port of the audio line of an SDP. */
export function portOf(sdp: string): number {
  return Number(/^m=audio (\d+) /m.exec(sdp)?.[1]);
}
