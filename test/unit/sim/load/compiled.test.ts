import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compiled } from '../../../../src/sim/load/compiled.ts';

let folder = '';
let cache = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-test-'));
  cache = join(folder, 'cache');
  mkdirSync(cache);
  writeFileSync(join(folder, 'word.h'), '#define WORD "hello"\n');
  writeFileSync(
    join(folder, 'say.c'),
    '#include <stdio.h>\n#include "word.h"\nint main(void) { return puts(WORD) < 0; }\n',
  );
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const made = (cc?: string) =>
  compiled('say', ['say.c', 'word.h'], { folder, cache, ...(cc === undefined ? {} : { cc }) });
const hasCompiler = (() => {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return process.platform === 'linux';
  } catch {
    return false;
  }
})();

function pathOf(result: ReturnType<typeof compiled>): string {
  if ('why' in result) throw new Error(result.why);
  return result.path;
}

describe.skipIf(!hasCompiler)('a program that is compiled in place', () => {
  it('runs, and is not compiled a second time', () => {
    const path = pathOf(made());
    const { mtimeMs, ino } = statSync(path);
    expect(execFileSync(path).toString()).toBe('hello\n');
    expect(made()).toEqual({ path });
    expect(statSync(path)).toMatchObject({ mtimeMs, ino });
  });

  it('is compiled by a process that has no environment, as those of the bench', () => {
    const path = process.env['PATH'];
    delete process.env['PATH'];
    try {
      expect(made()).toEqual({ path: expect.stringContaining('say-') });
    } finally {
      process.env['PATH'] = path;
    }
  });

  it('is another one when any of its sources has changed', () => {
    const path = pathOf(made());
    writeFileSync(join(folder, 'word.h'), '#define WORD "goodbye"\n');
    const other = pathOf(made());
    expect(other).not.toBe(path);
    expect(execFileSync(other).toString()).toBe('goodbye\n');
  });

  it('is not there when its source is wrong, and nothing half made stays', () => {
    writeFileSync(join(folder, 'say.c'), 'int main(void) { return nothing(); }\n');
    const { why } = made() as { readonly why: string };
    expect(why).toContain('say.c');
    const [own] = readdirSync(cache);
    expect(readdirSync(join(cache, own ?? ''))).toEqual([]);
  });

  it('is not there without the headers that it includes, and says which', () => {
    writeFileSync(join(folder, 'say.c'), '#include <no-such/library.h>\nint main(void) { return 0; }\n');
    expect(made()).toEqual({ why: 'no no-such/library.h' });
  });

  it('is linked with libraries, and is another one with others', () => {
    writeFileSync(join(folder, 'say.c'), 'double cos(double);\nint main(int n) { return cos(n) > 1; }\n');
    const unlinked = compiled('say', ['say.c'], { folder, cache });
    expect(unlinked).toMatchObject({ why: expect.stringContaining('cos') });
    const linked = (libraries: string[]) => pathOf(compiled('say', ['say.c'], { folder, cache, libraries }));
    expect(execFileSync(linked(['m'])).toString()).toBe('');
    expect(linked(['m', 'c'])).not.toBe(linked(['m']));
  });

  it('is not run from a folder that others can write to', () => {
    const path = pathOf(made());
    chmodSync(join(path, '..'), 0o777);
    expect(made()).toMatchObject({ why: expect.stringContaining('others can write') });
  });
});

describe('where there is no compiler', () => {
  it('says so', () => {
    expect(made('no-such-cc')).toEqual({ why: process.platform === 'linux' ? 'no no-such-cc' : 'not Linux' });
  });
});
