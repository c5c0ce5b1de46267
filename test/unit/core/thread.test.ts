import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { daemonFlags } from '../../../src/sim/load/daemon-flags.ts';

const program = fileURLToPath(new URL('../../support/thread-rooms.mjs', import.meta.url));

describe('a thread', () => {
  it('has the room for new objects that it was given, whatever the main thread was started with', () => {
    const printed = execFileSync(process.execPath, [...daemonFlags, program], { encoding: 'utf8' });
    // V8 holds two of the 8 MB of the flag, and two of the three parts of 6 MB.
    expect(JSON.parse(printed)).toEqual({ main: 16, thread: 4 });
  });
});
