import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../../../', import.meta.url);
const page = ['docs/rfc.md', 'docs/hardening.md']
  .map(path => readFileSync(new URL(path, root), 'utf8'))
  .join('\n');
const rows = page.split('\n').filter(line => line.startsWith('| ') && !line.startsWith('|---'));

/** A file below `test/` and the words that are quoted behind it, up to the next file. */
const references = [
  ...page.matchAll(/`((?:unit|interop|contract|flow|fuzz|vectors)\/[\w./-]+)`((?:,? "[^"]+")*)/g),
].map(([, path = '', quoted = '']) => ({
  path: `test/${path}.test.ts`,
  words: [...quoted.matchAll(/"([^"]+)"/g)].map(([, text = '']) => text),
}));

describe('the pages of RFC points and of hardening', () => {
  it.each(references)('names $path and what is in it', ({ path, words }) => {
    const file = new URL(path, root);
    expect(existsSync(file), path).toBe(true);
    const text = readFileSync(file, 'utf8');
    expect(words.length).toBeGreaterThan(0);
    for (const each of words) expect(text).toContain(each);
  });

  it('shows each row by a test, says why it is left out, or points to where that stands', () => {
    const bare = rows.filter(
      row => !/`(unit|interop|contract|flow|fuzz|vectors)\/|\*\*Left out\*\*|see RFC|why \|$/.test(row),
    );
    const allowed = /^\| (section|row|RFC|message|\||`|22 )/;
    expect(bare.filter(row => !allowed.test(row) && !row.includes('shown by'))).toEqual([]);
    expect(references.length).toBeGreaterThan(90);
  });
});
