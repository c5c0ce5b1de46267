import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import { Sealer } from '../../../src/core/seal.ts';
import { CallDraft } from '../../../src/store/draft.ts';
import { storeLimits } from '../../../src/store/limits.ts';
import { type CallImage, imageOf } from '../../../src/store/rows.ts';
import { SpillFile } from '../../../src/store/spill.ts';
import { someCall, someEnd, someNumber } from '../../support/call-records.ts';

const sealer = new Sealer([Buffer.alloc(32, 1)], 'records');
let folder: string;
let path: string;
let aside: string;
let spill: SpillFile;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-spill-'));
  path = join(folder, 'spill.jsonl');
  aside = join(folder, 'spill.bad.jsonl');
  spill = new SpillFile({ path, sealer, boot: 'boot-1', log: silentLogger });
});
afterEach(() => rmSync(folder, { recursive: true }));

function ended(): CallImage {
  const draft = new CallDraft(someCall(), 'node-1', 1_000);
  draft.update({ transcript: [{ role: 'user', message: `It is ${someNumber}.`, at: 1 }] }, 2_000);
  draft.finish(someEnd, 9_000);
  return imageOf(draft.record, draft.secret, { sealer, boot: 'boot-1', now: 9_000, toolsFrom: 0 });
}

const keysOf = (images: readonly CallImage[]) => images.map(({ record }) => record.key);

async function replayed(): Promise<CallImage[]> {
  const out: CallImage[] = [];
  await spill.replay(async images => void out.push(...images));
  return out;
}

describe('the spill file', () => {
  it('gives back whole what was put into it, shows no number, and is gone then', async () => {
    const images = [ended(), ended()];
    expect(await spill.add(images)).toBe(true);
    expect(readFileSync(path, 'utf8')).not.toContain(someNumber.slice(3));
    const out = await replayed();
    expect(out.map(({ record, secret }) => ({ record, secret }))).toEqual(
      images.map(({ record, secret }) => ({ record, secret })),
    );
    expect(existsSync(path)).toBe(false);
    expect(await replayed()).toEqual([]);
  });

  it('loses only the line that a kill cut off, and none that comes after it', async () => {
    const [first, second] = [ended(), ended()];
    await spill.add([first]);
    appendFileSync(path, '\n{"record":{"key":"call_1","st');
    await spill.add([second]);
    expect(keysOf(await replayed())).toEqual(keysOf([first, second]));
  });

  it('keeps everything while it cannot be handed out', async () => {
    const images = Array.from({ length: storeLimits.batchCalls + 1 }, ended);
    await spill.add(images);
    let batches = 0;
    const failing = spill.replay(async () => {
      batches += 1;
      if (batches === 2) throw new Error('the database is away');
    });
    await expect(failing).rejects.toThrow('away');
    expect(keysOf(await replayed())).toEqual(keysOf(images));
  });

  it('sets aside what the database refuses, once, and hands out the rest', async () => {
    const [bad, last] = [ended(), ended()];
    const good = [...Array.from({ length: storeLimits.batchCalls }, ended), last];
    await spill.add([...good.slice(0, 2), bad, ...good.slice(2)]);
    const out: CallImage[] = [];
    let away = true;
    const write = async (images: readonly CallImage[]) => {
      if (keysOf(images).includes(bad.record.key)) throw Object.assign(new Error('no'), { code: '54000' });
      if (away && keysOf(images).includes(last.record.key)) throw new Error('the database is away');
      out.push(...images);
    };
    await expect(spill.replay(write)).rejects.toThrow('away');
    expect(existsSync(aside)).toBe(false);
    out.length = 0;
    away = false;
    expect(await spill.replay(write)).toBe(good.length);
    expect(keysOf(out)).toEqual(keysOf(good));
    expect(existsSync(path)).toBe(false);
    expect(readFileSync(aside, 'utf8').trim().split('\n')).toEqual([expect.stringContaining(bad.record.key)]);
    expect(statSync(aside).mode & 0o777).toBe(0o600);
  });

  it('keeps what is refused for as long as it cannot be set aside', async () => {
    const bad = ended();
    await spill.add([bad]);
    mkdirSync(aside);
    const refusing = spill.replay(async () => {
      throw Object.assign(new Error('no'), { code: '22P05' });
    });
    await expect(refusing).rejects.toThrow('no');
    expect(keysOf(await replayed())).toEqual([bad.record.key]);
  });

  it('does not lose what is added while it is handed out', async () => {
    const [before, meanwhile] = [ended(), ended()];
    await spill.add([before]);
    let adding: Promise<boolean> | undefined;
    await spill.replay(async () => {
      adding ??= spill.add([meanwhile]);
      // Time enough for the disk to have taken it, did it not wait.
      for (let looks = 0; looks < 200; looks++) await stat(folder);
    });
    expect(await adding).toBe(true);
    expect(keysOf(await replayed())).toEqual([meanwhile.record.key]);
  });
});
