import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Child } from '../support/child.ts';

const script = fileURLToPath(new URL('../../scripts/fuzz.mjs', import.meta.url));
const runs = process.env['FUZZ_RUNS'] ?? '10000000';
/** For each target; what is not done by then is left undone, and the table says how much was. */
const seconds = process.env['FUZZ_SECONDS'] ?? '300';

describe('the fuzzer that is guided by coverage', () => {
  it(
    'finds the bug planted in each target, and no other',
    async () => {
      const fuzzer = new Child(process.execPath, [script, '--runs', runs, '--seconds', seconds]);
      expect(await fuzzer.exited, fuzzer.output).toBe(0);
      process.stdout.write(`${fuzzer.output}\n`);
      const rows = fuzzer.output.split('\n').filter(line => /inputs, [\d.]+ s \|$/.test(line));
      expect(rows).toHaveLength(8);
    },
    3 * 3_600_000,
  );
});
