import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Child } from '../support/child.ts';

const script = fileURLToPath(new URL('../../scripts/fuzz.mjs', import.meta.url));

describe('the fuzzer that is guided by coverage', () => {
  it('finds nothing in a few seconds, in any target', async () => {
    const limits = ['--runs', '16000', '--seconds', '5', '--no-plants'];
    const fuzzer = new Child(process.execPath, [script, ...limits]);
    expect(await fuzzer.exited, fuzzer.output).toBe(0);
    expect(fuzzer.output.split('\n').filter(line => line.endsWith('| not tried |'))).toHaveLength(8);
  }, 120_000);

  it('finds a planted bug', async () => {
    const limits = ['--runs', '10', '--seconds', '1', '--only', 'framer'];
    const fuzzer = new Child(process.execPath, [script, ...limits]);
    expect(await fuzzer.exited, fuzzer.output).toBe(0);
    expect(fuzzer.output).toMatch(/\| framer \|.*\| \d+ inputs, [\d.]+ s \|/);
  }, 120_000);
});
