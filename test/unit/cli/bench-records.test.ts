import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeRecords } from '../../../src/cli/bench-records.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { noMeters } from '../../../src/store/meters.ts';
import { openStore } from '../../../src/store/open.ts';

let parent = '';
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'trunkbridge-bench-records-'));
});
afterEach(() => rmSync(parent, { recursive: true }));

it('writes as many records as the bridge is to search, which its own store can read', async () => {
  const { folder, key } = await makeRecords(parent, 25);
  const store = await openStore({
    dataDir: folder,
    dataKeys: [Buffer.from(key, 'base64')],
    keepDays: () => 30,
    announce: () => [],
    removeRecording: async () => undefined,
    clock: systemClock,
    log: silentLogger,
    meters: noMeters,
  });
  const { calls } = await store.archive.list({ state: 'ended' }, { size: 100 });
  expect(calls).toHaveLength(25);
  expect(calls[0]).toMatchObject({ agentId: 'agent_bench', answered: true, messages: 10 });
  expect((await store.archive.secret(calls[0]!.key))?.transcript).toHaveLength(10);
  await store.close();
});
