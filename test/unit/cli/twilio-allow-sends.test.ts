import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../src/cli/cli.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { noMeters } from '../../../src/store/meters.ts';
import { openStore } from '../../../src/store/open.ts';

let folder: string;
let lines: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-allow-sends-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(args: readonly string[], dataDir = folder): Promise<number> {
  lines = [];
  return runCli(['twilio', 'allow-sends', ...args], {
    env: { ELEVENLABS_API_KEY: 'a-key', ELEVENLABS_AGENT_ID: 'agent_1', DATA_DIR: dataDir },
    out: text => void lines.push(text),
    err: text => void lines.push(text),
    onSignal: () => () => undefined,
  });
}
const openDaemonsStore = () =>
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

describe('trunkbridge twilio allow-sends', () => {
  it('opens the gate of a daemon that runs, with who and why, and shuts it', async () => {
    const store = await openDaemonsStore();
    expect(await run(['--confirm', '--reason', 'reviewed with legal'])).toBe(0);
    expect(await store.switches.read()).toEqual({ allow_autonomous_sends: true });
    expect(await run(['--off'])).toBe(0);
    expect(await store.switches.read()).toEqual({ allow_autonomous_sends: false });
    expect(await store.switches.history(10)).toMatchObject([
      { value: false, who: expect.stringContaining('command line') },
      { value: true, why: 'reviewed with legal' },
    ]);
    await store.close();
  });

  it('says how it stands, and who changed it', async () => {
    expect(await run([])).toBe(0);
    expect(lines.join('\n')).toContain('may not send');
    await run(['--confirm', '-r', 'a pilot']);
    await run([]);
    expect(lines[0]).toBe('Agents may send on their own.');
    expect(lines[1]).toMatch(/on {3}command line .*: a pilot/);
  });

  it.each([
    ['without a reason', ['--confirm'], 2, /--reason/],
    ['both ways', ['--confirm', '--off'], 2, /not both/],
    ['with a word too many', ['now'], 2, /say test or allow-sends/],
  ])('changes nothing when it is said %s', async (_title, args, code, says) => {
    expect(await run(args)).toBe(code);
    expect(lines.join('\n')).toMatch(says);
    const store = await openDaemonsStore();
    expect(await store.switches.history(10)).toEqual([]);
    await store.close();
  });

  it.each([
    ['there is no directory', '/nowhere/at/all', /There is no directory/],
    ['nothing is kept', ':memory:', /reaches no daemon/],
  ])('says so where %s', async (_title, dataDir, says) => {
    expect(await run(['--off'], dataDir)).toBe(1);
    expect(lines.join('\n')).toMatch(says);
  });
});
