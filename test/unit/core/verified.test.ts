import { describe, expect, it } from 'vitest';
import { VerifiedNumbers, verifiedMs } from '../../../src/core/verified.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('the verified numbers of a call', () => {
  it('hold number, channel and time, for fifteen minutes', () => {
    const clock = new ManualClock();
    const verified = new VerifiedNumbers(clock);
    expect(verified.latest).toBeUndefined();
    verified.note('+14155550123', 'sms');
    const at = clock.wall();
    expect(verified.of('+14155550123')).toEqual({ number: '+14155550123', channel: 'sms', at });
    expect(verified.of('+14155550124')).toBeUndefined();
    clock.advance(verifiedMs - 1);
    expect(verified.latest?.at).toBe(at);
    clock.advance(1);
    expect(verified.latest).toBeUndefined();
    expect(verified.of('+14155550123')).toBeUndefined();
  });

  it('are none at another telephone', () => {
    const verified = new VerifiedNumbers(new ManualClock());
    verified.note('+14155550123', 'sms');
    expect(verified.telephone).toBe(0);
    verified.forget();
    expect([verified.latest, verified.telephone]).toEqual([undefined, 1]);
  });

  it('name the one that was verified last', () => {
    const verified = new VerifiedNumbers(new ManualClock());
    verified.note('+14155550123', 'sms');
    verified.note('+14155550124', 'call');
    verified.note('+14155550123', 'sms');
    expect(verified.latest?.number).toBe('+14155550123');
  });
});
