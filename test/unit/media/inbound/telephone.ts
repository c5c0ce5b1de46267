import { encodeAlaw, encodeUlaw } from '../../../../codecs/g711.ts';
import { G722Encoder } from '../../../../codecs/g722.ts';
import { sine, type Tone } from '../../../../codecs/tones.ts';
import type { AudioFormat, AudioSink } from '../../../../src/core/audio.ts';
import { Inbound, type InboundOptions } from '../../../../src/media/inbound/receiver.ts';
import { writeHeader } from '../../../../src/media/rtp/packet.ts';
import { sequencePlus, timestampPlus } from '../../../../src/media/rtp/sequence.ts';
import { writeTelephoneEvent } from '../../../../src/media/rtp/telephone-event.ts';
import type { CodecName, MediaPlan } from '../../../../src/sdp/plan.ts';
import { Impairment, type ImpairmentSettings } from '../../../support/impairment.ts';

export const payloadTypes = { PCMU: 0, PCMA: 8, G722: 9 } as const;
export const peer = { address: '192.0.2.10', rtpPort: 4000, rtcpPort: 4001 } as const;

export function planOf(codec: CodecName = 'PCMU', changes: Partial<MediaPlan> = {}): MediaPlan {
  return {
    codec,
    sendPayloadType: payloadTypes[codec],
    receivePayloadTypes: { [payloadTypes[codec]]: codec },
    sendEventPayloadType: 101,
    receiveEventPayloadType: 101,
    packetTime: 20,
    direction: 'sendrecv',
    target: peer,
    ...changes,
  };
}

/** Makes the packets of a telephone: a tone, keys, pauses. */
export class Telephone {
  codec: CodecName;
  ssrc = 0x1234_5678;
  sequence: number;
  timestamp: number;
  tone: Tone;
  readonly #g722 = new G722Encoder();

  constructor(codec: CodecName = 'PCMU', start = { sequence: 65_500, timestamp: 0xffff_f000 }) {
    this.codec = codec;
    this.sequence = start.sequence;
    this.timestamp = start.timestamp;
    this.tone = sine(codec === 'G722' ? 16000 : 8000, 1000, -12);
  }

  /** The next packet of sound; its length in ms. */
  sound(ms: number, marker = false): Buffer {
    const count = ms * (this.codec === 'G722' ? 16 : 8);
    const samples = new Int16Array(count);
    this.tone.generate(samples, 0, count);
    const packet = Buffer.alloc(12 + ms * 8);
    if (this.codec === 'PCMU') encodeUlaw(samples, 0, count, packet, 12);
    else if (this.codec === 'PCMA') encodeAlaw(samples, 0, count, packet, 12);
    else this.#g722.encode(samples, 0, count, packet, 12);
    this.#head(packet, payloadTypes[this.codec], marker);
    this.timestamp = timestampPlus(this.timestamp, ms * 8);
    return packet;
  }

  /** One packet of a key's press that began at the present timestamp; `press` over, `timestamp` is to be moved on. */
  event(event: number, end: boolean, duration: number, marker = false): Buffer {
    const packet = Buffer.alloc(16);
    writeTelephoneEvent(packet, 12, event, end, 10, duration);
    this.#head(packet, 101, marker);
    return packet;
  }

  raw(payloadType: number, payload: Uint8Array): Buffer {
    const packet = Buffer.alloc(12 + payload.length);
    packet.set(payload, 12);
    this.#head(packet, payloadType, false);
    return packet;
  }

  #head(packet: Buffer, payloadType: number, marker: boolean): void {
    writeHeader(packet, payloadType, marker, this.sequence, this.timestamp, this.ssrc);
    this.sequence = sequencePlus(this.sequence, 1);
  }
}

/** Keeps what it is given as samples. */
export class Ear implements AudioSink {
  readonly format: AudioFormat;
  readonly chunks: Buffer[] = [];

  constructor(format: AudioFormat = 'pcm_8000') {
    this.format = format;
  }

  write(bytes: Uint8Array, from = 0, to: number = bytes.length): void {
    this.chunks.push(Buffer.from(bytes.subarray(from, to)));
  }

  /** All of it; pcm formats only. */
  get samples(): Int16Array {
    const all = Buffer.concat(this.chunks);
    const samples = new Int16Array(all.length / 2);
    for (let i = 0; i < samples.length; i++) samples[i] = all.readInt16LE(2 * i);
    return samples;
  }

  toString(): string {
    return `ear(${this.format})`;
  }
}

export interface LineOptions {
  readonly codec?: CodecName;
  readonly format?: AudioFormat;
  readonly network?: ImpairmentSettings;
  readonly options?: Partial<InboundOptions>;
  readonly plan?: Partial<MediaPlan>;
  readonly startMs?: number;
}

/** A telephone, a network and the way in, on virtual time of 1 ms steps. Ticks come every 20 ms, 7 ms off the packets. */
export class Line {
  readonly telephone: Telephone;
  readonly network: Impairment<Buffer>;
  readonly ear: Ear;
  readonly inbound: Inbound;
  readonly digits: string[] = [];
  nowMs: number;
  /** Called before each ms: sends what the telephone has to send. */
  #nextPacketMs: number;
  #nextTickMs: number;

  constructor(options: LineOptions = {}) {
    const codec = options.codec ?? 'PCMU';
    this.telephone = new Telephone(codec);
    this.network = new Impairment(options.network ?? { seed: 1, delayMs: 5 });
    this.ear = new Ear(options.format ?? (codec === 'G722' ? 'pcm_16000' : 'pcm_8000'));
    this.inbound = new Inbound({ onDigit: digit => this.digits.push(digit), ...options.options });
    this.inbound.configure(planOf(codec, options.plan));
    this.inbound.setSink(this.ear);
    this.nowMs = options.startMs ?? 5000;
    this.#nextPacketMs = this.nowMs;
    this.#nextTickMs = this.nowMs + 7;
  }

  /** Time passes without the telephone sending sound. */
  wait(ms: number): void {
    this.#pass(ms);
    this.#nextPacketMs = this.nowMs;
  }

  /** The telephone sends sound for `ms` in packets of `packetMs`, its clock running at `speed` of ours. */
  talk(ms: number, packetMs = 20, speed = 1): void {
    const end = this.nowMs + ms;
    while (this.#nextPacketMs < end) {
      this.#pass(this.#nextPacketMs - this.nowMs);
      this.network.send(this.telephone.sound(packetMs), this.nowMs);
      this.#nextPacketMs += packetMs / speed;
    }
    this.#pass(end - this.nowMs);
  }

  send(packet: Buffer): void {
    this.network.send(packet, this.nowMs);
  }

  #pass(ms: number): void {
    const end = this.nowMs + ms;
    while (this.#nextTickMs <= end) {
      this.#deliver(this.#nextTickMs);
      this.inbound.tick(this.#nextTickMs);
      this.#nextTickMs += 20;
    }
    this.#deliver(end);
    this.nowMs = end;
  }

  #deliver(untilMs: number): void {
    this.network.deliver(untilMs, (packet, atMs) =>
      this.inbound.rtp(packet, peer.address, peer.rtpPort, atMs),
    );
  }
}

/** Level of each block of `blockMs`, dBFS (RMS of a full sine is -3). */
export function levels(samples: Int16Array, rate: number, blockMs = 10): number[] {
  const size = (rate * blockMs) / 1000;
  const result: number[] = [];
  for (let at = 0; at + size <= samples.length; at += size) {
    let power = 0;
    for (let i = at; i < at + size; i++) power += (samples[i]! / 32768) ** 2;
    result.push(10 * Math.log10(power / size + 1e-12));
  }
  return result;
}

/** Longest stretch of blocks under `floor` after the first block over it, in blocks; a stretch at the end does not count. */
export function longestGap(blocks: readonly number[], floor: number): number {
  let longest = 0;
  let run = 0;
  for (const level of blocks.slice(blocks.findIndex(level => level >= floor))) {
    if (level < floor) run++;
    else {
      longest = Math.max(longest, run);
      run = 0;
    }
  }
  return longest;
}
