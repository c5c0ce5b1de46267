import { describe, expect, it } from 'vitest';
import { AuthTokens } from '../../../src/twilio/auth-tokens.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('the auth tokens that signatures are checked with', () => {
  it('are the one of the moment, and the one before it for five minutes', () => {
    const clock = new ManualClock();
    let now: string | undefined = 'old';
    const tokens = new AuthTokens(() => now, clock);
    expect(tokens.list()).toEqual(['old']);
    now = 'new';
    expect(tokens.list()).toEqual(['new', 'old']);
    clock.advance(299_999);
    expect(tokens.list()).toEqual(['new', 'old']);
    clock.advance(1);
    expect(tokens.list()).toEqual(['new']);
  });

  it('are none at once when the connection is taken away, and the old one does not come back with another', () => {
    const clock = new ManualClock();
    let now: string | undefined = 'old';
    const tokens = new AuthTokens(() => now, clock);
    now = undefined;
    expect(tokens.list()).toEqual([]);
    now = 'other';
    expect(tokens.list()).toEqual(['other']);
  });
});
