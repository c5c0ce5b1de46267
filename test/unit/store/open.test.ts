import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Logger } from '../../../src/core/logger.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { dataKeyBytes } from '../../../src/core/seal.ts';
import { ownRun } from '../../../src/store/data-keys.ts';
import { noMeters } from '../../../src/store/meters.ts';
import { openStore } from '../../../src/store/open.ts';
import type { StoreOptions } from '../../../src/store/options.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-open-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const open = (options: Partial<StoreOptions>) =>
  openStore({
    dataDir: join(folder, 'data'),
    dataKeys: [],
    keepDays: () => 30,
    announce: () => [],
    removeRecording: async () => undefined,
    clock: new ManualClock(),
    log: silentLogger,
    meters: noMeters,
    ...options,
  });

describe('a data directory', () => {
  it('is made where key and name come from elsewhere, and nothing is in it yet', async () => {
    const dataDir = join(folder, 'not', 'there');
    const store = await open({ dataDir, dataKeys: [Buffer.alloc(dataKeyBytes, 7)], nodeId: 'node-1' });
    await store.close();
    expect(existsSync(join(dataDir, 'node.lock'))).toBe(true);
  });

  it('knows which run had it before, and is no reason not to start where that cannot be kept', () => {
    const dataDir = mkdtempSync(join(folder, 'runs-'));
    expect(ownRun(dataDir, 'first')).toBeUndefined();
    expect(ownRun(dataDir, 'second')).toBe('first');
    expect(ownRun(dataDir, 'third')).toBe('second');
    expect(ownRun(join(folder, 'nowhere'), 'first')).toBeUndefined();
  });

  it('that cannot be made is named, and no key is said to be in it', async () => {
    const dataDir = join(folder, 'file');
    writeFileSync(dataDir, '');
    const said: string[] = [];
    const log: Logger = { ...silentLogger, warn: message => said.push(message) };
    await expect(open({ dataDir, log })).rejects.toThrow(dataDir);
    const given = { dataDir, log, dataKeys: [Buffer.alloc(dataKeyBytes, 7)], nodeId: 'node-1' };
    await expect(open(given)).rejects.toThrow(`${dataDir} cannot be used`);
    expect(said).toEqual([]);
  });
});
