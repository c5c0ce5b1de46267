import { describe, expect, it } from 'vitest';
import { JsonScan } from '../../../src/core/json-scan.ts';

const word = Buffer.from('{"a":');

function scan(text: string, from = 0, to = text.length): JsonScan {
  const made = new JsonScan();
  made.begin(Buffer.from(text), from, to);
  return made;
}

describe('a scan of JSON', () => {
  it('goes past exactly these bytes, and stays where they are others', () => {
    const text = scan('{"a":1}');
    expect(text.literal(word)).toBe(true);
    expect(text.number() && text.closes() && text.ended()).toBe(true);
    expect(text.value).toBe(1);
    const other = scan('{"b":1}');
    expect(other.literal(word)).toBe(false);
    expect(other.opens() && other.key()).toBe(true);
  });

  it('sees nothing before its text, nor behind it', () => {
    expect(scan('{"a":1}', 0, word.length - 1).literal(word)).toBe(false);
    expect(scan('{"a":1}', 0, word.length).literal(word)).toBe(true);
    const inside = scan('[{"a":1}]', 1, 8);
    expect(inside.literal(word) && inside.number() && inside.closes() && inside.ended()).toBe(true);
  });

  it('finds a string of a length by its quotes', () => {
    const text = scan('"abc",');
    expect(text.stringOf(2) || text.stringOf(4)).toBe(false);
    expect(text.stringOf(3) && text.comma()).toBe(true);
    expect([text.from, text.to]).toEqual([1, 4]);
    expect(scan('"abc"', 0, 4).stringOf(3)).toBe(false);
    expect(scan('xabc"').stringOf(3)).toBe(false);
  });
});
