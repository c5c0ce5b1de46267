import { describe, expect, it } from 'vitest';
import type { FromWorker } from '../../../src/worker/messages.ts';
import { linesPerSecond, WorkerLog } from '../../../src/worker/worker-log.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function setUp(level = 'info') {
  const clock = new ManualClock();
  const lines: FromWorker[] = [];
  return { clock, lines, log: new WorkerLog(level, clock, line => lines.push(line)) };
}

describe('the log of a worker', () => {
  it('sends what its level asks for and nothing else', () => {
    const { lines, log } = setUp('warn');
    log.info('not this');
    log.warn('this', { a: 1 });
    expect(lines).toEqual([{ type: 'log', level: 'warn', message: 'this', fields: { a: 1 } }]);
  });

  it('puts the fields of a call on every line of that call', () => {
    const { lines, log } = setUp();
    log.with({ call: 'call_1' }).with({ leg: 'leg_1' }).info('opened', { port: 10_000 });
    expect(lines).toMatchObject([{ fields: { call: 'call_1', leg: 'leg_1', port: 10_000 } }]);
  });

  it('changes its level for every log that was made from it', () => {
    const { lines, log } = setUp();
    const child = log.with({ call: 'call_1' });
    child.debug('not yet');
    log.level('debug');
    child.debug('now');
    expect(lines).toMatchObject([{ message: 'now' }]);
  });

  it('sends so many lines a second and counts the others', () => {
    const { clock, lines, log } = setUp();
    for (let line = 0; line < linesPerSecond + 7; line += 1) log.info('again');
    expect([lines.length, log.dropped]).toEqual([linesPerSecond, 7]);
    clock.advance(1000);
    log.info('again');
    expect([lines.length, log.dropped]).toEqual([linesPerSecond + 1, 7]);
  });
});
