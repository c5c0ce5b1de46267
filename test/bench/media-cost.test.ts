import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { mostHeapOfPacket } from '../../src/sim/load/bounds.ts';
import { requirePrograms } from '../support/programs.ts';

/**
 * System calls and processor time as multiples of the floor's. Counts are the same in every run, times vary by a quarter and
 * more where others use the machine: what really takes longer does so each time it is measured.
 */
const mostSystemCalls = 1.15;
const mostTime = 1.2 * 1.4;
const timesMeasured = 3;

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
    const ratios: number[] = [];
    do {
      const { bytes, ratio } = measure('--pairs', '2');
      expect(bytes.bridge - bytes.floor).toBeLessThanOrEqual(mostHeapOfPacket);
      ratios.push(ratio);
    } while (Math.min(...ratios) > mostTime && ratios.length < timesMeasured);
    expect(Math.min(...ratios)).toBeLessThanOrEqual(mostTime);
  }, 240_000);

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
