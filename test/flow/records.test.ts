import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { noMeters } from '../../src/store/meters.ts';
import { openStore } from '../../src/store/open.ts';
import { withBridge } from '../support/flow.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-records-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = () =>
  openStore({
    dataDir: folder,
    dataKeys: [],
    keepDays: () => 30,
    announce: () => [],
    removeRecording: async () => undefined,
    clock: systemClock,
    log: silentLogger,
    meters: noMeters,
  });

describe('the record of a call', () => {
  it('outlives the daemon, with who called whom, when, over what, how it sounded and how it ended', async () => {
    await withBridge({ env: { DATA_DIR: folder } }, async bridge => {
      const call = await bridge.answered({ from: '+14155550123' });
      await call.hangup();
      await bridge.ended();
    });
    const store = await open();
    const { calls } = await store.archive.list({}, { size: 10 });
    expect(calls).toHaveLength(1);
    const [record] = calls;
    expect(record).toMatchObject({
      state: 'ended',
      direction: 'inbound',
      agentId: 'agent_under_test',
      transport: 'tcp',
      caller: '+141******23',
      called: '+141******99',
      answered: true,
      end: { result: 'success', reason: 'caller-hung-up' },
      stats: { codec: 'PCMU' },
    });
    expect(record?.conversationId).toMatch(/^conv_(?!local_)/);
    const { begun = 0, agentReady = 0, answered = 0, ended = 0 } = record?.stages ?? {};
    expect([begun, agentReady, answered, ended]).toEqual([begun, agentReady, answered, ended].sort());
    expect((await store.archive.secret(record!.key))?.callerId).toBe('+14155550123');
    await store.close();
  });

  it('leaves no full number in any file', async () => {
    await withBridge({ env: { DATA_DIR: folder } }, async bridge => {
      const call = await bridge.answered({ from: '+14155550123' });
      await call.hangup();
      await bridge.ended();
    });
    const files = readdirSync(folder).filter(name => name !== 'data.key');
    expect(files).toContain('trunkbridge.db');
    for (const name of files)
      expect(readFileSync(join(folder, name), 'latin1'), name).not.toContain('4155550123');
  });
});
