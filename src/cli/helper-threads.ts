import { readdirSync, readFileSync } from 'node:fs';
import { messageOf } from '../core/errors.ts';
import { standBack } from '../core/niceness.ts';

/**
 * Lets the threads that V8 has for compiling and for marking garbage stand back behind the one that asks: on cores that
 * are busy with calls they would otherwise take turns with signalling and media for some hundred ms, whenever the heap
 * is marked. To be called before the daemon starts anything: threads that come later, media workers among them, are not
 * touched. Linux alone has a priority for each thread; elsewhere nothing is done.
 *
 * @returns what could not be done, for people; nothing of it keeps the daemon from running.
 */
export function lowerHelperThreads(platform = process.platform): readonly string[] {
  if (platform !== 'linux') return [];
  const problems: string[] = [];
  for (const thread of helpers()) {
    try {
      standBack(thread);
    } catch (error) {
      // It may have ended meanwhile.
      problems.push(`thread ${thread} keeps its priority: ${messageOf(error)}`);
    }
  }
  return problems;
}

/** Threads that V8 has for its work unless `--v8-pool-size` on Node's command line says otherwise; one more keeps the time for them. */
const usualPool = 4;

/** What the threads of V8 are called where they have names. */
const names: ReadonlySet<string> = new Set(['V8Worker', 'DelayedTaskSche']);

/** The threads of V8, and not those that libuv looks names up and writes files with: a call waits for them. */
function helpers(): readonly number[] {
  try {
    const others = readdirSync('/proc/self/task')
      .map(Number)
      .filter(thread => thread !== process.pid);
    const named = others.filter(thread => names.has(read(thread, 'comm').trim()));
    // In older versions of Node they have no names, but they come before all others.
    return named.length > 0
      ? named
      : others.sort((a, b) => begunAt(a) - begunAt(b) || a - b).slice(0, poolSize() + 1);
  } catch {
    // Without /proc, or of a thread that has just ended, nobody can tell.
    return [];
  }
}

function poolSize(): number {
  return Number(/--v8-pool-size=(\d+)/.exec(process.execArgv.join(' '))?.[1] ?? usualPool);
}

/** Clock ticks since the machine was started: field 22 of `man 5 proc_pid_stat`; the name before it may hold blanks. */
function begunAt(thread: number): number {
  const stat = read(thread, 'stat');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}

function read(thread: number, file: string): string {
  return readFileSync(`/proc/self/task/${thread}/${file}`, 'utf8');
}
