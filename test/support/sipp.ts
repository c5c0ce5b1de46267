import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeAlaw, encodeUlaw } from '../../codecs/g711.ts';
import { sine } from '../../codecs/tones.ts';
import { Child } from './child.ts';

const scenarios = fileURLToPath(new URL('../../scripts/sipp/', import.meta.url));

export interface SippRun {
  /** Name of a scenario of `scripts/sipp`. */
  readonly scenario:
    | 'call'
    | 'agent-hangs-up'
    | 'digest'
    | 'identity'
    | 'lost-connection'
    | `dialogue/${string}`
    | `transfer/${string}`;
  /** Where its files are written. */
  readonly folder: string;
  readonly port: number;
  readonly codecs: readonly ('PCMU' | 'PCMA')[];
  readonly calls: number;
  readonly callsPerSecond: number;
  /** Length of a call, ms. */
  readonly length: number;
  readonly toneHz: number;
  /** Other arguments of SIPp. */
  readonly more?: readonly string[];
  /** Bound of the whole run, s. */
  readonly timeout?: number;
}

const toneDbfs = -12;
/** Its media port: test files that run side by side must not share one. */
const mediaPort = 7_000 + 100 * (Number(process.env['VITEST_POOL_ID'] ?? 0) % 50);

/** Runs SIPp to its end, over one TCP connection unless told otherwise. Settles with its exit code and output. */
export async function runSipp(
  run: SippRun,
): Promise<{ readonly code: number | string; readonly output: string }> {
  writeTone(run.folder, run.toneHz);
  const lines = run.codecs.map((codec, i) => `1415555010${i};${codec === 'PCMU' ? 0 : 8};${codec};`);
  writeFileSync(join(run.folder, 'calls.csv'), `SEQUENTIAL\n${lines.join('\n')}\n`);
  const timeout = run.timeout ?? 40;
  const args = [`127.0.0.1:${run.port}`, '-sf', join(scenarios, `${run.scenario}.xml`), '-inf', 'calls.csv'];
  args.push(
    '-t',
    't1',
    '-i',
    '127.0.0.1',
    '-mi',
    '127.0.0.1',
    '-mp',
    String(mediaPort),
    '-s',
    '+14155550199',
    '-nostdin',
  );
  args.push('-m', String(run.calls), '-r', String(run.callsPerSecond), '-l', String(run.calls));
  args.push('-d', String(run.length), '-max_socket', '1000', '-trace_err', '-error_file', 'sipp-errors.log');
  args.push('-timeout', `${timeout}s`, '-timeout_error', ...(run.more ?? []));
  const child = new Child('sipp', args, { cwd: run.folder, env: { ...process.env, TERM: 'dumb' } });
  const limit = setTimeout(() => child.signal('SIGKILL'), (timeout + 10) * 1000);
  try {
    return { code: await child.exited, output: child.output };
  } finally {
    clearTimeout(limit);
    await child.stop();
  }
}

/** One second of a tone that can be repeated without a seam, in both laws. */
function writeTone(folder: string, hz: number): void {
  const samples = new Int16Array(8000);
  sine(8000, hz, toneDbfs).generate(samples, 0, samples.length);
  const bytes = Buffer.alloc(samples.length);
  encodeUlaw(samples, 0, samples.length, bytes, 0);
  writeFileSync(join(folder, 'tone.ulaw'), bytes);
  encodeAlaw(samples, 0, samples.length, bytes, 0);
  writeFileSync(join(folder, 'tone.alaw'), bytes);
}
