import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AudioSink } from '../../src/core/audio.ts';
import { Inbound } from '../../src/media/inbound/receiver.ts';
import { parseRtp, RtpView } from '../../src/media/rtp/packet.ts';
import { parseRtcp, RtcpView } from '../../src/media/rtp/rtcp.ts';
import { keyOfEvent, readTelephoneEvent, TelephoneEventView } from '../../src/media/rtp/telephone-event.ts';
import type { MediaPlan } from '../../src/sdp/plan.ts';
import { settings } from './mutation.ts';

const plan: MediaPlan = {
  codec: 'PCMU',
  sendPayloadType: 0,
  receivePayloadTypes: { 0: 'PCMU', 8: 'PCMA', 9: 'G722' },
  receiveEventPayloadType: 101,
  packetTime: 20,
  direction: 'sendrecv',
  target: { address: '192.0.2.1', rtpPort: 4000, rtcpPort: 4001 },
};

/** Random bytes, many of which begin like RTP or RTCP so that they get past the first checks. */
const datagram = fc.oneof(
  fc.uint8Array({ maxLength: 2100 }),
  fc
    .tuple(
      fc.constantFrom(0x80, 0x90, 0xa0, 0x81, 0xb2),
      fc.constantFrom(0, 8, 9, 13, 101, 0x80, 200, 201, 202, 203),
      fc.uint8Array({ minLength: 10, maxLength: 400 }),
    )
    .map(([first, second, rest]) => Uint8Array.from([first, second, ...rest])),
);

describe('any bytes at all', { timeout: 180_000 }, () => {
  it('never make the parsers throw or point outside of the packet', () => {
    const rtp = new RtpView();
    const rtcp = new RtcpView();
    fc.assert(
      fc.property(datagram, bytes => {
        if (parseRtp(bytes, rtp)) {
          expect(rtp.payloadStart).toBeGreaterThanOrEqual(12);
          expect(rtp.payloadLength).toBeGreaterThanOrEqual(0);
          expect(rtp.payloadStart + rtp.payloadLength).toBeLessThanOrEqual(bytes.length);
        }
        const event = new TelephoneEventView();
        if (parseRtp(bytes, rtp) && readTelephoneEvent(bytes, rtp.payloadStart, rtp.payloadLength, event)) {
          expect(event.volume).toBeLessThan(64);
          expect(event.duration).toBeLessThan(65_536);
          expect(keyOfEvent(event.event)?.length ?? 1).toBe(1);
        }
        parseRtcp(bytes, rtcp, 1);
      }),
      settings,
    );
  });

  it('from the peer never stop the sound: every tick has its 20 ms', () => {
    const step = fc.record({
      bytes: datagram,
      control: fc.boolean(),
      later: fc.integer({ min: 0, max: 60 }),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.constantFrom('pcm_16000', 'ulaw_8000'),
        (steps, format) => {
          let taken = 0;
          let ticks = 0;
          const sink: AudioSink = {
            format,
            write: (bytes, from = 0, to = bytes.length) => {
              taken += to - from;
            },
            toString: () => 'sink',
          };
          const inbound = new Inbound({ onDigit: () => undefined });
          inbound.configure(plan);
          inbound.setSink(sink);
          let now = 10;
          for (const { bytes, control, later } of steps) {
            now += later;
            const packet = Buffer.from(bytes);
            if (control) inbound.rtcp(packet, '192.0.2.1', 4001, now);
            else inbound.rtp(packet, '192.0.2.1', 4000, now);
            for (; ticks * 20 < now; ticks++) inbound.tick(ticks * 20);
          }
          expect(taken).toBe(ticks * (format === 'ulaw_8000' ? 160 : 640));
          inbound.report(now);
        },
      ),
      { ...settings, numRuns: Math.ceil(settings.numRuns / 10) },
    );
  });
});
