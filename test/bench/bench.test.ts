import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Bound } from '../../src/sim/load/bounds.ts';
import type { Figures } from '../../src/sim/load/figures.ts';
import type { Phase } from '../../src/sim/load/stress.ts';
import { stressNames } from '../../src/sim/load/stressors.ts';
import { Child } from '../support/child.ts';
import { requirePrograms } from '../support/programs.ts';

const main = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));
const bench = (...args: string[]) => new Child(process.execPath, [main, 'bench', ...args], { env: {} });

const compiles = requirePrograms('the bench with compiled telephones', ['cc']);
const compilesTls = requirePrograms('the bench with a compiled agent over TLS', ['cc', 'openssl/ssl.h']);

/** Processes that one has started, and those that they have. */
function descendants(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`)
    .flatMap(tid => readFileSync(`/proc/${pid}/task/${tid}/children`, 'utf8').trim().split(' '))
    .filter(word => word !== '')
    .map(Number);
  return children.flatMap(child => [child, ...descendants(child)]);
}
const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8');

/** Times vary with whatever else the machine does: what is looked at here does not. */
describe.runIf(process.platform === 'linux')('npm run bench', () => {
  it('carries the same calls through the bridge and through the floor, and prints every figure as JSON', async () => {
    const child = bench('--calls', '3', '--seconds', '5', '--json');
    expect(await child.exited, child.output).toBe(0);
    const line = child.output.split('\n').find(text => text.startsWith('{'));
    const { runs, ratios, settleMs } = JSON.parse(line ?? '') as {
      runs: { bridge: Figures; floor: Figures }[];
      ratios: { calls: number; cpu: number }[];
      settleMs: number;
    };
    expect(settleMs).toBe(0);
    expect(ratios).toHaveLength(1);
    expect(ratios[0]?.cpu).toBeGreaterThan(0);
    const { bridge, floor } = runs[0]!;
    for (const each of [bridge, floor]) {
      expect(each.wire).toMatchObject({ lost: 0, disordered: 0, dead: 0 });
      expect(each.wire.received).toBeGreaterThan(0);
      expect(each.agent.received).toBeGreaterThan(0);
      expect(each.cpu.percent).toBeGreaterThan(0);
      expect(each.memory.loaded).toBeGreaterThan(10);
    }
    expect(bridge.calling).toMatchObject({ answered: 3, failed: [], dropped: 0, complaints: [] });
    const { count = 0, missed = 0 } = bridge.calling?.firstSpeech ?? {};
    expect(count + missed).toBe(3);
    expect(count).toBeGreaterThan(0);
    expect(bridge.calling?.callerToAgent.count).toBeGreaterThan(0);
    expect(floor.calling).toBeUndefined();
    for (const { observers } of [bridge, floor])
      expect(observers.made.telephones).toBe(compiles ? 'compiled' : 'in Node (no cc)');
    expect(bridge.lags).toMatchObject({ main: expect.any(Number) });
    expect(Object.keys(bridge.lags ?? {}).length).toBeGreaterThan(1);
    expect(floor.lags).toBeUndefined();
    // Watching costs wake-ups: it has to be asked for.
    for (const each of [bridge, floor]) expect(each.loopLags).toBeUndefined();
  }, 120_000);

  it.runIf(compiles)(
    'ends, and says why, when the telephones are lost',
    async () => {
      const child = bench('--calls', '3', '--seconds', '60');
      await child.until(output => output.includes('measuring for') || undefined);
      const telephones = descendants(child.pid).find(pid => nameOf(pid).startsWith('telephones'));
      expect(telephones).toBeDefined();
      process.kill(telephones ?? 0, 'SIGKILL');
      expect(await child.exited).toBe(1);
      expect(child.output).toMatch(/compiled telephones ended with SIGKILL/);
    },
    60_000,
  );

  it('puts the bridge with records and webhooks beside the bridge without', async () => {
    const child = bench('--records', '--calls', '3', '--seconds', '3', '--json');
    expect(await child.exited, child.output).toBe(0);
    const line = child.output.split('\n').find(text => text.startsWith('{'));
    const { runs } = JSON.parse(line ?? '') as { runs: { bridge: Figures; forgetful: Figures }[] };
    const { bridge, forgetful } = runs[0]!;
    for (const each of [bridge, forgetful])
      expect(each.calling).toMatchObject({ answered: 3, failed: [], dropped: 0, complaints: [] });
    expect([bridge.subject, forgetful.subject]).toEqual(['bridge', 'forgetful']);
  }, 120_000);

  it('puts encrypted calls beside the same calls in the clear', async () => {
    const child = bench('--srtp', '--calls', '3', '--seconds', '3', '--rounds', '1', '--json');
    expect(await child.exited, child.output).toBe(0);
    const line = child.output.split('\n').find(text => text.startsWith('{'));
    const { runs, ratios, bounds } = JSON.parse(line ?? '') as {
      runs: { bridge: Figures; plain: Figures }[];
      ratios: { added: number }[];
      bounds: Bound[];
    };
    expect(runs).toHaveLength(1);
    for (const { bridge, plain } of runs) {
      expect(bridge.wire).toMatchObject({ lost: 0, unopened: 0, dead: 0 });
      expect(plain.wire).toMatchObject({ lost: 0, dead: 0 });
      expect(plain.wire.unopened).toBeUndefined();
      for (const each of [bridge, plain]) {
        expect(each.calling).toMatchObject({ answered: 3, failed: [], dropped: 0, complaints: [] });
        // Both ways: a word of the caller, and speech of the agent.
        expect(each.calling?.callerToAgent.count).toBeGreaterThan(0);
        expect(each.calling?.firstSpeech.count).toBeGreaterThan(0);
      }
    }
    expect(ratios).toEqual([expect.objectContaining({ added: expect.any(Number) })]);
    expect(bounds.map(({ what }) => what)).toContain('3 calls: SRTP adds to a call, % of a core');
  }, 120_000);

  it('puts calls that are up under every stress, and each of them really happens', async () => {
    const child = bench('--stress', 'all', '--calls', '4', '--seconds', '3', '--lag', '--json');
    expect(await child.exited, child.output).toBe(0);
    const line = child.output.split('\n').find(text => text.startsWith('{'));
    const { stress } = JSON.parse(line ?? '') as { stress: { phases: Phase[] } };
    // It is over TLS.
    expect(child.output).toContain(`the agent is ${compilesTls ? 'compiled' : 'in Node (no '}`);
    const happened = Object.fromEntries(stress.phases.map(phase => [phase.name, phase.happened]));
    expect(Object.keys(happened)).toEqual(['floor', 'calm', ...stressNames]);
    for (const { name, wire, dropped } of stress.phases) {
      expect({ name, ...wire, dropped }).toMatchObject({ name, lost: 0, disordered: 0, dead: 0, dropped: 0 });
      expect(wire.received).toBeGreaterThan(0);
    }
    // Every thread tells of its own event loop: it is the main thread's that is blocked.
    const lags = Object.fromEntries(stress.phases.map(phase => [phase.name, phase.loopLags ?? {}]));
    expect(Object.keys(lags['floor'] ?? {})).toEqual(['main']);
    expect(lags['blocked']?.['main']?.max).toBeGreaterThan(400);
    expect(Object.keys(lags['blocked'] ?? {}).some(name => /^worker \d+$/.test(name))).toBe(true);
    const { blocked, setups, query, log, gc } = happened;
    expect(blocked?.['blocks']).toBeGreaterThan(0);
    expect(blocked?.['longestMs']).toBeGreaterThanOrEqual(500);
    // The bridge itself saw it.
    expect(blocked?.['lagSeenMs']).toBeGreaterThan(100);
    expect(setups?.['answered']).toBeGreaterThan(0);
    expect(query).toMatchObject({ failed: 0 });
    expect(query?.['rows']).toBeGreaterThan(0);
    // Lines waited until they were read again.
    expect(log?.['cameAfterwardsKb']).toBeGreaterThan(log?.['readWhileHeldKb'] ?? Number.NaN);
    expect(gc?.['collections']).toBeGreaterThan(0);
  }, 240_000);

  it('replaces calls all the time in a soak, and watches the memory', async () => {
    const child = bench('--soak', '--calls', '30', '--seconds', '12', '--json');
    await child.exited;
    const line = child.output.split('\n').find(text => text.startsWith('{'));
    const { soak, runs } = JSON.parse(line ?? '') as {
      soak: { samples: unknown[] };
      runs: { bridge: Figures }[];
    };
    expect(soak.samples.length).toBeGreaterThan(0);
    const { idle = 0, loaded = 0, after = 0 } = runs[0]?.bridge.files ?? {};
    // Two ports and a connection to the agent for each call, and what is left when all are gone.
    expect(loaded - idle).toBeGreaterThan(60);
    expect(after - idle).toBeLessThan(30);
    // Calls live for a minute: thirty of them make a new one every two seconds.
    expect(runs[0]?.bridge.calling?.answered).toBeGreaterThan(30);
    expect(runs[0]?.bridge.calling?.failed).toEqual([]);
  }, 120_000);

  it.each([
    ['--calls', 'many', /--calls takes numbers/],
    ['--profile', 'opus', /--profile takes one of pcmu/],
    ['--seconds', '0', /--seconds takes a number/],
    ['--soak', '--srtp', /--srtp and --soak are two measurements/],
    ['--stress', 'blocked,sleep', /--stress takes all, or some of blocked, setups/],
  ])('refuses %s %s', async (option, value, why) => {
    const child = bench(option, value);
    expect(await child.exited).toBe(2);
    expect(child.output).toMatch(why);
  });
});
