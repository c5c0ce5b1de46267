import type dgram from 'node:dgram';
import { describe, expect, it } from 'vitest';
import { type AudioFormat, bytesPerSample, sampleRate } from '../../../../src/core/audio.ts';
import { MediaMeters } from '../../../../src/media/meters.ts';
import { Outbound } from '../../../../src/media/outbound/outbound.ts';
import { Pacer } from '../../../../src/media/outbound/pacer.ts';
import type { CodecName } from '../../../../src/sdp/plan.ts';
import { bytesPerCall } from '../../../support/allocation.ts';

/**
 * One stream in full speech, under a pacer whose clock goes on by 20 ms at each call; `send` costs nothing. Its times
 * are whole ms: a fraction becomes an object of 16 bytes wherever V8 does not inline the call that hands it on, and
 * where it does differs from run to run.
 */
function stream(format: AudioFormat, codec: CodecName, planted: () => void = () => undefined): () => void {
  let now = 1000;
  const timer = { cancel: () => undefined };
  const clock = { now: () => now, wall: () => now, timer: () => timer };
  const pacer = new Pacer(clock);
  const target = { address: '192.0.2.9', rtpPort: 4000, rtcpPort: 4001 };
  const outbound = new Outbound({
    socket: { send: planted } as unknown as dgram.Socket,
    source: { target },
    meters: new MediaMeters(),
    random: Math.random,
  });
  outbound.apply(
    {
      codec,
      sendPayloadType: 0,
      receivePayloadTypes: { 0: codec },
      packetTime: 20,
      direction: 'sendrecv',
      target,
    },
    now,
  );
  outbound.mix.begin(format);
  outbound.mix.open();
  // Half a second and one byte, so that every other piece breaks a sample.
  const piece = Buffer.alloc((sampleRate(format) * bytesPerSample(format)) / 2 + 1, 7);
  pacer.add(outbound, 20);
  let calls = 0;
  return () => {
    if (calls++ % 25 === 0) outbound.mix.push(1, piece, now);
    now += 20;
    pacer.run();
  };
}

/** What the test itself takes: a clock that goes on. */
function idle(): () => number {
  let now = 1000;
  return () => {
    now += 20;
    return now;
  };
}

/** Two such numbers: the way out was seen to make none or one of its own. */
const mostBytes = 33;

describe('the way out', () => {
  const bare = bytesPerCall(idle());

  it.each([
    ['ulaw_8000', 'PCMU'],
    ['ulaw_8000', 'PCMA'],
    ['pcm_16000', 'PCMU'],
    ['pcm_24000', 'PCMA'],
    ['pcm_16000', 'G722'],
    ['pcm_44100', 'G722'],
  ] as const)('allocates next to nothing a packet from %s to %s', (format, codec) => {
    expect(bytesPerCall(stream(format, codec)) - bare).toBeLessThan(mostBytes);
  });

  it('is caught at it when it makes as little as one small object a packet', () => {
    const made: unknown[] = [];
    const planted = () => {
      made[0] = { packet: made, sequence: made, timestamp: made, ssrc: made };
    };
    expect(bytesPerCall(stream('ulaw_8000', 'PCMU', planted)) - bare).toBeGreaterThan(mostBytes);
  });
});
