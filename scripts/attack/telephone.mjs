// A telephone that costs next to nothing: many of them must not be what is slow.
import { header, methodOf, statusOf } from '../../dist/src/sim/caller/message.js';
import { rtpPacket, socketAt, tonePayload } from './media.mjs';
import { open, read, request, token } from './wire.mjs';

/** What the callers hum, Hz: 20 ms hold a whole number of periods. */
export const humHz = 450;
const hum = tonePayload(humHz, -20);
const frameMs = 20;
const speaking = new Set();

let origin;
let frames = 0;

/** One timer for all telephones. */
function speak() {
  origin ??= performance.now();
  for (; origin + frames * frameMs <= performance.now(); frames++) for (const call of speaking) call.frame();
}

export function startSpeaking() {
  return setInterval(speak, 5);
}

/** A connection over which calls are made. */
export class Line {
  #calls = new Map();
  #socket;
  localAddress;

  static async open({ tcp, localAddress }) {
    const line = new Line();
    line.localAddress = localAddress;
    line.#socket = await open({ ...tcp, localAddress });
    if (line.#socket === undefined) throw new Error('the carrier cannot connect');
    read(line.#socket, message => line.#calls.get(header(message, 'Call-ID'))?.take(message));
    return line;
  }

  /** Sends an INVITE; sound goes to `media`, a socket, if there is one. */
  call(media, port = media.address().port) {
    const call = new Call(this, media, port);
    this.#calls.set(call.callId, call);
    call.invite();
    return call;
  }

  send(text) {
    if (!this.#socket.destroyed) this.#socket.write(text);
  }

  forget(call) {
    this.#calls.delete(call.callId);
  }

  close() {
    this.#socket.destroy();
  }
}

class Call {
  callId = `${token()}@carrier`;
  fromTag = token();
  toTag = '';
  rtpPort = 0;
  ms = 0;
  state = 'calling';
  packets = 0;
  lost = 0;
  repeated = 0;
  longestGap = 0;
  answered;
  #line;
  #media;
  #port;
  #begun = performance.now();
  #settle;
  #sequence = 0;
  #last = -1;
  #lastAt = 0;

  constructor(line, media, port) {
    this.#line = line;
    this.#media = media;
    this.#port = port;
    this.answered = new Promise(resolve => {
      this.#settle = resolve;
    });
    media?.on('message', packet => this.#hear(packet));
  }

  invite() {
    const { localAddress } = this.#line;
    const sdp = ['v=0', `o=- 1 1 IN IP4 ${localAddress}`, 's=-', `c=IN IP4 ${localAddress}`, 't=0 0'];
    const body = [...sdp, `m=audio ${this.#port} RTP/AVP 0`, ''].join('\r\n');
    this.#send('INVITE', 1, {
      headers: [['Content-Type', 'application/sdp']],
      body,
      branch: `z9hG4bK${this.callId}`,
    });
  }

  frame() {
    const packet = rtpPacket(this.#sequence, this.#port, hum);
    this.#sequence++;
    this.#media.send(packet, this.rtpPort, '127.0.0.1');
  }

  hangup() {
    if (this.state === 'up') this.#send('BYE', 2, { toTag: this.toTag });
    this.#over('hung up');
  }

  take(message) {
    const status = statusOf(message);
    if (status === 0 && methodOf(message) === 'BYE') {
      this.#over('ended by the far end');
      const kept = message.headers.filter(([name]) =>
        ['Via', 'From', 'To', 'Call-ID', 'CSeq'].includes(name),
      );
      const rows = kept.map(([name, value]) => `${name}: ${value}`).join('\r\n');
      this.#line.send(`SIP/2.0 200 OK\r\n${rows}\r\nContent-Length: 0\r\n\r\n`);
    }
    if (status < 200 || methodOf(message) !== 'INVITE') return;
    this.toTag = /;tag=([^;]+)/.exec(header(message, 'To'))?.[1] ?? '';
    const branch = status < 300 ? undefined : `z9hG4bK${this.callId}`;
    this.#send('ACK', 1, { toTag: this.toTag, branch });
    if (this.state !== 'calling') return;
    this.ms = performance.now() - this.#begun;
    this.rtpPort = Number(/^m=audio (\d+)/m.exec(message.body)?.[1]);
    this.state = status < 300 ? 'up' : 'refused';
    if (this.state === 'up' && this.#media !== undefined) speaking.add(this);
    this.#settle({ status, why: header(message, 'Warning') });
  }

  #hear(packet) {
    const now = performance.now();
    const sequence = packet.readUInt16BE(2);
    this.packets++;
    if (this.#last >= 0) {
      const step = (sequence - this.#last) & 0xffff;
      if (step === 0 || step > 0x8000) {
        this.repeated++;
        return;
      }
      this.lost += step - 1;
      this.longestGap = Math.max(this.longestGap, now - this.#lastAt);
    }
    this.#last = sequence;
    this.#lastAt = now;
  }

  #over(how) {
    this.state = how;
    speaking.delete(this);
    this.#line.forget(this);
  }

  #send(method, cseq, more) {
    const { callId, fromTag } = this;
    this.#line.send(
      request(method, { localAddress: this.#line.localAddress, callId, fromTag, cseq, ...more }),
    );
  }
}

export const bound = socketAt;
