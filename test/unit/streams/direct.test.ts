import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import { DirectGate } from '../../../src/streams/direct.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const good = 'aGVyZSBpcyBhIHNpZ25hdHVyZQ==';
const other = 'aGVyZSBpcyBhbm90aGVyIG9uZSE=';
const path = '/twilio/media/3/abc';

function gate() {
  const clock = new ManualClock();
  const made = new DirectGate(3, clock, silentLogger);
  made.expect({ name: 'abc', signatures: [other, good], forMs: 10_000 });
  return { clock, gate: made };
}

describe('the gate of a worker that takes streams itself', () => {
  it.each([path, `${path}/`])('lets the upgrade to %s in that has one of the right signatures', target => {
    expect(gate().gate.admits(target, good)).toBe(true);
    expect(gate().gate.admits(target, other)).toBe(true);
  });

  it.each([
    ['no signature', path, undefined],
    ['an empty one', path, ''],
    ['two of them', path, [good, good]],
    ['a forged one', path, good.replace('a', 'b')],
    ['a longer one', path, `${good}=`],
    ['another name', '/twilio/media/3/abd', good],
    ['no name', '/twilio/media/3/', good],
    ['the name of an object', '/twilio/media/3/constructor', good],
    ['another worker', '/twilio/media/2/abc', good],
    ['no worker', '/twilio/media/abc', good],
    ['a query', `${path}?a=1`, good],
    ['more path', `${path}/def`, good],
    ['nothing at all', '', good],
  ])('refuses an upgrade with %s, and the right one still gets in', (_what, target, signature) => {
    const { gate: made } = gate();
    expect(made.admits(target, signature)).toBe(false);
    expect(made.admits(path, good)).toBe(true);
  });

  it('lets it in once', () => {
    const { gate: made } = gate();
    expect(made.admits(path, good)).toBe(true);
    expect(made.admits(path, good)).toBe(false);
  });

  it('waits for it no longer than its ticket is good', () => {
    const { clock, gate: made } = gate();
    clock.advance(10_000);
    expect(made.admits(path, good)).toBe(true);
    const late = gate();
    late.clock.advance(10_001);
    expect(late.gate.admits(path, good)).toBe(false);
  });

  it('refuses the right one when its stream has come another way', () => {
    const { gate: made } = gate();
    made.forget('abc');
    expect(made.admits(path, good)).toBe(false);
  });
});
