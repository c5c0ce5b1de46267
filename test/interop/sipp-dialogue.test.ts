import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { requirePrograms } from '../support/programs.ts';
import { runSipp } from '../support/sipp.ts';
import { StagedDaemon } from '../support/staged-daemon.ts';

const available = requirePrograms('dialogues of SIPp', ['sipp']);
const folder = fileURLToPath(new URL('../../scripts/sipp/dialogue/', import.meta.url));

/** Each scenario with the calls that it makes of one run, and how they end. */
const scenarios: Readonly<Record<string, { readonly ends: string }>> = {
  cancel: { ends: 'caller-cancelled' },
  digits: { ends: 'caller-hung-up' },
  hold: { ends: 'caller-hung-up' },
  'late-offer': { ends: 'caller-hung-up' },
  lines: { ends: 'caller-hung-up' },
  multipart: { ends: 'caller-hung-up' },
  overlap: { ends: 'caller-hung-up' },
  reliable: { ends: 'caller-hung-up' },
  reoffer: { ends: 'caller-hung-up' },
  'session-interval': { ends: 'caller-hung-up' },
  'session-timer': { ends: 'caller-hung-up' },
};
const calls = 3;

describe.skipIf(!available)('dialogues of SIPp over TCP', () => {
  let daemon: StagedDaemon;
  beforeAll(async () => {
    daemon = await StagedDaemon.start({ agentId: 'agent_echo' });
  });
  afterAll(async () => {
    expect(await daemon.stop()).toBe(0);
  });

  it('are all of those in the folder', () => {
    expect(readdirSync(folder).sort()).toEqual(
      Object.keys(scenarios)
        .map(name => `${name}.xml`)
        .sort(),
    );
  });

  it.each(Object.entries(scenarios))('go as the scenario %s says', async (name, { ends }) => {
    const ended = () => daemon.logged('call ended');
    const before = ended().length;
    const { code, output } = await runSipp({
      scenario: `dialogue/${name}`,
      folder: daemon.folder,
      port: daemon.tcp,
      codecs: ['PCMU'],
      calls,
      callsPerSecond: 10,
      length: 0,
      toneHz: 1000,
      timeout: 20,
    });
    const errors = code === 0 ? '' : readFileSync(join(daemon.folder, 'sipp-errors.log'), 'utf8');
    expect(code, `${errors}\n${output}`).toBe(0);
    await daemon.child.until(() => (ended().length === before + calls ? true : undefined));
    expect(
      ended()
        .slice(before)
        .map(({ reason }) => reason),
    ).toEqual(Array(calls).fill(ends));
  });
});
