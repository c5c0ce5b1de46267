import { describe, expect, it } from 'vitest';
import { KeyRing, mayDo, type Role } from '../../../src/http/keys.ts';

describe('a ring of keys', () => {
  const ring = new KeyRing([
    { name: 'a', role: 'read', secret: 'one' },
    { name: 'b', role: 'admin', secret: 'two' },
  ]);

  it('knows who holds a key, and gives the secret to nobody', () => {
    expect(ring.holder({ 'xi-api-key': 'two' })).toEqual({ name: 'b', role: 'admin' });
    expect(ring.holder({ authorization: 'Bearer one' })).toEqual({ name: 'a', role: 'read' });
    expect(JSON.stringify(ring)).not.toContain('one');
  });

  it('goes by xi-api-key when both are sent', () => {
    expect(ring.holder({ 'xi-api-key': 'wrong', authorization: 'Bearer one' })).toBeUndefined();
  });

  it('knows nobody without a key, and is empty without keys', () => {
    expect(ring.holder({})).toBeUndefined();
    expect(ring.holder({ authorization: 'Bearer ' })).toBeUndefined();
    expect(new KeyRing([]).isEmpty).toBe(true);
    expect(new KeyRing([]).holder({ 'xi-api-key': '' })).toBeUndefined();
  });
});

describe('a role', () => {
  const order: readonly Role[] = ['read', 'pii', 'operator', 'admin'];

  it('may do all that the weaker ones may, and nothing of the stronger', () => {
    for (const [i, role] of order.entries()) {
      for (const [j, needed] of order.entries()) expect(mayDo(role, needed)).toBe(i >= j);
    }
  });
});
