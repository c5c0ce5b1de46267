import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { asyncOutput, createLogger } from '../../../src/observability/log.ts';
import { until } from '../../support/until.ts';

function recorded(level = 'info') {
  const lines: string[] = [];
  const log = createLogger(level, { write: line => void lines.push(line) });
  return { log, lines, parsed: () => lines.map(line => JSON.parse(line) as Record<string, unknown>) };
}

describe('the log', () => {
  it('writes one line of JSON for each call, with level, time and message', () => {
    const { log, lines, parsed } = recorded();
    log.info('call arrived', { trunk: 'default', headersDropped: 2 });
    expect(lines).toHaveLength(1);
    expect(lines[0]!.endsWith('\n')).toBe(true);
    expect(parsed()[0]).toMatchObject({
      level: 'info',
      msg: 'call arrived',
      trunk: 'default',
      headersDropped: 2,
    });
    expect(Number.isNaN(Date.parse(String(parsed()[0]!['time'])))).toBe(false);
  });

  it('puts bound fields on every line, also through several loggers', () => {
    const { log, parsed } = recorded();
    const call = log.with({ call: 'call_1' });
    call.info('one');
    call.with({ leg: 'leg_1' }).warn('two', { worker: 3 });
    log.info('three');
    expect(parsed()[0]).toMatchObject({ call: 'call_1', msg: 'one' });
    expect(parsed()[1]).toMatchObject({ call: 'call_1', leg: 'leg_1', worker: 3, level: 'warn' });
    expect(parsed()[2]).not.toHaveProperty('call');
  });

  it('hides private fields that were bound', () => {
    const { log, lines } = recorded();
    log.with({ token: 'hunter2' }).info('bound');
    expect(lines.join()).not.toContain('hunter2');
  });

  it('changes its level for loggers that were made before, too', () => {
    const { log, parsed } = recorded('warn');
    const call = log.with({ call: 'call_1' });
    call.info('unheard');
    expect(log.setLevel('debug')).toBe(true);
    call.debug('heard');
    call.trace('unheard');
    expect(parsed().map(({ msg }) => msg)).toEqual(['heard']);
  });

  it('keeps its level when told one that does not exist', () => {
    const { log, lines } = recorded('warn');
    expect(log.setLevel('loud')).toBe(false);
    log.info('unheard');
    expect(lines).toEqual([]);
  });

  it('keeps what a peer sent on one line of at most 2 kB', () => {
    const { log, lines } = recorded();
    const evil = `\n{"level":"fatal"}\u001b[31m\u2028\u009b${'A'.repeat(65_536)}`;
    log.info('call arrived', {
      caller: evil,
      called: evil,
      callId: evil,
      source: evil,
      list: Array(99).fill(evil),
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]!.trimEnd()).not.toMatch(/\n/);
    expect(Buffer.byteLength(lines[0]!)).toBeLessThanOrEqual(2_048);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: no control character may be left.
    expect(lines[0]!.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]|\\u00|\\n/);
  });

  it('flushes a destination that has nothing to flush', async () => {
    const { log } = recorded();
    await expect(log.flush()).resolves.toBeUndefined();
    expect(log.dropped).toBe(0);
  });
});

describe('a destination that cannot keep up', () => {
  const folder = mkdtempSync(join(tmpdir(), 'log-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('gets the lines of a short while in one piece, and all of them before a flush ends', async () => {
    const path = join(folder, 'together');
    const output = asyncOutput(path, () => undefined);
    const log = createLogger('info', output);
    for (let i = 0; i < 10; i++) log.info('line', { i });
    expect(existsSync(path) ? readFileSync(path, 'utf8') : '').toBe('');
    await log.flush();
    expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(10);
    // Without a flush they follow by themselves.
    log.info('later');
    await until(() => readFileSync(path, 'utf8').includes('later'), 'the line');
  });

  it('loses whole lines beyond its limit, counts them, and never blocks', async () => {
    let dropped = 0;
    const path = join(folder, 'log');
    const output = asyncOutput(path, () => dropped++, 2_000);
    const log = createLogger('info', output);
    // Nothing can be written between these: a write ends in a later turn of the event loop.
    for (let i = 0; i < 100; i++) log.info('flood', { i });
    expect(dropped).toBeGreaterThan(0);
    await log.flush();
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines.length + dropped).toBe(100);
    const kept: number[] = lines.map(line => JSON.parse(line).i);
    expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
    expect(kept.slice(0, 5)).toEqual([0, 1, 2, 3, 4]);
    log.info('afterwards');
    await log.flush();
    expect(readFileSync(path, 'utf8')).toContain('afterwards');
  });
});
