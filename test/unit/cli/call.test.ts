import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CallingApp, call, command } from '../../../src/cli/call.ts';
import { deferred } from '../../../src/core/deferred.ts';
import { type Ending, ending } from '../../../src/core/ending.ts';
import { noLegStats } from '../../../src/core/leg-stats.ts';

const wish = { trunk: 'carrier', to: '+14155550123', agentId: 'agent_1' };

function world(outcome: { readonly end: Ending; readonly answered: boolean } | Ending) {
  const out: string[] = [];
  const done: string[] = [];
  const signals: ((signal: string) => void)[] = [];
  const stopped = deferred<void>();
  const app: CallingApp = {
    async place(request) {
      done.push(`place ${request.trunk} ${request.to} ${request.agentId}`);
      if ('reason' in outcome) return { ok: false, failure: outcome };
      const ended = (async () => {
        if (outcome.end.reason === 'shutdown') await stopped.promise;
        return { ...outcome, stats: noLegStats };
      })();
      return { ok: true, value: { ended } };
    },
    stopCalls() {
      done.push('stop');
      stopped.resolve();
    },
    close: async () => void done.push('close'),
  };
  const io = {
    out: (text: string) => void out.push(text),
    err: (text: string) => void out.push(`! ${text}`),
    onSignal: (listener: (signal: string) => void) => {
      signals.push(listener);
      return () => undefined;
    },
  };
  return { app, io, out, done, signals };
}

describe('trunkbridge call', () => {
  it.each([
    [
      { end: ending('callee-hung-up'), answered: true },
      0,
      'answered: The person who was called hung up. (callee-hung-up)',
    ],
    [
      { end: ending('callee-busy'), answered: false },
      1,
      'busy: The number that was called is busy. (callee-busy)',
    ],
    [
      { end: ending('ring-timeout'), answered: false },
      1,
      'no-answer: The call rang for too long without being answered. (ring-timeout)',
    ],
    [
      { end: ending('callee-declined'), answered: false },
      1,
      'declined: The person who was called declined the call. (callee-declined)',
    ],
    [ending('trunk-unreachable'), 1, 'failed: The trunk could not be reached. (trunk-unreachable)'],
  ] as const)('tells how the call went: %j', async (outcome, code, line) => {
    const { app, io, out, done } = world(outcome);
    expect(await call(app, wish, io)).toBe(code);
    expect(out).toEqual([line]);
    expect(done).toEqual(['place carrier +14155550123 agent_1', 'close']);
  });

  it('hangs up on a signal, and waits for the end of the call', async () => {
    const { app, io, done, signals } = world({ end: ending('shutdown'), answered: true });
    const running = call(app, wish, io);
    await Promise.resolve();
    for (const signal of signals) signal('SIGINT');
    expect(await running).toBe(0);
    expect(done.slice(1)).toEqual(['stop', 'close']);
  });

  it.each([
    ['--trunk', {}],
    ['--to', { trunk: 'carrier' }],
  ])('asks for %s', async (option, args) => {
    const { io, out } = world(ending('shutdown'));
    expect(await command.run(args, io, [])).toBe(2);
    expect(out[0]).toContain(option);
  });

  it('names the trunks that there are when one is not known', async () => {
    const { io, out } = world(ending('shutdown'));
    const env = { ELEVENLABS_API_KEY: 'k', ELEVENLABS_AGENT_ID: 'a' };
    expect(await command.run({ trunk: 'carrier', to: '+14155550123' }, { ...io, env }, [])).toBe(2);
    expect(out[0]).toContain('no trunk has an outbound_trunk_config');
  });

  it('calls nobody where it cannot be read whether the operator has stopped calls', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-call-'));
    try {
      writeFileSync(join(folder, 'trunkbridge.db'), 'no database at all'.repeat(500));
      const file = join(folder, 'call.yaml');
      writeFileSync(file, 'trunks: [{ name: carrier, outbound_trunk_config: { address: 192.0.2.1 } }]\n');
      const { io, out } = world(ending('shutdown'));
      const env = { ELEVENLABS_API_KEY: 'k', ELEVENLABS_AGENT_ID: 'a', DATA_DIR: folder };
      const args = { config: file, trunk: 'carrier', to: '+14155550123' };
      expect(await command.run(args, { ...io, env }, [])).toBe(1);
      expect(out).toEqual([expect.stringMatching(/nobody is called: the store \(DATA_DIR\).*kill switch/)]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
