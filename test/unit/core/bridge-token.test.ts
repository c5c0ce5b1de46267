import { describe, expect, it } from 'vitest';
import { bridgeToken, callOfToken } from '../../../src/core/bridge-token.ts';
import { newCallKey } from '../../../src/core/ids.ts';

const secret = 'a-secret-of-enough-length';

describe('a bridge token', () => {
  it('gives back its call, and only to who made it', () => {
    const call = newCallKey();
    const token = bridgeToken(secret, call);
    expect(callOfToken(secret, token)).toBe(call);
    expect(callOfToken('another-secret-of-length', token)).toBeUndefined();
    expect(token).not.toContain(secret);
  });

  it('of one call is none of another', () => {
    const [first, second] = [newCallKey(), newCallKey()];
    const [, mark] = bridgeToken(secret, first).split('.');
    expect(callOfToken(secret, `${second}.${mark}`)).toBeUndefined();
  });

  it.each(['', '.', 'call_1', 'call_1.', `call_1.${'x'.repeat(43)}`, `${'x'.repeat(500)}.y`])(
    'is not %s',
    token => {
      expect(callOfToken(secret, token)).toBeUndefined();
    },
  );
});
