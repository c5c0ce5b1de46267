import { randomInt } from 'node:crypto';
import dgram from 'node:dgram';
import { Codec, payloadTypes, type SimCodec, silence, Tape, type Voice } from './sound.ts';

/** Where packets go. */
export interface Target {
  readonly address: string;
  readonly port: number;
}

/** What the receiving end measured. Times in ms. */
export interface Reception {
  readonly packets: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly firstAt: number | undefined;
  /** Largest time between two packets. */
  readonly longestGap: number;
  /** Timestamp steps that were not one packet long. */
  readonly oddSteps: number;
}

const frameMs = 20;
const eventPayloadType = 101;

/** RTP of one stand-in call: speaks every 20 ms from a monotonic origin, writes down what it hears. */
export class SimMedia {
  readonly codec: Codec;
  readonly heard: Tape;
  readonly said: Tape;
  voice: Voice = silence;
  readonly #socket: dgram.Socket;
  readonly #now: () => number;
  #target: Target | undefined;
  #timer: NodeJS.Timeout | undefined;
  #origin = 0;
  #frames = 0;
  #sequence = randomInt(65536);
  #timestamp = randomInt(2 ** 31);
  readonly #ssrc = randomInt(2 ** 31);
  readonly #events: { code: number; frame: number; frames: number; timestamp: number }[] = [];
  /** Sequence number, arrival and timestamp of the last packet that was taken. */
  #last: { sequence: number; at: number; timestamp: number; length: number } | undefined;
  #packets = 0;
  #lost = 0;
  #duplicates = 0;
  #longestGap = 0;
  #oddSteps = 0;
  #firstAt: number | undefined;

  private constructor(socket: dgram.Socket, codec: SimCodec, now: () => number) {
    this.#socket = socket;
    this.#now = now;
    this.codec = new Codec(codec);
    this.heard = new Tape(this.codec.rate);
    this.said = new Tape(this.codec.rate);
    socket.on('message', packet => this.#hear(packet));
    socket.on('error', () => this.close());
  }

  static async open(
    address: string,
    codec: SimCodec,
    now: () => number = () => performance.now(),
  ): Promise<SimMedia> {
    const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, address, () => resolve());
    });
    socket.removeAllListeners('error');
    return new SimMedia(socket, codec, now);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** ms since speaking began, on the clock that `said` is on. */
  get elapsed(): number {
    return this.#frames * frameMs;
  }

  get reception(): Reception {
    return {
      packets: this.#packets,
      lost: this.#lost,
      duplicates: this.#duplicates,
      firstAt: this.#firstAt,
      longestGap: this.#longestGap,
      oddSteps: this.#oddSteps,
    };
  }

  /** Begins to send to `target`, or goes on there. */
  start(target: Target): void {
    this.#target = target;
    if (this.#timer !== undefined) return;
    this.#origin = this.#now();
    this.#timer = setInterval(() => this.#tick(), 5);
  }

  /** Keys digits by RFC 4733, each `toneMs` long with as long a pause. */
  key(digits: string, toneMs = 100): void {
    let frame = Math.max(this.#frames + 1, ...this.#events.map(event => event.frame + event.frames + 5));
    for (const digit of digits) {
      const frames = Math.round(toneMs / frameMs);
      this.#events.push({ code: '0123456789*#ABCD'.indexOf(digit), frame, frames, timestamp: 0 });
      frame += frames * 2;
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#target !== undefined || this.#socket.listenerCount('message') > 0) {
      this.#socket.removeAllListeners('message');
      this.#target = undefined;
      this.#socket.close();
    }
  }

  #tick(): void {
    const due = Math.floor((this.#now() - this.#origin) / frameMs);
    while (this.#frames < due) this.#frame();
  }

  #frame(): void {
    const samples = new Int16Array((this.codec.rate * frameMs) / 1000);
    this.voice.generate(samples, 0, samples.length);
    const event = this.#events[0];
    if (event !== undefined && this.#frames >= event.frame) this.#sendEvent(event);
    else this.#send(payloadTypes[this.codec.codec], this.codec.encode(samples), this.#timestamp);
    this.said.append(samples);
    // The RTP clock of G.722 counts 8000 a second although it carries 16,000 samples (RFC 3551 section 4.5.2).
    this.#timestamp = (this.#timestamp + 8 * frameMs) >>> 0;
    this.#frames += 1;
  }

  #sendEvent(event: { code: number; frame: number; frames: number; timestamp: number }): void {
    const at = this.#frames - event.frame;
    if (at === 0) event.timestamp = this.#timestamp;
    const end = at >= event.frames - 1;
    const payload = Buffer.alloc(4);
    payload[0] = event.code;
    payload[1] = (end ? 0x80 : 0) | 10;
    payload.writeUInt16BE((at + 1) * 8 * frameMs, 2);
    // RFC 4733 section 2.5.1.4: the last packet is sent three times.
    for (let copy = 0; copy < (end ? 3 : 1); copy += 1)
      this.#send(eventPayloadType, payload, event.timestamp, at === 0);
    if (end) this.#events.shift();
  }

  #send(payloadType: number, payload: Buffer, timestamp: number, marker = this.#frames === 0): void {
    if (this.#target === undefined) return;
    const packet = Buffer.alloc(12 + payload.length);
    packet[0] = 0x80;
    packet[1] = payloadType | (marker ? 0x80 : 0);
    packet.writeUInt16BE(this.#sequence, 2);
    packet.writeUInt32BE(timestamp, 4);
    packet.writeUInt32BE(this.#ssrc, 8);
    payload.copy(packet, 12);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#socket.send(packet, this.#target.port, this.#target.address);
  }

  #hear(packet: Buffer): void {
    if (packet.length < 12 || ((packet[1] ?? 0) & 0x7f) !== payloadTypes[this.codec.codec]) return;
    const now = this.#now();
    const sequence = packet.readUInt16BE(2);
    const payload = packet.subarray(12);
    const timestamp = packet.readUInt32BE(4);
    this.#firstAt ??= now;
    this.#packets += 1;
    if (this.#last !== undefined) {
      const step = (sequence - this.#last.sequence) & 0xffff;
      if (step === 0 || step > 0x8000) {
        this.#duplicates += 1;
        return;
      }
      this.#lost += step - 1;
      if (step === 1 && (timestamp - this.#last.timestamp) >>> 0 !== this.#last.length) this.#oddSteps += 1;
      this.#longestGap = Math.max(this.#longestGap, now - this.#last.at);
    }
    this.#last = { sequence, at: now, timestamp, length: payload.length };
    this.heard.append(this.codec.decode(payload));
  }
}
