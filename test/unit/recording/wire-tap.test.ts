import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linearToAlaw, linearToUlaw } from '../../../codecs/g711.ts';
import { G722Encoder } from '../../../codecs/g722.ts';
import { sine } from '../../../codecs/tones.ts';
import { ending } from '../../../src/core/ending.ts';
import type { CallKey } from '../../../src/core/ids.ts';
import { recordingLimits as limits } from '../../../src/recording/limits.ts';
import { Recorder } from '../../../src/recording/recorder.ts';
import { Timeline } from '../../../src/recording/timeline.ts';
import { WireTap } from '../../../src/recording/wire-tap.ts';
import type { CodecName } from '../../../src/sdp/plan.ts';
import { bytesPerCall } from '../../support/allocation.ts';
import { FakeDisk } from '../../support/fake-disk.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { requirePrograms } from '../../support/programs.ts';

const tools = requirePrograms('recordings as ffmpeg hears them', ['ffmpeg', 'ffprobe']);

/** Payload of 20 ms of a tone that goes on from packet to packet. */
function payloads(codec: CodecName, hz: number): () => Uint8Array {
  const rate = codec === 'G722' ? 16_000 : 8000;
  const tone = sine(rate, hz, -10);
  const samples = new Int16Array(rate / 50);
  const encoder = new G722Encoder();
  const table = codec === 'PCMU' ? linearToUlaw : linearToAlaw;
  const packet = new Uint8Array(160);
  return () => {
    tone.generate(samples, 0, samples.length);
    if (codec === 'G722') encoder.encode(samples, 0, samples.length, packet, 0);
    else for (let i = 0; i < samples.length; i++) packet[i] = table[samples[i]! & 0xffff]!;
    return packet;
  };
}

/** A call of 4 s: the caller hums from 1 to 2 s, the agent from 2.5 to 3.5 s. */
async function hummed(codec: CodecName): Promise<Buffer> {
  const clock = new ManualClock();
  const disk = new FakeDisk();
  const recorder = new Recorder(clock, disk);
  const rate = codec === 'G722' ? 16_000 : 8000;
  const recording = recorder.start('call_1' as CallKey, rate, { folder: '/r', minFreeBytes: 0 });
  const tone = sine(rate, 700, -10);
  const samples = new Int16Array(rate / 50);
  const next = payloads(codec, 1300);
  const start = clock.now();
  for (let ms = 0; ms < 4000; ms += 20) {
    if (ms >= 1000 && ms < 2000) tone.generate(samples, 0, samples.length);
    else samples.fill(0);
    recording.tap.heard(start + ms, samples, samples.length, rate);
    if (ms >= 2500 && ms < 3500) recording.tap.sent(start + ms, next(), 0, 160, codec);
    clock.advance(20);
    await new Promise(resolve => setImmediate(resolve));
  }
  recording.finish(ending('recording-complete'));
  await recording.over;
  return disk.files.get('/r/call_1.wav')!;
}

/** Where ffmpeg finds a channel to be silent, s. */
function silences(path: string, channel: number): { from: number; to: number }[] {
  const filter = `pan=mono|c0=c${channel},silencedetect=noise=-40dB:d=0.1`;
  const args = ['-hide_banner', '-nostats', '-i', path, '-af', filter, '-f', 'null', '-'];
  const told = execFileSync('sh', ['-c', 'ffmpeg "$@" 2>&1', 'sh', ...args], { encoding: 'utf8' });
  const times = (what: string) =>
    [...told.matchAll(new RegExp(`silence_${what}: (-?[\\d.]+)`, 'g'))].map(([, at]) => Number(at));
  const ends = times('end');
  return times('start').map((from, i) => ({ from, to: ends[i] ?? 4 }));
}

describe.skipIf(!tools)('a recording as ffmpeg hears it', () => {
  it.each([
    ['PCMU', 8000],
    ['PCMA', 8000],
    ['G722', 16_000],
  ] as const)(
    'of %s is stereo at %i Hz, with each side in its channel and within a frame of its time',
    async (codec, rate) => {
      const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-wav-'));
      try {
        const path = join(folder, 'call.wav');
        writeFileSync(path, await hummed(codec));
        const probe = execFileSync(
          'ffprobe',
          [
            '-v',
            'error',
            '-show_entries',
            'stream=codec_name,channels,sample_rate,duration',
            '-of',
            'csv=p=0',
            path,
          ],
          { encoding: 'utf8' },
        );
        expect(probe.trim()).toBe(`pcm_s16le,${rate},2,4.000000`);
        const frame = 0.02;
        const [before, after] = silences(path, 0);
        expect(before?.to).toBeCloseTo(1, 1);
        expect(Math.abs((before?.to ?? 0) - 1)).toBeLessThan(frame);
        expect(Math.abs((after?.from ?? 0) - 2)).toBeLessThan(frame);
        const [agentBefore, agentAfter] = silences(path, 1);
        expect(Math.abs((agentBefore?.to ?? 0) - 2.5)).toBeLessThan(frame);
        expect(Math.abs((agentAfter?.from ?? 0) - 3.5)).toBeLessThan(frame);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});

describe('the tap on the wires', () => {
  it('follows a call that changes its codec, at the rate that the recording has', () => {
    const timeline = new Timeline(8000, 0);
    const tap = new WireTap(timeline);
    const wide = payloads('G722', 1000);
    const narrow = payloads('PCMA', 1000);
    for (let ms = 0; ms < 2000; ms += 20) {
      if (ms < 1000) tap.sent(ms, narrow(), 0, 160, 'PCMA');
      else tap.sent(ms, wide(), 0, 160, 'G722');
    }
    const samples = new Int16Array(2 * 16_000);
    expect(timeline.take(samples, 16_000)).toBeGreaterThan(8 * 1990);
    const agent = samples.filter((_, i) => i % 2 === 1);
    const crossings = (from: number, to: number) => {
      let count = 0;
      for (let i = from + 1; i < to; i++) if (agent[i - 1]! < 0 && agent[i]! >= 0) count++;
      return count;
    };
    expect(crossings(8 * 100, 8 * 600)).toBeCloseTo(500, -1);
    expect(crossings(8 * 1100, 8 * 1600)).toBeCloseTo(500, -1);
  });

  it.each(['PCMU', 'PCMA', 'G722'] as const)('makes nothing per packet of %s', codec => {
    const rate = codec === 'G722' ? 16_000 : 8000;
    const timeline = new Timeline(rate, 0);
    const tap = new WireTap(timeline);
    const samples = new Int16Array(rate / 50).fill(1000);
    const packet = payloads(codec, 1000)();
    const chunk = new Int16Array(limits.chunkBytes / 2);
    let at = 0;
    const work = () => {
      tap.heard(at, samples, samples.length, rate);
      tap.sent(at, packet, 0, 160, codec);
      at = (at + 20) | 0;
      timeline.take(chunk, chunk.length / 2, at);
    };
    expect(bytesPerCall(work)).toBeLessThan(33);
  });
});
