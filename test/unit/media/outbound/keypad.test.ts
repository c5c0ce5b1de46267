import { describe, expect, it } from 'vitest';
import { encodeAlaw, ulawToLinear } from '../../../../codecs/g711.ts';
import { DTMF_PAIRS, ToneDetector } from '../../../../codecs/tones.ts';
import { mediaLimits } from '../../../../src/media/limits.ts';
import { MediaMeters } from '../../../../src/media/meters.ts';
import { Keypad } from '../../../../src/media/outbound/keypad.ts';
import { Outbound } from '../../../../src/media/outbound/outbound.ts';
import { timestampDistance } from '../../../../src/media/rtp/sequence.ts';
import {
  keyOfEvent,
  readTelephoneEvent,
  TelephoneEventView,
} from '../../../../src/media/rtp/telephone-event.ts';
import type { MediaPlan } from '../../../../src/sdp/plan.ts';
import { RecordingSocket, type Sent, seeded } from '../recording-socket.ts';

const plan: MediaPlan = {
  codec: 'PCMU',
  sendPayloadType: 0,
  receivePayloadTypes: { 0: 'PCMU' },
  sendEventPayloadType: 101,
  packetTime: 20,
  direction: 'sendrecv',
  target: { address: '192.0.2.9', rtpPort: 4000, rtcpPort: 4001 },
};

class Bench {
  readonly socket = new RecordingSocket();
  readonly outbound: Outbound;
  readonly plan: MediaPlan;
  now = 5000;

  constructor(changes: Partial<MediaPlan> = {}, without101 = false) {
    const { sendEventPayloadType: _, ...plain } = plan;
    this.plan = { ...(without101 ? plain : plan), ...changes };
    this.outbound = new Outbound({
      socket: this.socket.asSocket,
      source: { target: plan.target },
      meters: new MediaMeters(),
      random: seeded(7),
    });
    this.outbound.apply(this.plan, this.now);
  }

  /** Lets `ms` of packets go out, each with the time at which it went. */
  run(ms: number): (Sent & { at: number })[] {
    const sent: (Sent & { at: number })[] = [];
    const end = this.now + ms;
    while (this.now + this.plan.packetTime <= end) {
      this.now += this.plan.packetTime;
      const before = this.socket.rtp.length;
      this.outbound.send(this.now, this.now);
      for (const packet of this.socket.rtp.slice(before)) sent.push({ ...packet, at: this.now });
    }
    return sent;
  }
}

function eventOf({ payload }: Sent): {
  key: string | undefined;
  end: boolean;
  duration: number;
  volume: number;
} {
  const view = new TelephoneEventView();
  expect(readTelephoneEvent(payload, 0, payload.length, view)).toBe(true);
  return { key: keyOfEvent(view.event), end: view.end, duration: view.duration, volume: view.volume };
}

/** Level of the loudest of the eight frequencies in each group, as the key that a telephone would hear. */
function keyHeard(packet: Sent): string | undefined {
  const samples = Int16Array.from(packet.payload, byte => ulawToLinear[byte]!);
  const loud = (hz: number) => new ToneDetector(8000, hz).level(samples, 0, samples.length) > -20;
  return Object.keys(DTMF_PAIRS).find(key => DTMF_PAIRS[key]!.every(loud));
}

const isEvent = ({ payloadType }: Sent) => payloadType === 101;

describe('keys as telephone-events', () => {
  it('are a marked first packet, updates at most 50 ms apart that fit, and the end three times, all with one timestamp', () => {
    const bench = new Bench();
    bench.run(100);
    bench.outbound.mix.press('5', 'events');
    const events = bench.run(400).filter(isEvent);
    expect(events.map(eventOf)).toEqual([
      { key: '5', end: false, duration: 160, volume: 10 },
      { key: '5', end: false, duration: 640, volume: 10 },
      { key: '5', end: true, duration: 800, volume: 10 },
      { key: '5', end: true, duration: 800, volume: 10 },
      { key: '5', end: true, duration: 800, volume: 10 },
    ]);
    expect(events.map(({ marker }) => marker)).toEqual([true, false, false, false, false]);
    expect(new Set(events.map(({ timestamp }) => timestamp)).size).toBe(1);
  });

  it('leave no hole in the sequence numbers, and sound goes on with the time that has gone by', () => {
    const bench = new Bench();
    const before = bench.run(100).at(-1)!;
    bench.outbound.mix.press('12', 'events');
    const after = bench.run(600);
    const numbers = [before, ...after].map(({ sequence }) => sequence);
    numbers.slice(1).forEach((number, i) => expect((number - numbers[i]!) & 0xffff).toBe(1));
    const last = after.at(-1)!;
    expect(isEvent(last)).toBe(false);
    expect(timestampDistance(before.timestamp, last.timestamp)).toBe((last.at - 5100) * 8);
    const [first, second] = ['1', '2'].map(
      key => after.find(sent => isEvent(sent) && eventOf(sent).key === key)!,
    );
    expect(timestampDistance(first!.timestamp, second!.timestamp)).toBeGreaterThanOrEqual(1600);
  });

  it.each([10, 20, 30, 40, 60])(
    'last at least 80 ms with as much of a gap at a packet time of %i ms',
    packetTime => {
      const bench = new Bench({ packetTime });
      bench.outbound.mix.press('19', 'events');
      const events = bench.run(1200).filter(isEvent);
      for (const key of ['1', '9']) {
        const of = events.filter(sent => eventOf(sent).key === key).map(eventOf);
        expect(of.filter(({ end }) => end)).toHaveLength(3);
        expect(of.at(-1)!.duration / 8).toBeGreaterThanOrEqual(80);
        expect(of.at(-1)!.duration / 8).toBeLessThanOrEqual(160);
      }
      const [one, nine] = ['1', '9'].map(key => events.find(sent => eventOf(sent).key === key)!);
      const apart = timestampDistance(one!.timestamp, nine!.timestamp) / 8;
      expect(
        apart - eventOf(events.filter(sent => eventOf(sent).key === '1').at(-1)!).duration / 8,
      ).toBeGreaterThanOrEqual(80);
    },
  );

  it('let the agent wait: not a byte of its sound is lost', () => {
    const bench = new Bench();
    bench.outbound.mix.begin('ulaw_8000');
    bench.outbound.mix.open();
    bench.outbound.mix.press('7', 'events');
    bench.outbound.mix.push(1, Buffer.alloc(800, 0x11), bench.now);
    const sound = bench.run(500).filter(sent => !isEvent(sent) && sent.payload[0] === 0x11);
    expect(sound).toHaveLength(5);
    expect(sound[0]!.at).toBeGreaterThanOrEqual(5000 + 200);
  });

  it('wait 0.5 s for w and 1 s for W, and tell when the last one is through', () => {
    const bench = new Bench();
    const done: number[] = [];
    bench.outbound.mix.press('1wW2', 'events', () => done.push(bench.now));
    const events = bench.run(2500).filter(isEvent);
    const first = (key: string) => events.find(sent => eventOf(sent).key === key)!.at;
    expect(first('2') - first('1')).toBe(200 + 500 + 1000);
    expect(done).toEqual([first('2') + 180]);
  });

  it('are refused as a whole when too many wait', () => {
    const keypad = new Keypad();
    expect(keypad.press('1'.repeat(mediaLimits.keysQueued), 'events', 8000)).toBe(true);
    expect(keypad.press('2', 'events', 8000)).toBe(false);
    expect(() => new Keypad().press('x', 'events', 8000)).toThrow(RangeError);
  });

  it('do not move while the call is on hold', () => {
    const bench = new Bench({ direction: 'inactive' });
    bench.outbound.mix.press('1', 'events');
    expect(bench.run(500)).toEqual([]);
    bench.outbound.apply(plan, bench.now);
    expect(bench.run(500).filter(isEvent)).toHaveLength(5);
  });
});

describe('keys as tones', () => {
  it.each([
    ['wished for', false],
    ['all that the peer takes', true],
  ])('are 100 ms of both frequencies and 100 ms of silence when they are %s', (_, without101) => {
    const bench = new Bench({}, without101);
    bench.outbound.mix.press('2#', without101 ? 'events' : 'tones');
    const heard = bench.run(500).map(keyHeard);
    expect(heard.slice(0, 20)).toEqual([
      ...Array(5).fill('2'),
      ...Array(5).fill(undefined),
      ...Array(5).fill('#'),
      ...Array(5).fill(undefined),
    ]);
    expect(bench.socket.rtp.every(sent => sent.payloadType === 0)).toBe(true);
  });

  it('are made for the codec in use', () => {
    const bench = new Bench({ codec: 'PCMA', sendPayloadType: 8 }, true);
    bench.outbound.mix.press('8', 'tones');
    const silence = new Uint8Array(1);
    encodeAlaw(new Int16Array(1), 0, 1, silence, 0);
    const [first] = bench.run(20);
    expect(first!.payload.filter(byte => byte !== silence[0]).length).toBeGreaterThan(140);
  });
});
