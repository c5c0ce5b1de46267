import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of a second in /proc: USER_HZ, which is 100 on every platform that Node runs on. */
const ticksPerSecond = 100;

/** What a process had used up at some time. */
export interface Usage {
  readonly at: number;
  /** CPU of each thread, ms of user and system time together, by its id. */
  readonly threads: ReadonlyMap<number, { readonly name: string; readonly cpuMs: number }>;
  /** CPU of the whole process, threads that have ended included. */
  readonly cpuMs: number;
  readonly residentMb: number;
}

/** Files that a process has open, sockets and ports among them. */
export const filesOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** What one thread, or all of them, took between two times, in % of a core. */
export interface ThreadShare {
  readonly name: string;
  readonly percent: number;
}

/** CPU in ms from a line of /proc/<pid>/stat: fields 14 and 15. The name in parentheses may hold anything. */
export function cpuOf(stat: string): { readonly name: string; readonly cpuMs: number } {
  const close = stat.lastIndexOf(')');
  const fields = stat.slice(close + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { name: stat.slice(stat.indexOf('(') + 1, close), cpuMs: (ticks * 1000) / ticksPerSecond };
}

/** Resident memory in MB (2^20) from /proc/<pid>/status. */
export function residentOf(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
}

/** Reads what a process has used; throws when it is gone. Linux only. */
export function usageOf(pid: number, now: number): Usage {
  const threads = new Map<number, { readonly name: string; readonly cpuMs: number }>();
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    const stat = read(`/proc/${pid}/task/${tid}/stat`);
    if (stat !== undefined) threads.set(Number(tid), cpuOf(stat));
  }
  return {
    at: now,
    threads,
    cpuMs: cpuOf(readFileSync(`/proc/${pid}/stat`, 'utf8')).cpuMs,
    residentMb: residentOf(readFileSync(`/proc/${pid}/status`, 'utf8')),
  };
}

/** CPU of processes that do one thing together, ms. */
export const cpuOfAll = (pids: readonly number[]): number =>
  pids.reduce((ms, pid) => ms + cpuOf(readFileSync(`/proc/${pid}/stat`, 'utf8')).cpuMs, 0);

/** CPU of all cores together, ms. */
export interface Machine {
  readonly busyMs: number;
  /** What the host of a virtual machine gave to others. */
  readonly stolenMs: number;
}

/** What the machine has spent, from /proc/stat; idle time and waiting left out. */
export function machineOf(stat: string): Machine {
  const line = stat.slice(0, stat.indexOf('\n')).trim();
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const ms = (ticks: number) => (ticks * 1000) / ticksPerSecond;
  return { busyMs: ms(user + nice + system + irq + softIrq), stolenMs: ms(steal) };
}

export function machineUsage(): Machine {
  return machineOf(readFileSync('/proc/stat', 'utf8'));
}

/** A thread may end between the listing and the reading. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
    throw error;
  }
}

/** Whole process and threads, in % of a core; the main thread first, the others by what they took, idle ones left out. */
export function shares(
  pid: number,
  before: Usage,
  after: Usage,
): { readonly percent: number; readonly threads: ThreadShare[] } {
  const ms = after.at - before.at;
  const share = (cpuMs: number) => Math.round((cpuMs / ms) * 10_000) / 100;
  const threads: (ThreadShare & { readonly main: boolean })[] = [];
  for (const [tid, { name, cpuMs }] of after.threads) {
    const percent = share(cpuMs - (before.threads.get(tid)?.cpuMs ?? 0));
    const main = tid === pid;
    if (main || percent > 0) threads.push({ name: main ? 'main' : name, percent, main });
  }
  threads.sort((a, b) => Number(b.main) - Number(a.main) || b.percent - a.percent);
  return {
    percent: share(after.cpuMs - before.cpuMs),
    threads: threads.map(({ name, percent }) => ({ name, percent })),
  };
}
