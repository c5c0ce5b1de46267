import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ending } from '../../../src/core/ending.ts';
import type { CallKey } from '../../../src/core/ids.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { recordingLimits as limits } from '../../../src/recording/limits.ts';
import { Recorder } from '../../../src/recording/recorder.ts';
import { type RecordingKey, sealedHeaderBytes, tagBytes } from '../../../src/recording/sealing.ts';
import { Shelf } from '../../../src/recording/shelf.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';

const call = 'call_0123';
const oldKey: RecordingKey = { id: 'old', secret: new Uint8Array(32).fill(1) };
const newKey: RecordingKey = { id: 'new', secret: new Uint8Array(32).fill(2) };
const sealedFile = `${call}.tbrec`;
const frame = limits.chunkBytes + tagBytes;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-shelf-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const pathOf = (name: string) => join(folder, name);
const shelf = (...keys: RecordingKey[]) => new Shelf(folder, () => keys, silentLogger);

/** A ramp, so that no two chunks are the same. */
const sampleAt = (index: number) => (index % 20_000) - 10_000;

/** Records so many ms through the real disk; `crash`: and is gone before the end. */
async function record(ms: number, key?: RecordingKey, crash = false): Promise<void> {
  const clock = new ManualClock();
  const recorder = new Recorder(clock);
  const options = { folder, minFreeBytes: 0, ...(key === undefined ? {} : { key }) };
  const recording = recorder.start(call as CallKey, 8000, options);
  // Its header is there.
  await until(() => readdirSync(folder).some(name => statSync(pathOf(name)).size >= 44), 'the file');
  const samples = new Int16Array(160);
  for (let done = 0; done < ms; done += 20) {
    for (let i = 0; i < 160; i++) samples[i] = sampleAt(done * 8 + i);
    recording.tap.heard(clock.now(), samples, 160, 8000);
    clock.advance(20);
    if (recording.due) await new Promise(resolve => setTimeout(resolve, 2));
  }
  if (crash) {
    const whole = Math.floor(((ms - limits.settleMs) * 32) / limits.chunkBytes);
    await until(() => {
      clock.advance(limits.turnMs);
      return readFileSync(pathOf(readdirSync(folder)[0]!)).length > whole * limits.chunkBytes;
    }, 'the last chunk');
    return;
  }
  recording.finish(ending('recording-complete'));
  await recorder.idle();
}

async function heard(keys: readonly RecordingKey[], first = 0, last?: number): Promise<Buffer> {
  const opened = await shelf(...keys).open(call);
  if (!opened.ok) throw opened.failure;
  const { value } = opened;
  try {
    return await buffer(value.read(first, last ?? value.bytes - 1));
  } finally {
    await value.close();
  }
}

const failureOf = async (keys: readonly RecordingKey[]) => {
  const opened = await shelf(...keys).open(call);
  if (opened.ok) await opened.value.close();
  return opened.ok ? 'none' : opened.failure.code;
};

describe('a recording on the shelf', () => {
  it('is the same WAV file whether it was encrypted or not, and on the disk it is not', async () => {
    await record(2500);
    const plain = await heard([]);
    expect(plain.length).toBe(44 + 2500 * 32);
    expect(plain.readInt16LE(44 + 4 * 12_345)).toBe(sampleAt(12_345));
    await shelf().remove(call);
    await record(2500, oldKey);
    expect(readdirSync(folder)).toEqual([sealedFile]);
    expect((await heard([oldKey])).equals(plain)).toBe(true);
    const onDisk = readFileSync(pathOf(sealedFile));
    expect(onDisk.includes(plain.subarray(50_000, 50_016))).toBe(false);
    expect(onDisk.includes('RIFF')).toBe(false);
  });

  it.each([
    [0, 43],
    [10, 60],
    [44, 44],
    [44 + limits.chunkBytes - 3, 44 + limits.chunkBytes + 5],
    [30_000, 70_000],
    [80_040, 80_043],
  ])('gives its bytes %i to %i, from either kind of file', async (first, last) => {
    await record(2500, oldKey);
    const whole = await heard([oldKey]);
    expect((await heard([oldKey], first, last)).equals(whole.subarray(first, last + 1))).toBe(true);
    await shelf().remove(call);
    await record(2500);
    expect((await heard([], first, last)).equals(whole.subarray(first, last + 1))).toBe(true);
  });

  it('is read after its key was rotated, as long as the old one is still there', async () => {
    await record(1000, oldKey);
    expect(await failureOf([newKey, oldKey])).toBe('none');
    expect(await failureOf([newKey])).toBe('recording-key-missing');
  });

  it('is of a length that is a whole number of chunks', async () => {
    await record(5120, oldKey);
    expect((await heard([oldKey])).length).toBe(44 + 5 * limits.chunkBytes);
  });

  const tampering: Readonly<Record<string, (file: Buffer) => Buffer>> = {
    'its last chunk is cut off': file => file.subarray(0, sealedHeaderBytes + 2 * frame),
    'it is cut off in the middle of a chunk': file => file.subarray(0, sealedHeaderBytes + frame + 1000),
    'only its header is left': file => file.subarray(0, sealedHeaderBytes),
    'its header says another rate': file => {
      file.writeUInt32LE(16_000, 8);
      return file;
    },
    'its last byte was changed': file => {
      file[file.length - 1]! ^= 1;
      return file;
    },
    'it is of another kind': () => Buffer.from('RIFF'),
    'it is empty': () => Buffer.alloc(0),
  };
  it.each(Object.keys(tampering))('is refused before a byte of it is given when %s', async what => {
    await record(2500, oldKey);
    writeFileSync(pathOf(sealedFile), tampering[what]!(readFileSync(pathOf(sealedFile))));
    expect(await failureOf([oldKey])).toBe('recording-damaged');
  });

  it.each([
    [
      'changed',
      (file: Buffer) => {
        file[sealedHeaderBytes + 5]! ^= 1;
      },
    ],
    [
      'put in the place of another',
      (file: Buffer) => {
        const first = Buffer.from(file.subarray(sealedHeaderBytes, sealedHeaderBytes + frame));
        file.copy(file, sealedHeaderBytes, sealedHeaderBytes + frame, sealedHeaderBytes + 2 * frame);
        first.copy(file, sealedHeaderBytes + frame);
      },
    ],
  ] as const)('breaks off where a chunk was %s', async (_title, change) => {
    await record(2500, oldKey);
    const file = readFileSync(pathOf(sealedFile));
    change(file);
    writeFileSync(pathOf(sealedFile), file);
    await expect(heard([oldKey])).rejects.toThrow('chunk 0 was changed');
  });

  it('is refused under the name of another call', async () => {
    await record(1000, oldKey);
    writeFileSync(pathOf('call_9999.tbrec'), readFileSync(pathOf(sealedFile)));
    const opened = await shelf(oldKey).open('call_9999');
    expect(opened.ok ? '' : opened.failure.code).toBe('recording-damaged');
  });

  it('is never looked for outside of its folder', async () => {
    for (const name of ['../call_0123', 'a/b', '..', '', 'x'.repeat(200)]) {
      const opened = await shelf(oldKey).open(name);
      expect(opened.ok).toBe(false);
    }
    await expect(shelf().remove('../etc')).rejects.toThrow();
  });

  it('is gone once it was removed, finished or not', async () => {
    await record(500, oldKey);
    writeFileSync(pathOf(`${call}.wav.part`), 'x');
    await shelf().remove(call);
    expect(readdirSync(folder)).toEqual([]);
    expect(await failureOf([oldKey])).toBe('not-found');
    await shelf().remove(call);
  });
});

describe('what a crash left of a recording', () => {
  it.each([undefined, oldKey])(
    'is made a whole file at the next start, to the last whole chunk',
    async key => {
      await record(3500, key, true);
      const [part] = readdirSync(folder);
      expect(part).toMatch(/\.part$/);
      // A crash in the middle of a write leaves some of it.
      const path = pathOf(part!);
      writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(key === undefined ? 3 : 777, 9)]));
      const found = await shelf(...(key === undefined ? [] : [key])).recover();
      expect(found).toEqual([{ call, end: ending('recording-interrupted'), ms: 3072 }]);
      const file = await heard(key === undefined ? [] : [key]);
      expect(file.length).toBe(44 + 3 * limits.chunkBytes);
      expect(file.readUInt32LE(40)).toBe(3 * limits.chunkBytes);
      expect(file.readInt16LE(44 + 4 * 20_001)).toBe(sampleAt(20_001));
      expect(await shelf().recover()).toEqual([]);
    },
  );

  it('is left as it is, and told, while its key is missing', async () => {
    await record(3500, oldKey, true);
    const found = await shelf(newKey).recover();
    expect(found).toEqual([{ call, end: ending('recording-key-missing'), ms: 0 }]);
    expect(await shelf(newKey, oldKey).recover()).toEqual([
      { call, end: ending('recording-interrupted'), ms: 3072 },
    ]);
  });

  it('is removed when nothing of it had reached the disk', async () => {
    await record(100, undefined, true);
    truncateSync(pathOf(`${call}.wav.part`), 0);
    expect(await shelf().recover()).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is nothing where there is no folder yet', async () => {
    expect(await new Shelf(join(folder, 'none'), () => [], silentLogger).recover()).toEqual([]);
  });
});
