import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeUlaw, ulawToLinear } from '../../../../codecs/g711.ts';
import { G722Decoder } from '../../../../codecs/g722.ts';
import { sine, ToneDetector } from '../../../../codecs/tones.ts';
import { MediaMeters } from '../../../../src/media/meters.ts';
import { Outbound } from '../../../../src/media/outbound/outbound.ts';
import { timestampDistance } from '../../../../src/media/rtp/sequence.ts';
import { SrtpSender } from '../../../../src/media/srtp/sender.ts';
import type { MediaPlan, MediaTarget } from '../../../../src/sdp/plan.ts';
import { freshKey } from '../../../../src/sdp/srtp-key.ts';
import { RecordingSocket, type Sent, seeded } from '../recording-socket.ts';

const plan: MediaPlan = {
  codec: 'PCMU',
  sendPayloadType: 0,
  receivePayloadTypes: { 0: 'PCMU' },
  packetTime: 20,
  direction: 'sendrecv',
  target: { address: '192.0.2.9', rtpPort: 4000, rtcpPort: 4001 },
};

const srtpKey = freshKey('AES_CM_128_HMAC_SHA1_80');

class Bench {
  readonly socket = new RecordingSocket();
  readonly meters = new MediaMeters();
  readonly source: { target: MediaTarget | undefined } = { target: plan.target };
  readonly outbound: Outbound;
  now = 5000;

  readonly #applied: Partial<MediaPlan>;

  constructor(applied: Partial<MediaPlan> = {}, secure = false) {
    this.outbound = new Outbound({
      socket: this.socket.asSocket,
      source: this.source,
      meters: this.meters,
      random: seeded(23),
      ...(secure ? { protection: { sender: new SrtpSender(srtpKey) } } : {}),
    });
    this.#applied = applied;
    this.apply({});
  }

  apply(changes: Partial<MediaPlan>): void {
    this.outbound.apply({ ...plan, ...this.#applied, ...changes }, this.now);
  }

  /** Sends `packets` packets on time, `period` ms apart. */
  run(packets: number, period = 20): Sent[] {
    const before = this.socket.rtp.length;
    for (let i = 0; i < packets; i++) {
      this.now += period;
      this.outbound.send(this.now, this.now);
    }
    return this.socket.rtp.slice(before);
  }
}

const isSilence = (packet: Sent) => packet.payload.every(byte => byte === 0xff);

/** Mu-law of a loud sine, which has no byte of silence for as long as a packet. */
function speech(ms: number, level = -6): Buffer {
  const samples = new Int16Array(8 * ms);
  sine(8000, 700, level).generate(samples, 0, samples.length);
  const bytes = Buffer.alloc(samples.length);
  encodeUlaw(samples, 0, samples.length, bytes, 0);
  return bytes;
}

function speaking(applied: Partial<MediaPlan> = {}): Bench {
  const bench = new Bench(applied);
  bench.outbound.mix.begin('ulaw_8000');
  bench.outbound.mix.open();
  return bench;
}

/** What happens on a leg between packets, by name; each is done to a bench. */
const happenings: Readonly<Record<string, (bench: Bench) => void>> = {
  nothing: () => undefined,
  'the agent speaks': ({ outbound }) => void outbound.mix.push(1, speech(50), 0),
  'the agent is cut off': bench => void bench.outbound.interrupt(1, bench.now),
  'a key is pressed': ({ outbound }) => void outbound.mix.press('5', 'events'),
  'a key is pressed as a tone': ({ outbound }) => void outbound.mix.press('5', 'tones'),
  'ringback begins': ({ outbound }) => outbound.mix.background('ringback'),
  'ringback ends': ({ outbound }) => outbound.mix.background(undefined),
  hold: bench => bench.apply({ direction: 'recvonly' }),
  PCMU: bench => bench.apply({}),
  PCMA: bench => bench.apply({ codec: 'PCMA', sendPayloadType: 8 }),
  'packets of 30 ms': bench => bench.apply({ packetTime: 30 }),
  'G.722': bench => bench.apply({ codec: 'G722', sendPayloadType: 9 }),
};

describe('Outbound', () => {
  it('sends silence, and nothing that was said, between and after keys of any number of packets', () => {
    for (let silent = 1; silent < 4; silent++) {
      for (const packetTime of [10, 20, 30, 60]) {
        const bench = speaking({ sendEventPayloadType: 101, packetTime });
        bench.outbound.mix.push(1, speech(packetTime * 2), 0);
        bench.run(2 + silent, packetTime);
        bench.outbound.mix.press('5', 'events');
        const after = bench.run(40, packetTime).filter(({ payloadType }) => payloadType === 0);
        expect(after.length).toBeGreaterThan(10);
        expect(after.every(isSilence)).toBe(true);
      }
    }
  });

  it('sends the silence that is in a packet already as if it had made it anew', () => {
    const happening = fc.constantFrom(...Object.keys(happenings));
    const step = fc.record({ happening, packets: fc.integer({ min: 0, max: 6 }) });
    let spared = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.boolean(), (steps, secure) => {
        const [lazy, diligent] = [0, 1].map(() => new Bench({ sendEventPayloadType: 101 }, secure));
        Object.defineProperty(diligent!.outbound.mix, 'still', { get: () => false });
        for (const bench of [lazy!, diligent!]) {
          bench.outbound.mix.begin('ulaw_8000');
          bench.outbound.mix.open();
        }
        const fill = lazy!.outbound.mix.fill.bind(lazy!.outbound.mix);
        let filled = 0;
        lazy!.outbound.mix.fill = (...all) => {
          filled++;
          return fill(...all);
        };
        for (const { happening, packets } of steps) {
          for (const bench of [lazy!, diligent!]) {
            happenings[happening]!(bench);
            bench.run(packets);
          }
        }
        expect(lazy!.socket.datagrams).toEqual(diligent!.socket.datagrams);
        spared += lazy!.socket.datagrams.length - filled;
      }),
      { numRuns: 300 },
    );
    expect(spared).toBeGreaterThan(300);
  });

  it.each([
    ['PCMU', 0xff],
    ['PCMA', 0xd5],
  ] as const)('sends silence without a pause while there is nothing to say (%s)', (codec, silence) => {
    const sent = new Bench({ codec, sendPayloadType: 8 }).run(50);
    expect(sent.length).toBe(50);
    for (const packet of sent) {
      expect(packet.payload.length).toBe(160);
      expect(packet.payload.every(byte => byte === silence)).toBe(true);
      expect(packet.payloadType).toBe(8);
      expect(packet.address).toBe('192.0.2.9');
      expect(packet.port).toBe(4000);
    }
  });

  it('sends G.722 silence that a decoder hears as silence', () => {
    const sent = new Bench({ codec: 'G722' }).run(20);
    const samples = new Int16Array(320 * 20);
    const decoder = new G722Decoder();
    sent.forEach((packet, i) => decoder.decode(packet.payload, 0, 160, samples, i * 320));
    expect(Math.max(...samples.map(Math.abs))).toBeLessThan(20);
  });

  it.each([10, 20, 30, 40, 60])('numbers and stamps packets of %i ms without a hole', period => {
    const sent = new Bench({ packetTime: period }).run(200, period);
    expect(new Set(sent.map(packet => packet.ssrc)).size).toBe(1);
    for (const [i, packet] of sent.entries()) {
      expect(packet.payload.length).toBe(period * 8);
      if (i === 0) continue;
      expect((packet.sequence - sent[i - 1]!.sequence) & 0xffff).toBe(1);
      expect(timestampDistance(sent[i - 1]!.timestamp, packet.timestamp)).toBe(period * 8);
    }
  });

  it('lets the timestamp follow time, and marks the packet, when deadlines were skipped', () => {
    const bench = new Bench();
    const [before] = bench.run(1);
    bench.now += 480;
    const [after] = bench.run(1);
    expect((after!.sequence - before!.sequence) & 0xffff).toBe(1);
    expect(timestampDistance(before!.timestamp, after!.timestamp)).toBe(4000);
    expect(after!.marker).toBe(true);
  });

  it('marks the first packet of all and the first of each talkspurt, and no other', () => {
    const bench = speaking();
    const first = bench.run(3);
    bench.outbound.mix.push(1, speech(60), bench.now);
    const spurt = bench.run(5);
    bench.outbound.mix.push(2, speech(20), bench.now);
    const again = bench.run(2);
    const markers = [...first, ...spurt, ...again].map(packet => (packet.marker ? 'M' : '.')).join('');
    expect(markers).toBe('M..M....M.');
  });

  it('holds what comes before it is opened, and plays it from its very first sample', () => {
    const bench = new Bench();
    bench.outbound.mix.begin('ulaw_8000');
    const words = speech(500);
    for (let at = 0; at < words.length; at += 333)
      bench.outbound.mix.push(1, words.subarray(at, at + 333), bench.now);
    expect(bench.run(10).every(isSilence)).toBe(true);
    bench.outbound.mix.open();
    const heard = Buffer.concat(bench.run(25).map(packet => packet.payload));
    expect(heard.equals(words)).toBe(true);
    expect(bench.outbound.mix.firstAudioMs).toBe(220);
  });

  it('is silent within one packet of an interruption, and stays so for what comes late', () => {
    const bench = speaking();
    bench.outbound.mix.push(7, speech(2000), bench.now);
    expect(bench.run(10).some(isSilence)).toBe(false);
    bench.now += 5;
    expect(bench.outbound.interrupt(7, bench.now)).toBe(true);
    bench.outbound.mix.push(7, speech(1000), bench.now);
    bench.outbound.mix.push(6, speech(1000), bench.now);
    bench.now -= 5;
    const [faded, ...rest] = bench.run(10);
    expect(faded!.payload.subarray(40).every(byte => byte === 0xff)).toBe(true);
    expect(rest.every(isSilence)).toBe(true);
    expect(bench.meters.bargeIn.total).toBe(1);
    expect(bench.meters.bargeIn.max).toBe(20);
    expect(bench.outbound.mix.unheardMs).toBe(1795 + 2000);
  });

  it('fades the sound that it cuts off', () => {
    const bench = speaking();
    bench.outbound.mix.push(7, speech(2000), bench.now);
    bench.run(10);
    bench.outbound.interrupt(7, bench.now);
    const [faded] = bench.run(1);
    const linear = [...faded!.payload].map(byte => ulawToLinear[byte]!);
    const peak = (from: number, to: number) => Math.max(...linear.slice(from, to).map(Math.abs));
    expect(peak(0, 12)).toBeGreaterThan(8000);
    expect(peak(28, 40)).toBeLessThan(6000);
    expect(peak(40, 160)).toBe(0);
  });

  it('plays the answer to an interruption from its first sample, in the first packet that has room', () => {
    const bench = speaking();
    bench.outbound.mix.push(7, speech(2000), bench.now);
    bench.run(10);
    bench.outbound.interrupt(7, bench.now);
    const answer = speech(155, -3);
    bench.outbound.mix.push(8, answer, bench.now);
    const heard = Buffer.concat(bench.run(8).map(packet => packet.payload));
    expect(heard.subarray(40, 40 + answer.length).equals(answer)).toBe(true);
  });

  it('says nothing of what was interrupted before any of it was heard', () => {
    const bench = speaking();
    bench.run(1);
    bench.outbound.mix.push(7, speech(2000), bench.now);
    expect(bench.outbound.interrupt(7, bench.now)).toBe(true);
    expect(bench.outbound.interrupt(7, bench.now)).toBe(false);
    expect(bench.run(5).every(isSilence)).toBe(true);
    expect(bench.meters.bargeIn.total).toBe(0);
    expect(bench.outbound.mix.firstAudioMs).toBeUndefined();
  });

  it.each(['inactive', 'recvonly'] as const)(
    'sends nothing into a hold (%s), then goes on with the same SSRC and the sentence that was held',
    direction => {
      const bench = speaking();
      const words = speech(400);
      bench.outbound.mix.push(1, words, bench.now);
      const before = bench.run(10);
      bench.outbound.apply({ ...plan, direction }, bench.now);
      expect(bench.run(500)).toEqual([]);
      bench.outbound.apply(plan, bench.now);
      const after = bench.run(11);
      expect(after[0]!.ssrc).toBe(before[0]!.ssrc);
      expect((after[0]!.sequence - before.at(-1)!.sequence) & 0xffff).toBe(1);
      expect(timestampDistance(before.at(-1)!.timestamp, after[0]!.timestamp)).toBe(501 * 160);
      expect(after[0]!.marker).toBe(true);
      const heard = Buffer.concat([...before, ...after].map(packet => packet.payload));
      expect(heard.subarray(0, words.length).equals(words)).toBe(true);
    },
  );

  it('keeps the rest of the sentence that a hold broke, and not what the agent says into the hold', () => {
    const bench = speaking();
    bench.outbound.apply({ ...plan, direction: 'inactive' }, bench.now);
    bench.outbound.mix.push(1, speech(100), bench.now + 2000);
    bench.outbound.mix.push(2, speech(100), bench.now + 2001);
    bench.outbound.mix.push(3, speech(100), bench.now + 60_000);
    expect(bench.outbound.mix.queuedMs).toBe(100);
    expect(bench.outbound.mix.unheardMs).toBe(200);
    bench.outbound.apply(plan, bench.now + 61_000);
    bench.outbound.mix.push(4, speech(100), bench.now + 61_000);
    expect(bench.outbound.mix.queuedMs).toBe(200);
  });

  it('sends to a peer that only listens', () => {
    expect(new Bench({ direction: 'sendonly' }).run(3).length).toBe(3);
  });

  it('sends nothing to nobody: no target, the unspecified address, or port 0', () => {
    const bench = new Bench();
    for (const target of [
      undefined,
      { ...plan.target, address: '0.0.0.0' },
      { ...plan.target, rtpPort: 0 },
    ]) {
      bench.source.target = target;
      expect(bench.run(2)).toEqual([]);
    }
    bench.source.target = { ...plan.target, address: '192.0.2.77' };
    expect(bench.run(1)[0]!.address).toBe('192.0.2.77');
  });

  it('changes codec, payload number and packet time in mid-stream without a new SSRC', () => {
    const bench = speaking();
    const [before] = bench.run(1);
    bench.outbound.apply({ ...plan, codec: 'PCMA', sendPayloadType: 8, packetTime: 30 }, bench.now);
    bench.now -= 10;
    bench.outbound.mix.push(1, speech(30), bench.now);
    const [after, next] = bench.run(2, 30);
    expect(after).toMatchObject({ ssrc: before!.ssrc, payloadType: 8 });
    expect(after!.payload.length).toBe(240);
    expect(timestampDistance(before!.timestamp, after!.timestamp)).toBe(160);
    expect(timestampDistance(after!.timestamp, next!.timestamp)).toBe(240);
    expect(next!.payload.every(byte => byte === 0xd5)).toBe(true);
  });

  it('plays ringback until the agent speaks', () => {
    const bench = speaking();
    bench.outbound.mix.background('ringback');
    const ringing = bench.run(50);
    const samples = Int16Array.from(
      ringing.flatMap(packet => [...packet.payload]),
      byte => ulawToLinear[byte]!,
    );
    for (const hz of [440, 480])
      expect(new ToneDetector(8000, hz).level(samples, 0, 8000)).toBeGreaterThan(-22);
    bench.outbound.mix.push(1, speech(40), bench.now);
    const heard = Buffer.concat(bench.run(2).map(packet => packet.payload));
    expect(heard.equals(speech(40))).toBe(true);
    expect(bench.run(10).every(isSilence)).toBe(true);
  });

  it('plays ringback although sound of the conversation before it was left', () => {
    const bench = speaking();
    bench.outbound.mix.push(1, speech(400), bench.now);
    bench.run(2);
    bench.outbound.mix.background('ringback');
    const ringing = bench.run(50);
    const samples = Int16Array.from(
      ringing.flatMap(packet => [...packet.payload]),
      byte => ulawToLinear[byte]!,
    );
    expect(new ToneDetector(8000, 480).level(samples, 0, 8000)).toBeGreaterThan(-22);
    expect(bench.outbound.mix.unheardMs).toBe(360);
  });

  it('stops ringback when told to', () => {
    const bench = new Bench();
    bench.outbound.mix.background('ringback');
    expect(bench.run(2).some(isSilence)).toBe(false);
    bench.outbound.mix.background(undefined);
    const [fading, ...after] = bench.run(3);
    expect(isSilence(fading!)).toBe(false);
    expect(after.every(isSilence)).toBe(true);
  });

  it('begins a second conversation with its own event ids, after the sentence that the first had begun', () => {
    const bench = speaking();
    bench.outbound.mix.push(90, speech(60), bench.now);
    bench.run(1);
    bench.outbound.mix.begin('ulaw_8000');
    bench.outbound.mix.push(1, speech(20), bench.now);
    const heard = Buffer.concat(bench.run(3).map(packet => packet.payload));
    expect(heard.equals(Buffer.concat([speech(60).subarray(160), speech(20)]))).toBe(true);
    expect(bench.run(2).every(isSilence)).toBe(true);
    expect(bench.outbound.mix.unheardMs).toBe(0);
  });

  it('drops what a conversation left of which nothing was heard yet', () => {
    const bench = speaking();
    bench.outbound.mix.push(90, speech(1000), bench.now);
    bench.outbound.mix.begin('ulaw_8000');
    expect(bench.outbound.mix.unheardMs).toBe(1000);
    expect(bench.run(1).every(isSilence)).toBe(true);
  });

  it('cuts the sentence of a lost conversation off, and what the new one said, when the caller speaks', () => {
    const bench = speaking();
    bench.outbound.mix.push(90, speech(1000), bench.now);
    bench.run(1);
    bench.outbound.mix.begin('ulaw_8000');
    bench.outbound.mix.push(1, speech(500), bench.now);
    expect(bench.outbound.interrupt(1, bench.now)).toBe(true);
    bench.run(1);
    expect(bench.run(5).every(isSilence)).toBe(true);
    expect(bench.outbound.mix.unheardMs).toBeCloseTo(980 - 5 + 500, 0);
  });

  it('has finished when all was played and the peer has had time to play it too', () => {
    const bench = speaking();
    expect(bench.outbound.finished(bench.now)).toBe(true);
    bench.outbound.mix.push(1, speech(50), bench.now);
    expect(bench.outbound.finished(bench.now)).toBe(false);
    bench.run(3);
    expect(bench.outbound.finished(bench.now)).toBe(false);
    bench.run(4);
    expect(bench.outbound.finished(bench.now)).toBe(false);
    bench.run(1);
    expect(bench.outbound.finished(bench.now)).toBe(true);
    expect(bench.outbound.mix.unheardMs).toBe(0);
  });

  it('counts what still waits at the end as unheard', () => {
    const bench = speaking();
    bench.outbound.mix.push(1, speech(500), bench.now);
    bench.run(5);
    bench.outbound.close();
    expect(bench.outbound.mix.unheardMs).toBe(400);
    expect(bench.outbound.packets).toBe(5);
    expect(bench.outbound.octets).toBe(800);
    expect(bench.meters.packetsSent).toBe(5);
  });

  it('prints its stages', () => {
    const bench = new Bench();
    expect(String(bench.outbound)).toBe('silence -> rtp(pt 0, 20ms, sendrecv)');
    bench.outbound.mix.begin('pcm_16000');
    expect(String(bench.outbound)).toBe(
      'agent(pcm_16000) -> playout -> 16000>8000 -> pcmu(encode) -> rtp(pt 0, 20ms, sendrecv)',
    );
  });
});
