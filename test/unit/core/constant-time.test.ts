import { describe, expect, it } from 'vitest';
import { sameSecret } from '../../../src/core/constant-time.ts';

describe('a secret that is shown', () => {
  it('is known when it is the same, and only then', () => {
    expect(sameSecret('a-secret', 'a-secret')).toBe(true);
    for (const shown of ['a-secreT', 'a-secre', 'a-secret ', ''])
      expect(sameSecret('a-secret', shown)).toBe(false);
  });

  it('is refused, not thrown for, when it has as many letters and more bytes', () => {
    expect(sameSecret('a-secret', 'a-sécret')).toBe(false);
  });
});
