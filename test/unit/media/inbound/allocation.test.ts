import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { AudioFormat, AudioSink } from '../../../../src/core/audio.ts';
import { Inbound } from '../../../../src/media/inbound/receiver.ts';
import { writeHeader } from '../../../../src/media/rtp/packet.ts';
import type { CodecName } from '../../../../src/sdp/plan.ts';
import { payloadTypes, peer, planOf } from './telephone.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const packets = 20_000;
/** Numbers that do not fit a small integer are boxed when they cross a call; an object or a view is over this at once. */
const boundBytes = 96;

/** Sums what the heap grew by between samples; where it shrank the collector ran, and that piece is left out. */
function bytesPerPacket(run: (from: number, count: number) => void): number {
  run(0, packets);
  collect();
  const pieces = 80;
  const size = packets / pieces;
  let grown = 0;
  let counted = 0;
  let before = process.memoryUsage().heapUsed;
  for (let piece = 0; piece < pieces; piece++) {
    run(packets + piece * size, size);
    const after = process.memoryUsage().heapUsed;
    if (after >= before) {
      grown += after - before;
      counted += size;
    }
    before = after;
  }
  return grown / counted;
}

/** A leg that gets a packet and a tick every 20 ms, one packet in fifty lost. */
function leg(codec: CodecName, format: AudioFormat, spoil: () => unknown = () => undefined) {
  const sink: AudioSink = { format, write: () => void spoil(), toString: () => 'none' };
  const inbound = new Inbound({ onDigit: () => undefined });
  inbound.configure(planOf(codec));
  inbound.setSink(sink);
  const packet = Buffer.alloc(172, 0x3c);
  return (from: number, count: number) => {
    for (let n = from; n < from + count; n++) {
      writeHeader(packet, payloadTypes[codec], false, n & 0xffff, (n * 160) >>> 0, 7);
      if (n % 50 !== 0) inbound.rtp(packet, peer.address, peer.rtpPort, 1000.5 + n * 20);
      inbound.tick(1010.25 + n * 20);
    }
  };
}

describe('the way in, packet by packet', () => {
  it.each<[CodecName, AudioFormat]>([
    ['PCMU', 'ulaw_8000'],
    ['PCMU', 'pcm_16000'],
    ['PCMA', 'pcm_22050'],
    ['G722', 'pcm_16000'],
  ])('allocates nothing of its own: %s to %s', (codec, format) => {
    expect(bytesPerPacket(leg(codec, format))).toBeLessThan(boundBytes);
  });

  it('would be caught if it made one small object per packet', () => {
    let kept: unknown;
    const spoil = () => {
      kept = new Uint8Array(16);
    };
    expect(bytesPerPacket(leg('PCMU', 'ulaw_8000', spoil))).toBeGreaterThan(boundBytes);
    expect(kept).toBeDefined();
  });
});
