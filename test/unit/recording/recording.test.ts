import { describe, expect, it } from 'vitest';
import { linearToUlaw } from '../../../codecs/g711.ts';
import { ending } from '../../../src/core/ending.ts';
import type { CallKey } from '../../../src/core/ids.ts';
import type { Recorded } from '../../../src/core/recorded.ts';
import { recordingLimits as limits } from '../../../src/recording/limits.ts';
import { Recorder } from '../../../src/recording/recorder.ts';
import type { Recording } from '../../../src/recording/recording.ts';
import { FakeDisk } from '../../support/fake-disk.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const call = 'call_0123' as CallKey;
const options = { folder: '/recordings', minFreeBytes: 1000 };
const wav = '/recordings/call_0123.wav';
const tick = new Int16Array(160).fill(1000);
const packet = new Uint8Array(172).fill(linearToUlaw[500]!);

/** Whatever promises had to do is done. */
const settled = () => new Promise(resolve => setImmediate(resolve));

function setUp() {
  const clock = new ManualClock();
  const disk = new FakeDisk();
  const recorder = new Recorder(clock, disk);
  return { clock, disk, recorder };
}

type World = ReturnType<typeof setUp>;

/** Both sides talk for so long, and the disk does what it does. */
async function talk({ clock }: World, recording: Recording, ms: number): Promise<void> {
  for (let done = 0; done < ms; done += 20) {
    const now = clock.now();
    recording.tap.heard(now, tick, 160, 8000);
    recording.tap.sent(now, packet, 12, 160, 'PCMU');
    clock.advance(20);
    if (done % 100 === 0) await settled();
  }
  await settled();
}

async function finished({ clock, disk }: World, recording: Recording): Promise<Recorded> {
  recording.finish(ending('recording-complete'));
  await settled();
  while ((disk.held?.length ?? 0) > 0) {
    disk.release();
    await settled();
  }
  clock.advance(limits.finishMs);
  return recording.over;
}

describe('a recording', () => {
  it('becomes a WAV file of both sides, under its name only once it is whole', async () => {
    const world = setUp();
    const recording = world.recorder.start(call, 8000, options);
    await talk(world, recording, 3000);
    expect([...world.disk.files.keys()]).toEqual([`${wav}.part`]);
    const recorded = await finished(world, recording);
    expect(recorded).toEqual({
      end: ending('recording-complete'),
      rate: 8000,
      seconds: 3,
      bytes: 96_000,
      gaps: [],
      lostMs: 0,
    });
    const file = world.disk.files.get(wav)!;
    expect(file.length).toBe(44 + 96_000);
    expect(file.readUInt32LE(40)).toBe(96_000);
    expect(file.readInt16LE(44)).toBe(1000);
    expect(file.readInt16LE(46)).toBeCloseTo(500, -2);
    expect(world.recorder.active).toBe(0);
    expect(world.clock.pending).toBe(0);
  });

  it('is written in chunks and not in packets', async () => {
    const world = setUp();
    const recording = world.recorder.start(call, 8000, options);
    await talk(world, recording, 10_000);
    expect(world.disk.writes).toBeLessThanOrEqual(1 + 10);
    await finished(world, recording);
  });

  it.each([false, true])(
    'ends where the disk is full, as a file that is whole; encrypted: %s',
    async sealed => {
      const world = setUp();
      const key = { id: 'k1', secret: new Uint8Array(32).fill(7) };
      const recording = world.recorder.start(call, 8000, { ...options, ...(sealed ? { key } : {}) });
      world.disk.room = 100_000;
      await talk(world, recording, 6000);
      const recorded = await recording.over;
      expect(recorded.end.reason).toBe('recording-disk-full');
      // Whoever is recorded goes on talking, and nothing comes of it.
      await talk(world, recording, 1000);
      const [name] = [...world.disk.files.keys()];
      expect(name).toBe(sealed ? '/recordings/call_0123.tbrec' : wav);
      const chunks = sealed ? 2 : 3;
      expect(recorded.bytes).toBe(chunks * limits.chunkBytes);
      if (!sealed) expect(world.disk.files.get(wav)?.readUInt32LE(40)).toBe(recorded.bytes);
    },
  );

  it.each([
    [false, false, 'recording-disk-full'],
    [true, false, 'recording-disk-full'],
    [false, true, 'recording-disk-low'],
    [true, true, 'recording-disk-low'],
  ])(
    'keeps what it has where the end of it finds no room; encrypted: %s, low: %s',
    async (sealed, low, why) => {
      const world = setUp();
      const key = { id: 'k1', secret: new Uint8Array(32).fill(7) };
      const recording = world.recorder.start(call, 8000, { ...options, ...(sealed ? { key } : {}) });
      // Three chunks are written, and another one is not due when it ends.
      await talk(world, recording, 3500);
      world.disk.room = [...world.disk.files.values()].reduce((sum, { length }) => sum + length, 0);
      if (low) recording.finish(ending('recording-disk-low'));
      const recorded = await finished(world, recording);
      expect(recorded.end.reason).toBe(why);
      const chunks = sealed ? 2 : 3;
      expect(recorded.bytes).toBe(chunks * limits.chunkBytes);
      expect([...world.disk.files.keys()]).toEqual([sealed ? '/recordings/call_0123.tbrec' : wav]);
    },
  );

  it.each(['EIO', 'EROFS', 'EACCES'])('that cannot be begun (%s) leaves nothing and says why', async code => {
    const world = setUp();
    world.disk.fault = code;
    const recording = world.recorder.start(call, 8000, options);
    await talk(world, recording, 100);
    const { end, bytes } = await recording.over;
    expect(end).toEqual(ending('recording-failed', code));
    expect(bytes).toBe(0);
    expect(world.disk.files.size).toBe(0);
  });

  it('is not begun where the disk has less than it must leave', async () => {
    const world = setUp();
    world.disk.free = 999;
    const recording = world.recorder.start(call, 8000, options);
    expect((await recording.over).end.reason).toBe('recording-disk-low');
    expect(world.disk.files.size).toBe(0);
  });

  it('ends as a whole file when somebody else fills the disk', async () => {
    const world = setUp();
    const recording = world.recorder.start(call, 8000, options);
    await talk(world, recording, 2000);
    world.disk.free = 999;
    await talk(world, recording, limits.freeEveryMs);
    const { end, seconds } = await recording.over;
    expect(end.reason).toBe('recording-disk-low');
    expect(seconds).toBeGreaterThan(4);
    expect([...world.disk.files.keys()]).toEqual([wav]);
  });

  it('loses sound, and counts it, while the disk does not answer; and keeps the time', async () => {
    const world = setUp();
    const recording = world.recorder.start(call, 8000, options);
    await talk(world, recording, 1000);
    world.disk.held = [];
    await talk(world, recording, 9000);
    const held = world.disk.held;
    delete (world.disk as { held?: unknown }).held;
    for (const go of held) go();
    await talk(world, recording, 5000);
    const recorded = await finished(world, recording);
    expect(recorded.seconds).toBe(15);
    expect(recorded.lostMs).toBeGreaterThan(3000);
    expect(recorded.lostMs).toBeLessThan(9000);
    const lost = recorded.gaps.filter(({ cause }) => cause === 'lost');
    expect(lost.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)).toBe(recorded.lostMs);
    // Silence where it was lost, sound around it.
    const file = world.disk.files.get(wav)!;
    const at = (ms: number) => file.readInt16LE(44 + ms * 32);
    const [gap] = lost;
    expect(at((gap?.fromMs ?? 0) + 10)).toBe(0);
    expect(at((lost.at(-1)?.toMs ?? 0) + 10)).toBe(1000);
  });

  it('is over after a while even if the disk never answers again', async () => {
    const world = setUp();
    const recording = world.recorder.start(call, 8000, options);
    await talk(world, recording, 1000);
    world.disk.held = [];
    await talk(world, recording, 3000);
    recording.finish(ending('recording-complete'));
    await settled();
    world.clock.advance(limits.finishMs);
    const { end } = await recording.over;
    expect(end.reason).toBe('recording-failed');
    await world.recorder.idle();
  });

  it('is silent while a code may be keyed or spoken, until neither may', async () => {
    const world = setUp();
    const recording = world.recorder.start(call, 8000, options);
    await talk(world, recording, 1000);
    recording.withhold('spoken', true);
    recording.withhold('keyed', true);
    await talk(world, recording, 1000);
    recording.withhold('keyed', false);
    await talk(world, recording, 1000);
    recording.withhold('spoken', false);
    await talk(world, recording, 1000);
    const { gaps } = await finished(world, recording);
    expect(gaps).toEqual([{ fromMs: 1000 - limits.gapLeadMs, toMs: 3000 + limits.gapTailMs, cause: 'code' }]);
    const file = world.disk.files.get(wav)!;
    const samples = new Int16Array(file.buffer, file.byteOffset + 44, (file.length - 44) / 2);
    const gap = samples.subarray(2 * 8 * (1000 - limits.gapLeadMs), 2 * 8 * (3000 + limits.gapTailMs));
    expect(gap.every(sample => sample === 0)).toBe(true);
    expect(samples.subarray(0, 2 * 8 * 800).every(sample => sample !== 0)).toBe(true);
  });
});

describe('the recorder of a worker', () => {
  it('begins no more than a few writes in a turn, and forgets no recording', async () => {
    const world = setUp();
    const recordings = Array.from({ length: 40 }, (_, i) =>
      world.recorder.start(`call_${i}` as CallKey, 8000, options),
    );
    const begun = world.clock.now();
    await settled();
    world.clock.advance(1300);
    const before = world.disk.writes;
    for (let done = 0; done < 1300; done += 20) {
      for (const { tap } of recordings) tap.heard(begun + done, tick, 160, 8000);
    }
    world.clock.advance(limits.turnMs);
    await settled();
    expect(world.disk.writes - before).toBe(limits.filesPerTurn);
    world.clock.advance(limits.turnMs * 5);
    await settled();
    expect(world.disk.writes - before).toBe(40);
    for (const recording of recordings) recording.finish(ending('recording-complete'));
    await world.recorder.idle();
  });
});
