import { describe, expect, it } from 'vitest';
import { Sealer } from '../../../src/core/seal.ts';

const key = (fill: number) => Buffer.alloc(32, fill);

describe('a sealed text', () => {
  it('opens with its key and its context, and with nothing else', () => {
    const sealer = new Sealer([key(1)], 'records');
    const sealed = sealer.seal('+14155550123', 'call_1');
    expect(sealed).not.toContain('4155550123');
    expect(sealer.open(sealed, 'call_1')).toBe('+14155550123');
    expect(sealer.open(sealed, 'call_2')).toBeUndefined();
    expect(new Sealer([key(2)], 'records').open(sealed, 'call_1')).toBeUndefined();
    expect(new Sealer([key(1)], 'audio').open(sealed, 'call_1')).toBeUndefined();
  });

  it('is another one each time, and does not open when it was changed', () => {
    const sealer = new Sealer([key(1)], 'records');
    const sealed = sealer.seal('same', 'call_1');
    expect(sealer.seal('same', 'call_1')).not.toBe(sealed);
    for (let i = 12; i < sealed.length; i++) {
      const other = sealed[i] === 'A' ? 'B' : 'A';
      const changed = sealed.slice(0, i) + other + sealed.slice(i + 1);
      // The last character of base64 has bits that mean nothing.
      if (i < sealed.length - 1) expect(sealer.open(changed, 'call_1'), `at ${i}`).toBeUndefined();
    }
    for (const none of ['', '1', '1.2.3', '2.', sealed.slice(0, 20)]) {
      expect(sealer.open(none, 'call_1')).toBeUndefined();
    }
  });

  it('still opens after the key was changed, as long as the old one is named', () => {
    const old = new Sealer([key(1)], 'records').seal('text', 'a');
    const rotated = new Sealer([key(2), key(1)], 'records');
    expect(rotated.open(old, 'a')).toBe('text');
    expect(rotated.keyId).not.toBe(new Sealer([key(1)], 'records').keyId);
    expect(new Sealer([key(2)], 'records').open(rotated.seal('new', 'a'), 'a')).toBe('new');
  });

  it('needs keys of 32 bytes', () => {
    expect(() => new Sealer([], 'records')).toThrow('32 bytes');
    expect(() => new Sealer([Buffer.alloc(16)], 'records')).toThrow('32 bytes');
  });

  it('has names that are the same for the same text and say nothing about it', () => {
    const sealer = new Sealer([key(1)], 'records');
    expect(sealer.name('+14155550123')).toBe(sealer.name('+14155550123'));
    expect(sealer.name('+14155550123')).not.toBe(sealer.name('+14155550124'));
    expect(sealer.name('+14155550123')).not.toBe(new Sealer([key(2)], 'records').name('+14155550123'));
  });
});
