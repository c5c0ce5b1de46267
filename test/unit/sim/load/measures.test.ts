import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compiled } from '../../../../src/sim/load/compiled.ts';
import { Distribution } from '../../../../src/sim/load/distribution.ts';
import { monotonic } from '../../../../src/sim/load/monotonic.ts';
import { requirePrograms } from '../../../support/programs.ts';

const available = requirePrograms('what a compiled program measures', ['cc']);
const folder = join(import.meta.dirname, '../../../../src/sim/load');

/** Tells the time, the summary of the times that it is given, and what is kept of a hundred thousand marks. */
const program = `#include <stdlib.h>
#include "measures.h"
static struct distribution times;
int main(int count, char **values) {
  static struct marks marks;
  for (int i = 1; i < count; i++) distribution_record(&times, atof(values[i]));
  for (int i = 0; i < 100000; i++) marks_add(&marks, i, i / 4.0);
  fprintf(stdout, "{\\"now\\":%f,\\"summary\\":", monotonic_ms());
  distribution_print(&times, stdout);
  fputs(",\\"marks\\":", stdout);
  marks_print(&marks, stdout);
  return puts("}") < 0;
}
`;

interface Told {
  readonly now: number;
  readonly summary: object;
  readonly marks: readonly { readonly call: number; readonly at: number }[];
}

let cache = '';
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'trunkbridge-test-'));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

function run(times: readonly number[]): Told {
  const main = join(cache, 'main.c');
  writeFileSync(main, program);
  const sources = [main, join(folder, 'measures.c'), join(folder, 'measures.h')];
  const made = compiled('measures', sources, { folder: '/', cache, flags: ['-I', folder] });
  if ('why' in made) throw new Error(made.why);
  return JSON.parse(execFileSync(made.path, times.map(String), { maxBuffer: 2 ** 24 }).toString()) as Told;
}

describe.skipIf(!available)('what a compiled program measures', () => {
  it('is told in the same figures as here', () => {
    const times = [...Array.from({ length: 300 }, (_, i) => (i * i) / 97 + 0.013), -1, 0, 2500.25, 1e12];
    const here = new Distribution();
    for (const time of times) here.record(time);
    expect(run(times).summary).toEqual(here.summary());
    expect(run([]).summary).toEqual(new Distribution().summary());
  });

  it('has times of the clock that every process of the bench reads', () => {
    const before = monotonic();
    const { now } = run([]);
    expect(now).toBeGreaterThan(before);
    expect(now).toBeLessThan(monotonic());
  });

  it('keeps the first 50,000 marks', () => {
    const { marks } = run([]);
    expect(marks).toHaveLength(50_000);
    expect(marks.at(-1)).toEqual({ call: 49_999, at: 12_499.75 });
  });
});
