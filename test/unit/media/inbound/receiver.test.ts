import { describe, expect, it } from 'vitest';
import { sine, ToneDetector } from '../../../../codecs/tones.ts';
import { audioFormats, bytesPerSample, sampleRate } from '../../../../src/core/audio.ts';
import type { Logger } from '../../../../src/core/logger.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { inboundLimits as limits } from '../../../../src/media/inbound/limits.ts';
import { Inbound } from '../../../../src/media/inbound/receiver.ts';
import { rtcpMaxBytes, writeReport } from '../../../../src/media/rtp/rtcp.ts';
import { timestampPlus } from '../../../../src/media/rtp/sequence.ts';
import { codecNames } from '../../../../src/sdp/plan.ts';
import { seededRandom } from '../../../support/impairment.ts';
import { Ear, Line, levels, longestGap, payloadTypes, peer, planOf, Telephone } from './telephone.ts';

const rateOf = (line: Line) => sampleRate(line.ear.format);
const toneFloor = -15 - 6;

describe('Inbound, undisturbed', () => {
  it.each(codecNames)('gives the sink gapless sound at the level it was sent with: %s', codec => {
    const line = new Line({ codec });
    line.talk(3000);
    const samples = line.ear.samples;
    const detector = new ToneDetector(rateOf(line), 1000);
    const half = samples.length >> 1;
    expect(Math.abs(detector.level(samples, half, half - 320) + 12)).toBeLessThan(1);
    expect(longestGap(levels(samples, rateOf(line)), toneFloor)).toBe(0);
    expect(line.inbound.framesConcealed).toBe(0);
    expect(line.inbound.packetsReceived).toBe(150);
  });

  it('keeps of G.722 what G.711 cannot carry: 5 kHz', () => {
    const line = new Line({ codec: 'G722' });
    line.telephone.tone = sine(16_000, 5000, -12);
    line.talk(500);
    const level = (hz: number) => new ToneDetector(16_000, hz).level(line.ear.samples, 4000, 3200);
    expect(Math.abs(level(5000) + 12)).toBeLessThan(1.5);
    expect(level(3000)).toBeLessThan(-45);
  });

  it.each(audioFormats)('hands over 20 ms in every tick, silence too, as %s', format => {
    const line = new Line({ format });
    line.wait(400);
    line.talk(400);
    line.wait(400);
    const bytes = (sampleRate(format) / 50) * bytesPerSample(format);
    expect(line.ear.chunks).toHaveLength(60);
    expect(line.ear.chunks.every(chunk => Math.abs(chunk.length - bytes) <= bytesPerSample(format))).toBe(
      true,
    );
  });

  it.each([10, 20, 30, 40, 60])('takes packets of %i ms although others were asked for', packetMs => {
    const line = new Line();
    line.talk(600);
    line.talk(3000, packetMs);
    expect(longestGap(levels(line.ear.samples, 8000), toneFloor)).toBe(0);
    expect(line.inbound.bufferDelayMs).toBeLessThan(60);
  });

  it.each([10, 20, 60])(
    'passes mu-law of %i ms packets through byte by byte, both zeros included',
    packetMs => {
      const line = new Line({ format: 'ulaw_8000' });
      const random = seededRandom(9);
      const sent: Buffer[] = [];
      for (let at = 0; at < 400; at += packetMs) {
        const payload = Buffer.from(Array.from({ length: packetMs * 8 }, () => Math.floor(random() * 256)));
        payload[0] = 0x7f;
        payload[1] = 0xff;
        sent.push(payload);
        line.send(line.telephone.raw(0, payload));
        line.telephone.timestamp = timestampPlus(line.telephone.timestamp, payload.length);
        line.wait(packetMs);
      }
      line.wait(200);
      expect(Buffer.concat(line.ear.chunks).indexOf(Buffer.concat(sent).subarray(0, 2400))).toBeGreaterThan(
        0,
      );
    },
  );

  it('tells the way that the sound takes', () => {
    const line = new Line({ format: 'pcm_16000' });
    expect(`${line.inbound}`).toBe(
      'latch(open) -> jitter(40ms) -> pcmu(decode) -> 8000>16000 -> ear(pcm_16000)',
    );
    line.talk(40);
    expect(`${line.inbound}`).toContain('latch(sdp)');
    expect(`${new Line({ codec: 'G722' }).inbound}`).toContain('-> g722(decode) -> ear(pcm_16000)');
    expect(`${new Line({ format: 'ulaw_8000' }).inbound}`).toContain('-> pcmu(pass) -> ear(ulaw_8000)');
    line.inbound.setSink(undefined);
    expect(`${line.inbound}`).toContain('nowhere');
  });

  it('moves to another sink and another format in mid-call', () => {
    const line = new Line();
    line.talk(500);
    const other = new Ear('pcm_24000');
    line.inbound.setSink(other);
    line.talk(500);
    expect(line.ear.chunks).toHaveLength(25);
    expect(other.chunks).toHaveLength(25);
    expect(new ToneDetector(24_000, 1000).level(other.samples, 4000, 4800)).toBeGreaterThan(-13);
  });

  it('tells of the first packet once', () => {
    const seen: number[] = [];
    const line = new Line({ options: { onFirstPacket: nowMs => seen.push(nowMs) } });
    line.talk(200);
    expect(seen).toEqual([5005]);
    expect(line.inbound.lastPacketMs).toBe(5185);
  });
});

describe('Inbound, when the sender changes', () => {
  it.each([
    ['SSRC, sequence and timestamp at once', { ssrc: 99, sequence: 400, timestamp: 123_456 }],
    ['timestamp ahead', { timestamp: 0x4000_0000 }],
    ['timestamp back by little', { timestamp: 0xffff_f000 }],
    ['sequence', { sequence: 30_000 }],
  ])('goes on without a hole when it changes its %s', (_, change) => {
    const line = new Line();
    line.talk(1000);
    Object.assign(line.telephone, change);
    line.talk(2000);
    expect(longestGap(levels(line.ear.samples, 8000), toneFloor)).toBeLessThanOrEqual(4);
    expect(
      levels(line.ear.samples, 8000)
        .slice(-50)
        .every(level => level > toneFloor),
    ).toBe(true);
    expect(line.inbound.framesConcealed).toBeLessThanOrEqual(7);
  });

  it('keeps to its source when a single packet of another SSRC slips in', () => {
    const line = new Line();
    line.talk(500);
    const stray = new Telephone('PCMU', { sequence: 7, timestamp: 7 });
    stray.ssrc = 5;
    for (let i = 0; i < 20; i++) {
      line.send(stray.sound(20));
      line.talk(20);
    }
    expect(line.inbound.report(0)?.ssrc).toBe(line.telephone.ssrc);
    expect(line.inbound.framesConcealed).toBe(0);
  });

  it('follows a change of codec, of the sampling rate too', () => {
    const line = new Line({
      format: 'pcm_16000',
      plan: { receivePayloadTypes: { 0: 'PCMU', 8: 'PCMA', 9: 'G722' } },
    });
    line.talk(600);
    for (const codec of ['PCMA', 'G722', 'PCMU'] as const) {
      const next = new Telephone(codec, line.telephone);
      line.telephone.codec = codec;
      line.telephone.tone = next.tone;
      line.talk(600);
    }
    const blocks = levels(line.ear.samples, 16_000);
    expect(longestGap(blocks, toneFloor)).toBeLessThanOrEqual(5);
    expect(blocks.filter(level => level > toneFloor).length).toBeGreaterThan(blocks.length - 20);
  });

  it('is silent in a pause and has all of the next words', () => {
    const line = new Line();
    line.talk(500);
    for (const clockGoesOn of [true, false]) {
      const concealed = line.inbound.framesConcealed;
      line.wait(2000);
      if (clockGoesOn) line.telephone.timestamp = timestampPlus(line.telephone.timestamp, 16_000);
      expect(line.inbound.framesConcealed - concealed).toBeLessThanOrEqual(limits.concealMs / 20 + 1);
      line.ear.chunks.length = 0;
      line.talk(500);
      line.wait(200);
      const loud = levels(line.ear.samples, 8000).filter(level => level > toneFloor).length;
      expect(loud * 10).toBeGreaterThanOrEqual(490);
    }
  });

  it('is recorded at its time when the clock of a telephone stood still while it was silent', () => {
    for (const waitMs of [2000, 30_000]) {
      const line = new Line();
      const off: number[] = [];
      line.inbound.eager(true);
      line.talk(500);
      line.wait(waitMs);
      line.inbound.setTap({
        heard: atMs => void off.push(line.nowMs - atMs),
        sent: () => undefined,
        withdrawn: () => undefined,
      });
      line.talk(500);
      expect(Math.max(...off.map(Math.abs))).toBeLessThanOrEqual(80);
    }
  });

  it('takes comfort noise for silence', () => {
    const line = new Line();
    line.talk(500);
    line.send(line.telephone.raw(13, Buffer.from([60])));
    line.wait(500);
    expect(line.inbound.malformed).toBe(0);
    expect(line.inbound.framesConcealed).toBe(0);
    expect(
      levels(line.ear.samples, 8000)
        .slice(-30)
        .every(level => level < -80),
    ).toBe(true);
  });

  it.each([-200, 200])('absorbs a clock that is %i ppm off over ten minutes', ppm => {
    const line = new Line();
    line.talk(600_000, 20, 1 + ppm / 1e6);
    expect(longestGap(levels(line.ear.samples, 8000), toneFloor)).toBe(0);
    expect(line.inbound.bufferDelayMs).toBeLessThan(50);
    expect(line.inbound.framesConcealed).toBeLessThan(20);
    expect(line.inbound.late).toBe(0);
  });
});

describe('Inbound and who may speak', () => {
  it('hears nothing of a stranger that floods the port', () => {
    const line = new Line();
    line.talk(200);
    const stranger = new Telephone();
    for (let i = 0; i < 100; i++) line.inbound.rtp(stranger.sound(20), '198.51.100.66', 4000, line.nowMs);
    line.ear.chunks.length = 0;
    line.wait(400);
    expect(line.inbound.strangers).toBe(100);
    expect(
      levels(line.ear.samples, 8000)
        .slice(20)
        .every(level => level < -80),
    ).toBe(true);
    expect(line.inbound.target).toEqual(peer);
  });

  it('loses not a syllable of a peer behind NAT', () => {
    const inbound = new Inbound({ onDigit: () => undefined });
    const ear = new Ear();
    inbound.configure(planOf());
    inbound.setSink(ear);
    const telephone = new Telephone();
    for (let i = 0; i < 50; i++) {
      inbound.rtp(telephone.sound(20), '203.0.113.5', 61_000, i * 20);
      inbound.tick(i * 20 + 5);
    }
    for (let i = 50; i < 60; i++) inbound.tick(i * 20 + 5);
    expect(inbound.packetsReceived).toBe(50);
    const loud = levels(ear.samples, 8000).filter(level => level > toneFloor).length;
    expect(loud * 10).toBeGreaterThanOrEqual(950);
    expect(inbound.target).toEqual({ address: '203.0.113.5', rtpPort: 61_000, rtcpPort: 61_001 });
  });

  it('hears nobody before it is configured, and nothing while we only send', () => {
    const inbound = new Inbound({ onDigit: () => undefined });
    const telephone = new Telephone();
    inbound.rtp(telephone.sound(20), peer.address, peer.rtpPort, 0);
    expect(inbound.packetsReceived).toBe(0);
    expect(inbound.target).toBeUndefined();
    const line = new Line({ plan: { direction: 'sendonly' } });
    line.talk(500);
    expect(levels(line.ear.samples, 8000).every(level => level < -80)).toBe(true);
    expect(line.inbound.packetsReceived).toBe(25);
  });

  it('logs the source it knows and the first stranger, not every one', () => {
    const lines: string[] = [];
    const log: Logger = { ...silentLogger, info: message => void lines.push(message) };
    const line = new Line({ options: { log } });
    line.talk(100);
    for (let i = 0; i < 10; i++)
      line.inbound.rtp(new Telephone().sound(20), '198.51.100.66', 4000, line.nowMs);
    expect(lines).toEqual(['RTP source known', 'RTP from an unknown source is ignored']);
  });

  it('ignores payload types that were not negotiated and counts them', () => {
    const line = new Line();
    line.talk(100);
    const before = line.inbound.packetsReceived;
    line.send(line.telephone.raw(payloadTypes.G722, Buffer.alloc(160)));
    line.wait(40);
    expect(line.inbound.packetsReceived).toBe(before);
    expect(line.inbound.malformed).toBe(1);
  });
});

describe('Inbound and RTCP', () => {
  it('answers a sender report with LSR and DLSR, on either port', () => {
    for (const muxed of [false, true]) {
      const line = new Line();
      line.talk(200);
      const bytes = Buffer.alloc(rtcpMaxBytes);
      const sender = { wallMs: 1_700_000_000_500, timestamp: 1, packets: 1, octets: 1 };
      const length = writeReport(bytes, { ssrc: line.telephone.ssrc, cname: 'x', sender });
      const packet = bytes.subarray(0, length);
      if (muxed) line.inbound.rtp(packet, peer.address, peer.rtpPort, line.nowMs);
      else line.inbound.rtcp(packet, peer.address, peer.rtcpPort, line.nowMs);
      const report = line.inbound.report(line.nowMs + 250)!;
      expect(report.lastSenderReport).toBe(
        (((1_700_000_000 + 2_208_988_800) % 65_536) * 65_536 + 0x8000) >>> 0,
      );
      expect(report.delaySinceLastSenderReport).toBe(16_384);
    }
  });

  it('believes no report of a stranger', () => {
    const line = new Line();
    line.talk(200);
    const bytes = Buffer.alloc(rtcpMaxBytes);
    const sender = { wallMs: 1_700_000_000_500, timestamp: 1, packets: 1, octets: 1 };
    const length = writeReport(bytes, { ssrc: line.telephone.ssrc, cname: 'x', sender });
    line.inbound.rtcp(bytes.subarray(0, length), '198.51.100.66', 4001, line.nowMs);
    expect(line.inbound.report(line.nowMs)!.lastSenderReport).toBe(0);
    expect(line.inbound.strangers).toBe(1);
  });
});

describe('Inbound and keys', () => {
  /** A press of `ms`: packets each 20 ms with the timestamp of its beginning, the end three times. */
  function press(line: Line, key: number, ms = 100): void {
    for (let at = 20; at <= ms; at += 20) {
      line.send(line.telephone.event(key, false, at * 8, at === 20));
      line.wait(20);
    }
    for (let i = 0; i < 3; i++) line.send(line.telephone.event(key, true, ms * 8));
    line.telephone.timestamp = timestampPlus(line.telephone.timestamp, ms * 8);
  }

  it('hears 1,000 keys through 10 % loss, reordering and duplicates: none doubled, none lost', () => {
    const network = { seed: 4, loss: 0.1, duplicate: 0.1, delayMs: 20, jitterMs: 15 };
    const line = new Line({ network });
    const random = seededRandom(77);
    const pressed: string[] = [];
    for (let i = 0; i < 1000; i++) {
      const key = Math.floor(random() * 16);
      pressed.push('0123456789*#ABCD'[key]!);
      press(line, key);
      line.talk(80);
    }
    line.wait(200);
    expect(line.digits.join('')).toBe(pressed.join(''));
    expect(line.inbound.digits).toBe(1000);
  });

  it('does not take the sound that is missing during a press for loss', () => {
    const line = new Line();
    line.talk(500);
    press(line, 5, 200);
    line.talk(500);
    expect(line.inbound.framesConcealed).toBe(0);
    expect(line.inbound.lost).toBe(0);
    expect(line.digits).toEqual(['5']);
    const blocks = levels(line.ear.samples, 8000);
    expect(longestGap(blocks, toneFloor)).toBeLessThanOrEqual(24);
    expect(blocks.slice(-30).every(level => level > toneFloor)).toBe(true);
  });

  it('hears a key of another source that has the timestamp of the last one', () => {
    const line = new Line();
    line.send(line.telephone.event(5, true, 800));
    line.talk(200);
    const { timestamp } = line.telephone;
    line.send(line.telephone.event(5, true, 800));
    line.wait(20);
    Object.assign(line.telephone, { ssrc: 99, timestamp });
    line.send(line.telephone.event(5, true, 800));
    line.send(line.telephone.event(5, true, 800));
    line.wait(20);
    expect(line.digits).toEqual(['5', '5', '5']);
  });

  it('reports no events that are not keys, and none that are cut short', () => {
    const line = new Line();
    line.send(line.telephone.event(16, false, 160));
    line.send(line.telephone.event(66, false, 160));
    line.send(line.telephone.raw(101, Buffer.from([5, 10])));
    line.wait(100);
    expect(line.digits).toEqual([]);
  });
});
