import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { version } from '../../src/cli/version.ts';
import { Child } from '../support/child.ts';

const script = fileURLToPath(new URL('../../scripts/bench-release.mjs', import.meta.url));
const release = (...args: string[]) => new Child(process.execPath, [script, ...args, '--save', folder]);

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Stored {
  readonly parts: readonly { readonly name: string; readonly date: string; readonly results: unknown[] }[];
}

const lines = [
  { profile: 'pcmu', chunkMs: 20, wss: false, srtp: false, bytes: { bridge: 1750, floor: 1700 } },
].map(line => ({ ...line, micros: { bridge: 40, floor: 30 }, ratio: 1.33 }));
const earlier = {
  name: 'packets',
  title: 'What packets cost',
  date: '2026-01-01T00:00:00.000Z',
  loadBefore: 0,
  machine: { cores: 2, cpu: 'x', node: 'v20' },
  commands: [['scripts/media-cost.mjs']],
  results: [lines],
};

/** Times vary with whatever else the machine does: what is looked at here does not. */
describe.runIf(process.platform === 'linux')('npm run bench:release', () => {
  it('measures a part, goes on after what was missed, and says of every part how it stands', async () => {
    writeFileSync(join(folder, `${version()}-short.json`), JSON.stringify({ parts: [earlier] }));
    const small = ['--seconds', '1', '--calls', '2', '--rounds', '1'];
    const child = release('--only', 'wide', ...small);
    expect(await child.exited, child.output).toBe(0);
    expect(child.output).toMatch(/bench-release: 1 of 1, PCMU, agent at 24 kHz: 1 min, 1 to go\n/);
    expect(child.output).toMatch(
      /\| PCMU, agent at 24 kHz +\| 2 calls: packets lost +\| 0 +\| 0 +\| met +\|/,
    );
    // Of what was measured before, and is missed.
    expect(child.output).toMatch(
      /\| What packets cost +\| heap of a packet above the floor, bytes +\| 50 +\| 32 +\| \*\*missed\*\* +\|/,
    );
    expect(child.output).toMatch(/\n\d+ of \d+ marks met.*; written to /);
    const { parts } = JSON.parse(readFileSync(join(folder, `${version()}-short.json`), 'utf8')) as Stored;
    expect(parts.map(({ name }) => name)).toEqual(['wide', 'packets']);
    expect(parts[1]).toEqual(earlier);
    expect(parts[0]?.results).toEqual([
      expect.objectContaining({ bounds: expect.any(Array), runs: [expect.any(Object)] }),
    ]);
    const page = readFileSync(join(folder, `${version()}-short.md`), 'utf8');
    for (const heading of ['Against the marks', 'PCMU, agent at 24 kHz', 'What packets cost'])
      expect(page).toContain(`\n## ${heading}\n`);
  }, 60_000);

  it('begins nothing that would not be over in time, and says so', async () => {
    const child = release('--only', 'stress', '--minutes', '1');
    expect(await child.exited).toBe(1);
    expect(child.output).toContain('Not measured: Calls under stress (there was no time)');
    // What was stored before is not overwritten by nothing.
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    [['--only', 'opus'], /--only takes the beginning of pcmu, workers, /],
    [['--calls', 'many'], /--calls takes a number from 1/],
    [['--quick'], /See --help/],
  ])('refuses %j', async (args, why) => {
    const child = release(...args);
    expect(await child.exited).toBe(2);
    expect(child.output).toMatch(why);
  });
});
