import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { mostHeapOfPacket } from '../../src/sim/load/bounds.ts';
import { requirePrograms } from '../support/programs.ts';

/** System calls and processor time as multiples of the floor's: times vary by a quarter from run to run, counts do not. */
const mostSystemCalls = 1.15;
const mostTime = 1.2 * 1.4;

const canTrace = requirePrograms('the count of system calls', ['strace']) && traces();

interface Line {
  readonly bytes: { readonly floor: number; readonly bridge: number };
  readonly systemCalls: { readonly floor: number; readonly bridge: number };
  readonly ratio: number;
}

/** A container may have strace and yet not let one process look at another. */
function traces(): boolean {
  try {
    execFileSync('strace', ['-c', '-o', '/dev/null', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    process.stderr.write('SKIPPED the count of system calls: this machine does not let strace trace\n');
    return false;
  }
}

function measure(...args: string[]): Line {
  const script = fileURLToPath(new URL('../../scripts/media-cost.mjs', import.meta.url));
  const out = execFileSync(process.execPath, [script, '--json', ...args], { encoding: 'utf8' });
  return (JSON.parse(out) as Line[])[0]!;
}

describe.runIf(process.platform === 'linux')('a packet on its way through the media path', () => {
  it('leaves no more behind on the heap than in a bare program, and takes little more time', () => {
    const { bytes, ratio } = measure('--pairs', '2');
    expect(bytes.bridge - bytes.floor).toBeLessThanOrEqual(mostHeapOfPacket);
    expect(ratio).toBeLessThanOrEqual(mostTime);
  }, 120_000);

  it.runIf(canTrace)(
    'takes as many system calls as in a bare program',
    () => {
      const { systemCalls } = measure('--system-calls', '--pairs', '1', '--rounds', '50');
      expect(systemCalls.floor).toBeGreaterThan(3);
      expect(systemCalls.bridge).toBeLessThanOrEqual(systemCalls.floor * mostSystemCalls);
    },
    120_000,
  );
});
