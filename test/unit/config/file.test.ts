import { describe, expect, it } from 'vitest';
import { fileLimits, parseFile } from '../../../src/config/file.ts';

describe('the file', () => {
  it('becomes flat entries with their lines', () => {
    const { entries, problems } = parseFile(
      'c.yaml',
      '# first\nlog:\n  level: debug\nsip: {allow: [a, b]}\ntools:\n\n  kill_switch: true\n',
    );
    expect(problems).toEqual([]);
    expect(entries).toEqual([
      { key: 'log.level', raw: 'debug', where: 'c.yaml:3 log.level' },
      { key: 'sip.allow', raw: ['a', 'b'], where: 'c.yaml:4 sip.allow' },
      { key: 'tools.kill_switch', raw: true, where: 'c.yaml:7 tools.kill_switch' },
    ]);
  });

  it('may use anchors', () => {
    const { entries } = parseFile('c.yaml', 'a: &x 5\nb: *x\n');
    expect(entries.map(({ raw }) => raw)).toEqual([5, 5]);
  });

  it('keeps the plus or the zero that a number without quotes begins with', () => {
    const { entries } = parseFile('c.yaml', 'a: +49301234\nb: 0301234\nc: [0044, 7]\nd: +5\ne: 0.5\n');
    expect(entries.map(({ raw }) => raw)).toEqual(['+49301234', '0301234', ['0044', 7], 5, 0.5]);
  });

  it.each([
    ['a key twice', 'a: 1\na: 2\n', 'duplicate key'],
    ['a tab for indentation', 'a:\n\tb: 1\n', 'not valid YAML'],
    ['two documents', 'a: 1\n---\nb: 2\n', 'multiple docs'],
    ['a list', '- a\n', 'must be a map'],
    ['a word', 'hello', 'must be a map'],
  ])('is refused with %s', (_title, text, what) => {
    expect(parseFile('c.yaml', text).problems[0]?.what).toContain(what);
  });

  it('is refused when too long or nested too deeply, before anything is made of it', () => {
    expect(parseFile('c.yaml', 'x'.repeat(fileLimits.characters + 1)).problems).toHaveLength(1);
    const deep = Array.from({ length: 9 }, (_, i) => `${' '.repeat(i)}k:`).join('\n');
    expect(parseFile('c.yaml', `${deep} 1`).problems[0]?.what).toBe('is nested too deeply');
  });
});
