import { describe, expect, it } from 'vitest';
import { encodeUlaw } from '../../../codecs/g711.ts';
import { sine } from '../../../codecs/tones.ts';
import type { AudioSink } from '../../../src/core/audio.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { MediaMeters } from '../../../src/media/meters.ts';
import { Pacer } from '../../../src/media/outbound/pacer.ts';
import { writeHeader } from '../../../src/media/rtp/packet.ts';
import { emptyBlock, parseRtcp, RtcpView, writeReport } from '../../../src/media/rtp/rtcp.ts';
import { MediaSession } from '../../../src/media/session.ts';
import { SrtpReceiver } from '../../../src/media/srtp/receiver.ts';
import { SrtpSender } from '../../../src/media/srtp/sender.ts';
import { transformOf } from '../../../src/media/srtp/suites.ts';
import type { MediaPlan } from '../../../src/sdp/plan.ts';
import { freshKey, type SrtpSuite, srtpSuiteNames } from '../../../src/sdp/srtp-key.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingSocket, seeded } from './recording-socket.ts';

const peer = { address: '192.0.2.9', port: 4000 };
const loud = 20_000;

function keys(suite: SrtpSuite = 'AES_CM_128_HMAC_SHA1_80') {
  return { send: freshKey(suite), receive: freshKey(suite) };
}

function planOf(srtp: MediaPlan['srtp'], more: Partial<MediaPlan> = {}): MediaPlan {
  return {
    codec: 'PCMU',
    sendPayloadType: 0,
    receivePayloadTypes: { 0: 'PCMU' },
    packetTime: 20,
    direction: 'sendrecv',
    target: { address: peer.address, rtpPort: 4000, rtcpPort: 4001 },
    ...(srtp === undefined ? {} : { srtp }),
    ...more,
  };
}

function speech(): Buffer {
  const samples = new Int16Array(160);
  sine(8000, 700, -6).generate(samples, 0, samples.length);
  const bytes = Buffer.alloc(samples.length);
  encodeUlaw(samples, 0, samples.length, bytes, 0);
  return bytes;
}

/** An agent's ear that knows how much of what it heard was loud. */
class Ear implements AudioSink {
  readonly format = 'pcm_16000';
  loud = 0;
  write(bytes: Uint8Array, from = 0, to: number = bytes.length): void {
    const samples = Buffer.from(bytes.subarray(from, to));
    let highest = 0;
    for (let at = 0; at < samples.length; at += 2) highest = Math.max(highest, samples.readInt16LE(at));
    if (highest > loud / 2) this.loud++;
  }
  toString(): string {
    return 'ear';
  }
}

/** A session in a call with a peer that has the keys the other way round. */
class World {
  readonly clock = new ManualClock();
  readonly rtp = new RecordingSocket();
  readonly rtcp = new RecordingSocket();
  readonly meters = new MediaMeters();
  readonly ear = new Ear();
  readonly faults: unknown[] = [];
  readonly session: MediaSession;
  speaker: SrtpSender;
  listener: SrtpReceiver;
  readonly speech = speech();
  sequence = 100;

  constructor(srtp: NonNullable<MediaPlan['srtp']>, secureOnly = false, random = seeded(31)) {
    const close = () => undefined;
    this.session = new MediaSession({
      pair: { rtp: this.rtp.asSocket, rtcp: this.rtcp.asSocket, rtpPort: 10_000, rtcpPort: 10_001, close },
      pacer: new Pacer(this.clock),
      clock: this.clock,
      log: silentLogger,
      listener: {
        entry: () => undefined,
        mediaTimeout: () => undefined,
        drained: () => undefined,
        failed: error => this.faults.push(error),
      },
      mediaTimeoutMs: 0,
      drainCapMs: 8000,
      secureOnly,
      meters: this.meters,
      random,
    });
    this.speaker = new SrtpSender(srtp.receive);
    this.listener = new SrtpReceiver(srtp.send);
    this.session.agentReady('ulaw_8000', this.ear);
    this.session.apply(planOf(srtp));
    this.session.open();
  }

  /** The peer's next packet, as it goes out. */
  packet(): Buffer {
    const packet = Buffer.alloc(12 + 160 + this.speaker.rtpExtraBytes);
    const sequence = this.sequence++;
    writeHeader(packet, 0, false, sequence & 0xffff, (sequence * 160) >>> 0, 0x1234);
    this.speech.copy(packet, 12);
    this.speaker.sealRtp(packet, 172);
    return packet;
  }

  arrive(packet: Buffer, from = peer): void {
    this.rtp.emit('message', Buffer.from(packet), from);
  }

  /** Both speak for `ms`; what we sent is opened as the peer opens it, and forgotten. */
  talk(ms: number): { readonly opened: number; readonly heard: number } {
    const before = this.ear.loud;
    let opened = 0;
    for (let at = 0; at < ms; at += 20) {
      this.arrive(this.packet());
      this.clock.advance(20);
      for (const packet of this.rtp.datagrams.splice(0)) if (this.listener.openRtp(packet) === 172) opened++;
    }
    return { opened, heard: this.ear.loud - before };
  }
}

describe.each(srtpSuiteNames)('a session under %s', suite => {
  it('speaks and hears through it, and sends nothing in the clear', () => {
    const srtp = keys(suite);
    const world = new World(srtp);
    const { opened, heard } = world.talk(2000);
    expect(opened).toBeGreaterThanOrEqual(98);
    expect(heard).toBeGreaterThan(90);
    world.clock.advance(20_000);
    world.session.close();
    const view = new RtcpView();
    let byes = 0;
    expect(world.rtcp.datagrams.length).toBeGreaterThan(2);
    for (const report of world.rtcp.datagrams) {
      expect(parseRtcp(report, view)).toBe(false);
      const length = world.listener.openRtcp(report);
      expect(length).toBeGreaterThan(0);
      expect(parseRtcp(report.subarray(0, length), view)).toBe(true);
      if (view.bye) byes++;
    }
    expect(byes).toBe(1);
    expect(world.session.stats()).toMatchObject({ encryption: suite, packetsUnauthentic: 0 });
  });
});

describe('a session with SRTP', () => {
  it('drops and counts 10,000 wrong and 10,000 replayed packets, and the call goes on', () => {
    const world = new World(keys());
    world.talk(1000);
    const recorded = Array.from({ length: 100 }, () => world.packet());
    for (const packet of recorded) world.arrive(packet);
    world.clock.advance(2000);
    world.rtp.datagrams.length = 0;
    const before = world.ear.loud;
    for (let i = 0; i < 10_000; i++) {
      world.arrive(recorded[i % recorded.length]!);
      const wrong = Buffer.from(recorded[i % recorded.length]!);
      wrong.writeUInt16BE((world.sequence + (i % 200)) & 0xffff, 2);
      world.arrive(wrong);
      if (i % 100 === 99) world.clock.advance(20);
    }
    expect(world.ear.loud).toBe(before);
    expect(world.session.stats().packetsUnauthentic).toBe(20_000);
    expect(world.talk(1000).heard).toBeGreaterThan(40);
    expect([world.meters.packetsReplayed, world.meters.packetsUnauthentic]).toEqual([10_000, 10_000]);
    expect(world.faults).toEqual([]);
  });

  it('learns nobody from packets without the key, however many come and whatever they look like', () => {
    const world = new World(keys());
    const stranger = { address: '198.51.100.7', port: 5555 };
    for (let i = 0; i < 50; i++) {
      const packet = Buffer.alloc(172);
      writeHeader(packet, 0, false, i, i * 160, 99);
      world.speech.copy(packet, 12);
      world.arrive(packet, stranger);
      world.clock.advance(20);
    }
    expect(world.ear.loud).toBe(0);
    expect(world.rtp.rtp.every(({ address }) => address === peer.address)).toBe(true);
    expect(world.talk(400).heard).toBeGreaterThan(10);
  });

  it('learns a peer behind NAT by its packets, which only it can make', () => {
    const world = new World(keys());
    const nat = { address: '198.51.100.7', port: 5555 };
    for (let i = 0; i < 10; i++) {
      world.arrive(world.packet(), nat);
      world.clock.advance(20);
    }
    expect(world.rtp.rtp.at(-1)).toMatchObject(nat);
  });

  it('does not take plain RTCP, nor RTCP under the key of RTP', () => {
    const world = new World(keys());
    world.talk(100);
    const report = Buffer.alloc(160);
    const length = writeReport(report, { ssrc: 0x1234, cname: 'x', block: emptyBlock() });
    world.rtcp.emit('message', Buffer.from(report.subarray(0, length)), { ...peer, port: 4001 });
    expect(world.session.stats().packetsUnauthentic).toBe(1);
  });

  it('goes on, counters and all, after a hold of 15 minutes in which the peer plays music', () => {
    const srtp = keys();
    // The highest sequence number to begin with: eleven minutes later it has wrapped. That of the peer wraps sooner.
    const world = new World(srtp, false, () => 0.999_99);
    world.sequence = 64_000;
    expect(world.talk(11 * 60_000).opened).toBeGreaterThanOrEqual(32_998);
    const old = world.packet();
    world.arrive(old);
    world.session.apply(planOf(srtp, { direction: 'recvonly' }));
    const held = world.talk(15 * 60_000);
    expect(held.opened).toBe(0);
    expect(held.heard).toBeLessThan(10);
    expect(world.session.stats().packetsReceived).toBeGreaterThan(33_000 + 44_900);
    for (let refresh = 0; refresh < 3; refresh++) {
      world.session.apply(planOf(srtp));
      const after = world.talk(20_000);
      expect(after.opened).toBeGreaterThanOrEqual(998);
      expect(after.heard).toBeGreaterThan(990);
    }
    expect([world.listener.unauthentic, world.session.stats().packetsUnauthentic]).toEqual([0, 0]);
    world.arrive(old);
    expect(world.session.stats().packetsUnauthentic).toBe(1);
  }, 120_000);

  it('remembers over a re-offer with the same keys what has come already', () => {
    const srtp = keys();
    const world = new World(srtp);
    world.talk(200);
    const old = world.packet();
    world.arrive(old);
    world.session.apply(planOf(srtp));
    world.arrive(old);
    expect(world.session.stats()).toMatchObject({ packetsReceived: 11, packetsUnauthentic: 1 });
  });

  it('goes over to new keys without losing what is still under way under the old ones', () => {
    const [first, second] = [keys(), keys()];
    const world = new World(first);
    world.talk(1000);
    const late = [world.packet(), world.packet()];
    world.session.apply(planOf(second));
    for (const packet of late) {
      world.arrive(packet);
      world.clock.advance(20);
    }
    world.speaker = new SrtpSender(second.receive);
    world.listener = new SrtpReceiver(second.send);
    world.rtp.datagrams.length = 0;
    const { opened, heard } = world.talk(1000);
    expect(opened).toBeGreaterThanOrEqual(48);
    expect(heard).toBeGreaterThanOrEqual(48);
    expect(world.session.stats().packetsUnauthentic).toBe(0);
  });

  it('is another source under a new key after a wrap, so that its counter is zero for every peer', () => {
    const [first, second, third] = [keys(), keys(), keys()];
    // The highest sequence number to begin with: eleven minutes later it has wrapped.
    const dice = [0.1, 0.999_99, 0.2];
    const others = seeded(31);
    const world = new World(first, false, () => dice.shift() ?? others());
    const sent = () => world.rtp.datagrams.splice(0).map(each => each.readUInt32BE(8));
    world.session.apply(planOf(first));
    world.clock.advance(1000);
    const [ssrc] = sent();
    world.session.apply(planOf(second));
    world.clock.advance(1000);
    expect(new Set(sent())).toEqual(new Set([ssrc]));
    world.clock.advance(11 * 60_000);
    world.rtp.datagrams.length = 0;
    world.rtcp.datagrams.length = 0;
    world.session.apply(planOf(third));
    world.clock.advance(20);
    const packet = world.rtp.datagrams[0]!;
    const [fresh, sequence] = [packet.readUInt32BE(8), packet.readUInt16BE(2)];
    expect(fresh).not.toBe(ssrc);
    expect(sequence).toBeLessThan(0x8001);
    expect(packet[1]! & 0x80).toBe(0x80);
    const opened = transformOf(third.send, 'rtp').openRtp(packet, 12, packet.length, fresh, 0, sequence);
    expect(opened).toBe(172);
    world.listener = new SrtpReceiver(third.send);
    world.clock.advance(10_000);
    const report = world.rtcp.datagrams.at(-1)!;
    expect(report.readUInt32BE(4)).toBe(fresh);
    expect(world.listener.openRtcp(report)).toBeGreaterThan(0);
    expect(report.readUInt32BE(20)).toBeLessThan(600);
    expect(world.faults).toEqual([]);
  }, 120_000);

  it('that must be secure throws on a plan without keys and goes on as it was', () => {
    const world = new World(keys(), true);
    world.talk(200);
    expect(() => world.session.apply(planOf(undefined))).toThrow('must have SRTP');
    expect(world.talk(1000).opened).toBeGreaterThanOrEqual(48);
  });

  it('that need not be secure can go back to plain RTP', () => {
    const world = new World(keys());
    world.talk(200);
    world.session.apply(planOf(undefined));
    world.clock.advance(40);
    expect(world.rtp.rtp.at(-1)?.payload).toHaveLength(160);
    expect(world.session.stats().encryption).toBe('none');
  });
});
