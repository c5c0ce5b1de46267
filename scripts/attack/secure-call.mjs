// A call with SRTP over TLS whose packets somebody records and sends again, with forged ones between them.
import { randomBytes } from 'node:crypto';
import { SrtpSender } from '../../dist/src/media/srtp/sender.js';
import { cryptoAttribute } from '../../dist/src/sdp/crypto.js';
import { freshKey } from '../../dist/src/sdp/srtp-key.js';
import { header, methodOf, statusOf } from '../../dist/src/sim/caller/message.js';
import { rtpPacket, socketAt, tonePayload } from './media.mjs';
import { open, pause, read, request, token } from './wire.mjs';

export const secureHz = 660;
const replaysPerPacket = 10;

export class SecureCall {
  callId = `${token()}@secure`;
  counts = { spoken: 0, replayed: 0, forged: 0 };
  over = false;
  #localAddress;
  #socket;
  #media;
  #fromTag = token();
  #toTag = '';
  #spoken;

  static async begin({ tls, localAddress }) {
    const call = new SecureCall();
    call.#localAddress = localAddress;
    call.#socket = await open({ ...tls, localAddress, secure: true });
    if (call.#socket === undefined) throw new Error('no TLS connection for the secure call');
    call.#media = await socketAt(localAddress);
    await call.#invite(tls.host);
    return call;
  }

  async end() {
    this.over = true;
    await this.#spoken;
    this.#send('BYE', 2, { toTag: this.#toTag });
    await pause(500);
    this.#socket.destroy();
    this.#media.close();
  }

  async #invite(host) {
    const key = freshKey('AES_CM_128_HMAC_SHA1_80');
    const sdp = [
      ...['v=0', `o=- 1 1 IN IP4 ${this.#localAddress}`, 's=-', `c=IN IP4 ${this.#localAddress}`, 't=0 0'],
      `m=audio ${this.#media.address().port} RTP/SAVP 0`,
      `a=crypto:${cryptoAttribute('1', key).value}`,
      '',
    ].join('\r\n');
    const answered = new Promise((resolve, reject) => {
      read(this.#socket, message => {
        if (methodOf(message) !== 'INVITE' || statusOf(message) < 200) return;
        if (statusOf(message) === 200) resolve(message);
        else reject(new Error(`the secure call got ${message.start}`));
      });
    });
    this.#send('INVITE', 1, { headers: [['Content-Type', 'application/sdp']], body: sdp });
    const answer = await answered;
    this.#toTag = /;tag=([^;]+)/.exec(header(answer, 'To'))?.[1] ?? '';
    this.#send('ACK', 1, { toTag: this.#toTag });
    const port = Number(/^m=audio (\d+)/m.exec(answer.body)?.[1]);
    this.#spoken = this.#speak(port, host, new SrtpSender(key));
  }

  async #speak(port, host, sender) {
    const payload = tonePayload(secureHz, -12);
    const recorded = [];
    const begun = performance.now();
    for (let sequence = 0; !this.over; sequence++) {
      const packet = Buffer.alloc(172 + sender.rtpExtraBytes);
      rtpPacket(sequence, 0x5ec0_4e11, payload).copy(packet);
      sender.sealRtp(packet, 172);
      this.#media.send(packet, port, host);
      this.counts.spoken++;
      recorded.push(packet);
      if (recorded.length > 500) recorded.shift();
      for (let i = 0; i < replaysPerPacket; i++) {
        this.#media.send(recorded[Math.floor(Math.random() * recorded.length)], port, host);
        const forged = Buffer.from(packet);
        forged[forged.length - 1 - (i % 100)] ^= 1 + (randomBytes(1)[0] & 0x7f);
        this.#media.send(forged, port, host);
        this.counts.replayed++;
        this.counts.forged++;
      }
      const due = begun + (sequence + 1) * 20;
      await pause(Math.max(0, due - performance.now()));
    }
  }

  #send(method, cseq, more) {
    const { callId } = this;
    const fromTag = this.#fromTag;
    const text = request(method, { localAddress: this.#localAddress, callId, fromTag, cseq, ...more });
    this.#socket.write(text.replace('SIP/2.0/TCP', 'SIP/2.0/TLS').replace('transport=tcp', 'transport=tls'));
  }
}
