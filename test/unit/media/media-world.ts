import { encodeUlaw } from '../../../codecs/g711.ts';
import { sine, type Tone } from '../../../codecs/tones.ts';
import type { AudioFormat, AudioSink } from '../../../src/core/audio.ts';
import { type Logger, silentLogger } from '../../../src/core/logger.ts';
import { MediaMeters } from '../../../src/media/meters.ts';
import { Pacer } from '../../../src/media/outbound/pacer.ts';
import { writeHeader } from '../../../src/media/rtp/packet.ts';
import { type MediaListener, MediaSession } from '../../../src/media/session.ts';
import type { MediaPlan } from '../../../src/sdp/plan.ts';
import type { KeyTones } from '../../../src/worker/legs.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingSocket, type Sent, seeded } from './recording-socket.ts';

export const plan: MediaPlan = {
  codec: 'PCMU',
  sendPayloadType: 0,
  receivePayloadTypes: { 0: 'PCMU', 8: 'PCMA' },
  sendEventPayloadType: 101,
  receiveEventPayloadType: 101,
  packetTime: 20,
  direction: 'sendrecv',
  target: { address: '192.0.2.9', rtpPort: 4000, rtcpPort: 4001 },
};

/** An agent that keeps what it gets. */
export class Ear implements AudioSink {
  readonly format: AudioFormat;
  readonly chunks: Buffer[] = [];
  constructor(format: AudioFormat = 'ulaw_8000') {
    this.format = format;
  }
  write(bytes: Uint8Array, from = 0, to: number = bytes.length): void {
    this.chunks.push(Buffer.from(bytes.subarray(from, to)));
  }
  toString(): string {
    return `agent(${this.format})`;
  }
}

/** Writes down what a session tells its leg. */
export class Told implements MediaListener {
  readonly words: string[] = [];
  readonly errors: unknown[] = [];
  entry(digits: string): void {
    this.words.push(`entry ${digits}`);
  }
  keyed(digits: Uint8Array): void {
    this.words.push(`keyed ${Buffer.from(digits).toString()}`);
  }
  mediaTimeout(): void {
    this.words.push('media timeout');
  }
  drained(): void {
    this.words.push('drained');
  }
  failed(error: unknown): void {
    this.errors.push(error);
  }
}

/** Sound of the agent or the caller, mu-law. */
export function speech(ms: number, level = -6): Buffer {
  const samples = new Int16Array(8 * ms);
  sine(8000, 700, level).generate(samples, 0, samples.length);
  const bytes = Buffer.alloc(samples.length);
  encodeUlaw(samples, 0, samples.length, bytes, 0);
  return bytes;
}

/** A session on sockets that write down, between a peer and an agent that the test speaks for. */
export class MediaWorld {
  readonly clock = new ManualClock();
  readonly pacer = new Pacer(this.clock);
  readonly rtp = new RecordingSocket();
  readonly rtcp = new RecordingSocket();
  readonly told = new Told();
  readonly ear = new Ear();
  readonly meters = new MediaMeters();
  readonly lines: string[] = [];
  readonly session: MediaSession;
  closes = 0;
  #sequence = 100;
  #timestamp = 5000;

  constructor(more: { readonly tones?: KeyTones } = {}) {
    const close = () => {
      this.closes++;
    };
    const log: Logger = {
      ...silentLogger,
      info: (text, fields) => this.lines.push(`${text} ${JSON.stringify(fields)}`),
    };
    this.session = new MediaSession({
      pair: { rtp: this.rtp.asSocket, rtcp: this.rtcp.asSocket, rtpPort: 10_000, rtcpPort: 10_001, close },
      pacer: this.pacer,
      clock: this.clock,
      log,
      listener: this.told,
      mediaTimeoutMs: 5000,
      drainCapMs: 8000,
      meters: this.meters,
      random: seeded(31),
      ...more,
    });
  }

  /** Lets `ms` go by and returns what was sent to the peer meanwhile. */
  run(ms: number): Sent[] {
    const before = this.rtp.rtp.length;
    this.clock.advance(ms);
    return this.rtp.rtp.slice(before);
  }

  answered(settled: MediaPlan = plan): this {
    this.session.agentReady('ulaw_8000', this.ear);
    this.session.apply(settled);
    this.session.open();
    return this;
  }

  /** The peer sends a packet of 20 ms. */
  hear(payload: Buffer, payloadType = 0): void {
    const packet = Buffer.alloc(12 + payload.length);
    writeHeader(packet, payloadType, false, this.#sequence++ & 0xffff, this.#timestamp, 0x1234);
    payload.copy(packet, 12);
    this.#timestamp += payloadType === 101 ? 160 : payload.length;
    this.rtp.emit('message', packet, { address: '192.0.2.9', port: 4000 });
  }

  /** The peer sends comfort noise (RFC 3389) and then nothing for `ms`, while its timestamps go on. */
  rest(ms: number): void {
    this.hear(Buffer.from([60]), 13);
    this.#timestamp += 8 * ms - 1;
    this.clock.advance(ms);
  }

  /** The peer presses a key, as RFC 4733 tells it, in a single packet. */
  press(event: number): void {
    this.hear(Buffer.from([event, 0x80, 0x03, 0x20]), 101);
  }

  /** The peer sends 20 ms of a voice, and they go by. */
  sing(voice: Tone): void {
    const samples = new Int16Array(160);
    voice.generate(samples, 0, 160);
    const bytes = Buffer.alloc(160);
    encodeUlaw(samples, 0, 160, bytes, 0);
    this.hear(bytes);
    this.clock.advance(20);
  }

  /** The peer speaks for `ms`. */
  talk(ms: number): void {
    for (let at = 0; at < ms; at += 20) {
      this.hear(speech(20));
      this.clock.advance(20);
    }
  }
}
