import { readdirSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { messageOf } from '../core/errors.ts';

/** How far the helpers stand back, as steps of nice (`man 7 sched`): they get about a tenth of the share of the others. */
const stepsBack = 10;

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
  const niceness = Math.min(getPriority() + stepsBack, constants.priority.PRIORITY_LOW);
  for (const thread of helpers()) {
    try {
      setPriority(thread, niceness);
    } catch (error) {
      // It may have ended meanwhile.
      problems.push(`thread ${thread} keeps its priority: ${messageOf(error)}`);
    }
  }
  return problems;
}

function helpers(): readonly number[] {
  try {
    return readdirSync('/proc/self/task')
      .map(Number)
      .filter(thread => thread !== process.pid);
  } catch {
    // Without /proc nobody can tell which threads there are.
    return [];
  }
}
