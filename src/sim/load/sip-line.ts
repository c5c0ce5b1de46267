import net from 'node:net';
import { format, header, type Message, MessageStream, methodOf, reply, statusOf } from '../caller/message.ts';
import type { Profile } from './profile.ts';
import { sealSuite } from './seal.ts';

/** How an INVITE ended. */
export interface Answer {
  readonly status: number;
  /** Where the far end wants its sound; 0 when it refused. */
  readonly rtpPort: number;
  /** Its master key and salt, where it encrypts. */
  readonly master?: Buffer;
}

/** What a telephone is called with. */
export interface Invitation {
  readonly call: number;
  readonly profile: Profile;
  readonly rtpPort: number;
  /** Own master key and salt: with them nothing is taken but SRTP. */
  readonly master?: Buffer;
}

interface Dialog {
  readonly call: number;
  readonly callId: string;
  readonly settle: (answer: Answer) => void;
  to: string;
  target: string;
  sequence: number;
  goodbye: (() => void) | undefined;
}

const host = '127.0.0.1';

/** One TCP connection of a PBX that calls are made over, with no more of SIP than a call that goes well needs. */
export class SipLine {
  /** Called with the number of a call that the far end hung up. */
  onBye: (call: number) => void = () => undefined;
  readonly #socket: net.Socket;
  readonly #messages = new MessageStream();
  readonly #dialogs = new Map<string, Dialog>();
  #branches = 0;

  static async connect(port: number): Promise<SipLine> {
    const socket = net.connect({ host, port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', resolve);
    });
    socket.removeAllListeners('error');
    return new SipLine(socket);
  }

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('data', chunk => {
      for (const message of this.#messages.push(chunk)) this.#take(message);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      for (const dialog of this.#dialogs.values()) {
        dialog.settle({ status: 0, rtpPort: 0 });
        dialog.goodbye?.();
      }
    });
  }

  /** Calls, and acknowledges the answer. */
  invite(invitation: Invitation): Promise<Answer> {
    const { call } = invitation;
    const callId = `load-${process.pid}-${call}@sim`;
    return new Promise(settle => {
      const target = `sip:+14155550199@${host}:${this.#socket.remotePort}`;
      const dialog = {
        call,
        callId,
        settle,
        to: `<${target}>`,
        target,
        sequence: 1,
        goodbye: undefined,
      };
      this.#dialogs.set(callId, dialog);
      this.#send(
        'INVITE',
        dialog,
        [
          ['Contact', `<sip:load@${host}:${this.#socket.localPort};transport=tcp>`],
          ['X-CALL-ID', `load-${call}`],
          ['X-CALLER-ID', '+14155550123'],
          ['Content-Type', 'application/sdp'],
        ],
        offer(invitation),
      );
    });
  }

  /** Hangs up; settles when the far end has agreed. */
  async bye(call: number): Promise<void> {
    const dialog = [...this.#dialogs.values()].find(each => each.call === call);
    if (dialog === undefined || this.#socket.destroyed) return;
    await new Promise<void>(resolve => {
      dialog.goodbye = resolve;
      dialog.sequence++;
      this.#send('BYE', dialog);
    });
    this.#dialogs.delete(dialog.callId);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(message: Message): void {
    const dialog = this.#dialogs.get(header(message, 'Call-ID'));
    const status = statusOf(message);
    if (status === 0) return this.#asked(message, dialog);
    if (dialog === undefined || status < 200) return;
    if (methodOf(message) === 'BYE') return dialog.goodbye?.();
    dialog.to = header(message, 'To');
    if (status >= 300) {
      this.#send('ACK', dialog, [], '', true);
      this.#dialogs.delete(dialog.callId);
      return dialog.settle({ status, rtpPort: 0 });
    }
    const contact = header(message, 'Contact');
    dialog.target = contact.slice(contact.indexOf('<') + 1, contact.indexOf('>'));
    this.#send('ACK', dialog);
    const master = key.exec(message.body)?.[1];
    dialog.settle({
      status,
      rtpPort: Number(/^m=audio (\d+) /m.exec(message.body)?.[1] ?? 0),
      ...(master === undefined ? {} : { master: Buffer.from(master, 'base64') }),
    });
  }

  #asked(request: Message, dialog: Dialog | undefined): void {
    if (methodOf(request) === 'ACK') return;
    this.#socket.write(reply(request, 200, 'OK'));
    if (methodOf(request) !== 'BYE' || dialog === undefined) return;
    this.#dialogs.delete(dialog.callId);
    dialog.goodbye?.();
    this.onBye(dialog.call);
  }

  #send(
    method: string,
    dialog: Dialog,
    more: readonly (readonly [string, string])[] = [],
    body = '',
    refused = false,
  ): void {
    // RFC 3261 section 17.1.1.3: the ACK of a refusal belongs to the transaction of the INVITE; any other is its own.
    const ofInvite = method === 'INVITE' || refused;
    const branch = ofInvite ? dialog.callId : `${dialog.callId}-${this.#branches++}`;
    this.#socket.write(
      format(
        `${method} ${dialog.target} SIP/2.0`,
        [
          ['Via', `SIP/2.0/TCP ${host}:${this.#socket.localPort};branch=z9hG4bK-${branch}`],
          ['Max-Forwards', '70'],
          ['From', `<sip:+14155550123@${host}>;tag=${dialog.call}`],
          ['To', dialog.to],
          ['Call-ID', dialog.callId],
          ['CSeq', `${dialog.sequence} ${method}`],
          ...more,
        ],
        body,
      ),
    );
  }
}

/** The key of an answer (RFC 4568 section 6.1). */
const key = new RegExp(`^a=crypto:1 ${sealSuite} inline:([A-Za-z0-9+/=]+)`, 'm');

function offer({ profile: { codec, payloadType }, rtpPort, master }: Invitation): string {
  const lines = [
    'v=0',
    `o=load 1 1 IN IP4 ${host}`,
    's=-',
    `c=IN IP4 ${host}`,
    't=0 0',
    `m=audio ${rtpPort} RTP/${master === undefined ? 'AVP' : 'SAVP'} ${payloadType} 101`,
    `a=rtpmap:${payloadType} ${codec}/8000`,
    'a=rtpmap:101 telephone-event/8000',
    'a=ptime:20',
    ...(master === undefined ? [] : [`a=crypto:1 ${sealSuite} inline:${master.toString('base64')}`]),
  ];
  return `${lines.join('\r\n')}\r\n`;
}
