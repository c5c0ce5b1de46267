import { describe, expect, it } from 'vitest';
import { remembered } from '../../../src/core/remembered.ts';

/** A reader that remembers, and what it had to read. */
function reader(most: number) {
  const read: string[] = [];
  const of = remembered(text => {
    read.push(text);
    return text === 'bad' ? undefined : { text };
  }, most);
  return { of, read };
}

describe('a function that remembers', () => {
  it('reads a text once and gives the same for it again', () => {
    const { of, read } = reader(8);
    expect(of('a')).toBe(of('a'));
    expect(of('bad')).toBeUndefined();
    expect(of('bad')).toBeUndefined();
    expect(read.filter(text => text === 'a')).toHaveLength(1);
  });

  it('keeps what is in use, and forgets the rest', () => {
    const { of, read } = reader(8);
    of('first');
    for (let i = 0; i < 100; i++) {
      of('used');
      of(String(i));
    }
    expect(read.filter(text => text === 'used')).toHaveLength(1);
    of('first');
    expect(read.filter(text => text === 'first')).toHaveLength(2);
  });

  it('does not keep a long text', () => {
    const { of, read } = reader(8);
    of('x'.repeat(513));
    of('x'.repeat(513));
    expect(read).toHaveLength(2);
  });
});
