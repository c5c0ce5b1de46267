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

  it.each(['framer', 'SDP and negotiation'])(
    'finds the bug planted in %s',
    async target => {
      const limits = ['--runs', '10', '--seconds', '1', '--only', target];
      const fuzzer = new Child(process.execPath, [script, ...limits]);
      expect(await fuzzer.exited, fuzzer.output).toBe(0);
      expect(fuzzer.output).toMatch(new RegExp(`\\| ${target} \\|.*\\| \\d+ inputs, [\\d.]+ s \\|`));
    },
    120_000,
  );
});
