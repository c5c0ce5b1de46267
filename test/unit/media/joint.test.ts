import { describe, expect, it } from 'vitest';
import { alawToLinear, encodeAlaw, encodeUlaw, ulawToLinear } from '../../../codecs/g711.ts';
import { G722Decoder, G722Encoder } from '../../../codecs/g722.ts';
import { sine, ToneDetector } from '../../../codecs/tones.ts';
import type { AudioFormat, AudioSink } from '../../../src/core/audio.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { Joint } from '../../../src/media/joint.ts';
import { Pacer } from '../../../src/media/outbound/pacer.ts';
import { writeHeader } from '../../../src/media/rtp/packet.ts';
import { keyOfEvent, writeTelephoneEvent } from '../../../src/media/rtp/telephone-event.ts';
import { MediaSession } from '../../../src/media/session.ts';
import type { CodecName, MediaPlan } from '../../../src/sdp/plan.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingSocket, type Sent, seeded } from './recording-socket.ts';

const types: Readonly<Record<CodecName, number>> = { PCMU: 0, PCMA: 8, G722: 9 };

function planOf(codec: CodecName, address: string, changes: Partial<MediaPlan> = {}): MediaPlan {
  return {
    codec,
    sendPayloadType: types[codec],
    receivePayloadTypes: { [types[codec]]: codec },
    sendEventPayloadType: 101,
    receiveEventPayloadType: 101,
    packetTime: 20,
    direction: 'sendrecv',
    target: { address, rtpPort: 4000, rtcpPort: 4001 },
    ...changes,
  };
}

/** One leg with its telephone. */
class Phone {
  readonly rtp = new RecordingSocket();
  readonly session: MediaSession;
  readonly entries: string[] = [];
  readonly #address: string;
  readonly #tone: ReturnType<typeof sine>;
  readonly #g722 = new G722Encoder();
  readonly #codec: CodecName;
  #sequence = 100;
  #timestamp = 5000;

  constructor(clock: ManualClock, pacer: Pacer, codec: CodecName, address: string, hz: number) {
    this.#address = address;
    this.#codec = codec;
    this.#tone = sine(codec === 'G722' ? 16_000 : 8000, hz, -10);
    const rtcp = new RecordingSocket();
    this.session = new MediaSession({
      pair: {
        rtp: this.rtp.asSocket,
        rtcp: rtcp.asSocket,
        rtpPort: 10_000,
        rtcpPort: 10_001,
        close: () => undefined,
      },
      pacer,
      clock,
      log: silentLogger,
      listener: {
        entry: digits => void this.entries.push(digits),
        mediaTimeout: () => undefined,
        drained: () => undefined,
        failed: error => {
          throw error;
        },
      },
      mediaTimeoutMs: 0,
      drainCapMs: 8000,
      random: seeded(address.length + hz),
    });
  }

  /** Says 20 ms of its tone. */
  speak(): void {
    const wide = this.#codec === 'G722';
    const samples = new Int16Array(wide ? 320 : 160);
    this.#tone.generate(samples, 0, samples.length);
    const packet = Buffer.alloc(172);
    if (wide) this.#g722.encode(samples, 0, 320, packet, 12);
    else (this.#codec === 'PCMU' ? encodeUlaw : encodeAlaw)(samples, 0, 160, packet, 12);
    writeHeader(packet, types[this.#codec], false, this.#sequence++, this.#timestamp, 77);
    this.#timestamp += 160;
    this.rtp.emit('message', packet, { address: this.#address, port: 4000 });
  }

  press(event: number): void {
    const packet = Buffer.alloc(16);
    writeHeader(packet, 101, true, this.#sequence++, this.#timestamp, 77);
    writeTelephoneEvent(packet, 12, event, false, 10, 160);
    this.rtp.emit('message', packet, { address: this.#address, port: 4000 });
  }
}

class Ear implements AudioSink {
  readonly format: AudioFormat = 'ulaw_8000';
  bytes = 0;
  write(bytes: Uint8Array, from = 0, to: number = bytes.length): void {
    this.bytes += bytes.subarray(from, to).filter(byte => byte !== 0xff).length;
  }
}

class World {
  readonly clock = new ManualClock();
  readonly pacer = new Pacer(this.clock);
  readonly first: Phone;
  readonly second: Phone;
  readonly joint: Joint;

  constructor(first: CodecName = 'PCMU', second: CodecName = 'PCMU', changes: Partial<MediaPlan> = {}) {
    this.first = new Phone(this.clock, this.pacer, first, '192.0.2.9', 700);
    this.second = new Phone(this.clock, this.pacer, second, '192.0.2.77', 1100);
    this.first.session.apply(planOf(first, '192.0.2.9'));
    this.second.session.apply(planOf(second, '192.0.2.77', changes));
    this.joint = new Joint(this.first.session, this.second.session);
  }

  /** Both talk for `ms`; what each of them gets. */
  talk(ms: number, who: readonly Phone[] = [this.first, this.second]): { first: Sent[]; second: Sent[] } {
    const before = [this.first.rtp.rtp.length, this.second.rtp.rtp.length];
    for (let i = 0; i < ms / 20; i++) {
      for (const phone of who) phone.speak();
      this.clock.advance(20);
    }
    return { first: this.first.rtp.rtp.slice(before[0]), second: this.second.rtp.rtp.slice(before[1]) };
  }
}

/** Sound of packets as samples, with its rate. */
function decoded(codec: CodecName, sent: readonly Sent[]): { samples: Int16Array; rate: number } {
  const bytes = Buffer.concat(
    sent.filter(each => each.payloadType === types[codec]).map(each => each.payload),
  );
  if (codec !== 'G722') {
    const table = codec === 'PCMU' ? ulawToLinear : alawToLinear;
    return { samples: Int16Array.from(bytes, byte => table[byte]!), rate: 8000 };
  }
  const samples = new Int16Array(bytes.length * 2);
  new G722Decoder().decode(bytes, 0, bytes.length, samples, 0);
  return { samples, rate: 16_000 };
}

/** Level of `hz` over each whole 100 ms, dBFS. */
function levels(codec: CodecName, sent: readonly Sent[], hz: number): number[] {
  const { samples, rate } = decoded(codec, sent);
  const block = rate / 10;
  const detector = new ToneDetector(rate, hz);
  return Array.from({ length: Math.floor(samples.length / block) }, (_, i) =>
    detector.level(samples, i * block, block),
  );
}

const codecs = ['PCMU', 'PCMA', 'G722'] as const;
const pairs = codecs.flatMap(a => codecs.map(b => [a, b] as const));

describe('two legs that are joined', () => {
  it.each(pairs)('hear each other without a gap and not themselves (%s with %s)', (a, b) => {
    const world = new World(a, b);
    world.joint.join('full');
    world.talk(600);
    world.talk(2000);
    // From the first packet on: what a decoder of G.722 makes of a packet depends on those before it.
    const [first, second] = [world.first.rtp.rtp, world.second.rtp.rtp];
    for (const level of levels(a, first, 1100).slice(-20)) expect(level).toBeGreaterThan(-12);
    for (const level of levels(b, second, 700).slice(-20)) expect(level).toBeGreaterThan(-12);
    for (const level of levels(a, first, 700).slice(-20)) expect(level).toBeLessThan(-35);
  });

  it.each([10, 30, 60])('hear each other without a gap at packets of %i ms', packetTime => {
    const world = new World('PCMU', 'PCMA', { packetTime });
    world.joint.join('full');
    world.talk(600);
    const { second } = world.talk(2000);
    for (const level of levels('PCMA', second, 700)) expect(level).toBeGreaterThan(-12);
  });

  it('pass keys on as keys, and make no entry for the agent of them', () => {
    const world = new World();
    world.joint.join('full');
    world.talk(100);
    world.first.press(7);
    const { second, first } = world.talk(300);
    const events = second.filter(each => each.payloadType === 101);
    expect(events.map(each => keyOfEvent(each.payload[0]!))).toEqual(Array(5).fill('7'));
    expect(first.filter(each => each.payloadType === 101)).toEqual([]);
    world.talk(3000);
    expect(world.first.entries).toEqual([]);
  });

  it('go on when one of them takes another codec', () => {
    const world = new World('PCMU', 'PCMU');
    world.joint.join('full');
    world.talk(400);
    world.second.session.apply(
      planOf('PCMA', '192.0.2.77', { receivePayloadTypes: { 0: 'PCMU', 8: 'PCMA' } }),
    );
    world.talk(400);
    const { second } = world.talk(1000);
    for (const level of levels('PCMA', second, 700)) expect(level).toBeGreaterThan(-12);
  });

  it('are alone again when the joint is undone, or the other one is closed', () => {
    const world = new World();
    const ear = new Ear();
    world.first.session.agentReady('ulaw_8000', ear);
    world.joint.join('full');
    world.talk(400);
    expect(ear.bytes).toBe(0);
    world.second.session.close();
    world.talk(400, [world.first]);
    expect(ear.bytes).toBeGreaterThan(2000);
  });
});

describe('a leg that is called while the caller is with the agent', () => {
  it('is heard by the caller before the answer, and the agent goes on hearing the caller', () => {
    const world = new World();
    const ear = new Ear();
    world.first.session.open();
    world.first.session.agentReady('ulaw_8000', ear);
    world.joint.join('early');
    world.talk(400);
    const { first, second } = world.talk(1000);
    for (const level of levels('PCMU', first, 1100)) expect(level).toBeGreaterThan(-12);
    for (const level of levels('PCMU', second, 700)) expect(level).toBeLessThan(-60);
    expect(ear.bytes).toBeGreaterThan(8000);
  });

  it('goes behind the agent’s own words', () => {
    const world = new World();
    world.first.session.open();
    world.first.session.agentReady('ulaw_8000', new Ear());
    world.joint.join('early');
    world.talk(400);
    world.first.session.audio(1, Buffer.alloc(8000, 0x11));
    const { first } = world.talk(900);
    expect(first.every(each => each.payload.every(byte => byte === 0x11))).toBe(true);
  });

  it('leaves our ringing to be heard until it sends sound of its own', () => {
    const world = new World();
    world.first.session.open();
    world.joint.join('early');
    world.first.session.tone('ringback');
    const ringing = world.talk(1000, [world.first]).first;
    for (const level of levels('PCMU', ringing, 440)) expect(level).toBeGreaterThan(-25);
    world.talk(200);
    const { first } = world.talk(1000);
    for (const level of levels('PCMU', first, 440)) expect(level).toBeLessThan(-40);
    for (const level of levels('PCMU', first, 1100)) expect(level).toBeGreaterThan(-12);
  });
});

describe('waiting for the agent to have said what it says', () => {
  const waiting = (world: World, longestMs: number) => {
    const done: number[] = [];
    const begun = world.clock.now();
    world.first.session.whenQuiet(longestMs, () => done.push(world.clock.now() - begun));
    return done;
  };

  it('ends once all of it was played and 300 ms more', () => {
    const world = new World();
    world.first.session.open();
    world.first.session.agentReady('ulaw_8000', new Ear());
    world.first.session.audio(1, Buffer.alloc(8000, 0x11));
    const done = waiting(world, 10_000);
    world.clock.advance(1250);
    expect(done).toEqual([]);
    // What comes late of the same sentence is waited for too.
    world.first.session.audio(1, Buffer.alloc(4000, 0x11));
    world.clock.advance(750);
    expect(done).toEqual([]);
    world.clock.advance(300);
    expect(done).toHaveLength(1);
  });

  it('ends at its limit, and at once when the leg is closed', () => {
    const world = new World();
    world.first.session.open();
    world.first.session.agentReady('ulaw_8000', new Ear());
    world.first.session.audio(1, Buffer.alloc(80_000, 0x11));
    const done = waiting(world, 2000);
    world.clock.advance(2040);
    expect(done).toHaveLength(1);
    const other = waiting(world, 60_000);
    world.first.session.close();
    expect(other).toEqual([0]);
  });
});
