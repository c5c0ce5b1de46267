import { readdirSync, readFileSync } from 'node:fs';

/** Nice values of all threads of a process, the main one first (`man 5 proc_pid_stat`, field 19; the name before it may hold blanks). */
export function nicenessOf(pid: number): readonly number[] {
  const threads = readdirSync(`/proc/${pid}/task`).map(Number);
  return threads
    .sort((a, b) => Number(b === pid) - Number(a === pid))
    .map(thread => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
    });
}
