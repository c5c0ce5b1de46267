import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Inbound } from '../../../../src/media/inbound/receiver.ts';
import { rtpHeaderBytes, writeHeader } from '../../../../src/media/rtp/packet.ts';
import { Ear, peer, planOf } from './telephone.ts';

const plan = planOf('PCMU', { receivePayloadTypes: { 0: 'PCMU', 8: 'PCMA' } });

/** What becomes of one packet of a telephone on its way, and what is in it. */
interface Fate {
  readonly lateMs: number;
  readonly how: 'comes' | 'comes twice' | 'is lost' | 'is overtaken' | 'jumps';
  readonly bytes: 80 | 160 | 320;
  readonly type: 0 | 8 | 13 | 101;
}

const mostly = <T>(usual: T, ...others: T[]) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
const fates: fc.Arbitrary<Fate> = fc.record({
  lateMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 70 })),
  how: mostly<Fate['how']>('comes', 'comes twice', 'is lost', 'is overtaken', 'jumps'),
  bytes: mostly<Fate['bytes']>(160, 80, 320),
  type: mostly<Fate['type']>(0, 8, 13, 101),
});

/** A leg whose sound is passed on as it comes, with an ear at its end. */
class Leg {
  readonly ear = new Ear('ulaw_8000');
  readonly inbound = new Inbound({ onDigit: () => undefined });
  straight = 0;
  #quietUntil = 20;

  constructor() {
    this.inbound.configure(plan);
    this.inbound.eager(true);
    this.inbound.setSink(this.ear);
  }

  hear(packet: Buffer, now: number): void {
    const passed = this.inbound.rtp(Buffer.from(packet), peer.address, peer.rtpPort, now);
    if (passed) this.straight++;
    else if (!this.inbound.ready(now)) return;
    while (this.inbound.ready(now)) this.inbound.tick(now);
    this.#quietUntil = now + 20 + this.inbound.patienceMs;
  }

  tick(now: number): void {
    if (now >= this.#quietUntil) this.inbound.tick(now);
  }

  get told(): unknown {
    const { framesConcealed, lost, late, duplicates, bufferDelayMs, patienceMs } = this.inbound;
    const sound = Buffer.concat(this.ear.chunks).toString('hex');
    return { sound, framesConcealed, lost, late, duplicates, bufferDelayMs, patienceMs };
  }
}

/** Packets of a telephone in the order they come in, with their times. */
function journey(all: readonly Fate[]): readonly { readonly at: number; readonly packet: Buffer }[] {
  const packets: { at: number; packet: Buffer }[] = [];
  let sequence = 65_500;
  let timestamp = 4_294_960_000;
  let at = 100;
  for (const { lateMs, how, bytes, type } of all) {
    if (how === 'jumps') timestamp = (timestamp + 80_000) % 2 ** 32;
    const packet = Buffer.alloc(rtpHeaderBytes + (type === 13 ? 1 : bytes));
    for (let i = rtpHeaderBytes; i < packet.length; i++) packet[i] = (i * 37 + sequence * 11) & 0xff;
    writeHeader(packet, type, false, sequence, timestamp, 7);
    sequence = (sequence + 1) & 0xffff;
    timestamp = (timestamp + bytes) % 2 ** 32;
    const delay = lateMs + (how === 'is overtaken' ? 30 : 0);
    if (how !== 'is lost') packets.push({ at: at + delay, packet });
    if (how === 'comes twice') packets.push({ at: at + delay + 1, packet });
    at += bytes / 8;
  }
  return packets.sort((a, b) => a.at - b.at);
}

function run(leg: Leg, all: readonly Fate[]): Leg {
  const packets = [...journey(all)];
  const end = 200 + (packets.at(-1)?.at ?? 0);
  for (let now = 0; now < end; now++) {
    while (packets[0] !== undefined && packets[0].at <= now) leg.hear(packets.shift()!.packet, now);
    if (now % 20 === 0) leg.tick(now);
  }
  return leg;
}

const usual: Fate = { lateMs: 0, how: 'comes', bytes: 160, type: 0 };

describe('sound that goes straight to an agent', () => {
  it('does so in packets of 20 ms that follow on one another', () => {
    const leg = run(
      new Leg(),
      Array.from({ length: 50 }, () => usual),
    );
    expect(leg.straight).toBe(49);
  });

  it('does not where somebody has to hear it, or to take something out of it', () => {
    for (const prepare of [
      (leg: Leg) =>
        leg.inbound.setTap({ heard: () => undefined, sent: () => undefined, withdrawn: () => undefined }),
      (leg: Leg) => leg.inbound.listenForTones(true),
      (leg: Leg) => leg.inbound.shield(true),
      (leg: Leg) => leg.inbound.eager(false),
      (leg: Leg) => leg.inbound.setSink(new Ear('pcm_8000')),
    ]) {
      const leg = new Leg();
      prepare(leg);
      expect(
        run(
          leg,
          Array.from({ length: 50 }, () => usual),
        ).straight,
      ).toBe(0);
    }
  });

  it('follows a peer that sends faster than it speaks no farther than it does else', () => {
    const leg = new Leg();
    const packets = journey(Array.from({ length: 100 }, () => usual));
    for (const { packet } of packets) leg.hear(packet, 100);
    expect(leg.ear.chunks.length).toBe(10);
  });

  it('has all the words that the network held up for a second, and no second more than those', () => {
    const leg = new Leg();
    const packets = [...journey(Array.from({ length: 200 }, () => usual))];
    const heldFrom = 1100;
    const heldTo = 2100;
    for (let now = 0; now < heldTo; now++) {
      while (now < heldFrom && packets[0]!.at <= now) leg.hear(packets.shift()!.packet, now);
      if (now % 20 === 0) leg.tick(now);
    }
    const before = leg.ear.chunks.length;
    const held = packets.splice(0, 50);
    for (const { packet } of held) leg.hear(packet, heldTo);
    const sound = held.map(({ packet }) => packet.subarray(rtpHeaderBytes).toString('hex'));
    const told = leg.ear.chunks.slice(before).map(chunk => chunk.toString('hex'));
    expect(told.filter(chunk => sound.includes(chunk))).toHaveLength(50);
    const caughtUp = leg.ear.chunks.length;
    for (const { packet } of packets) leg.hear(packet, heldTo);
    expect(leg.ear.chunks.length - caughtUp).toBeLessThanOrEqual(15);
  });

  it('is the sound that goes the other way, whatever became of its packets', () => {
    fc.assert(
      fc.property(fc.array(fates, { maxLength: 80 }), all => {
        const straight = run(new Leg(), all);
        const other = new Leg();
        other.inbound.setTap({ heard: () => undefined, sent: () => undefined, withdrawn: () => undefined });
        expect(run(other, all).straight).toBe(0);
        expect(straight.told).toEqual(other.told);
      }),
      { numRuns: 300 },
    );
  });
});
