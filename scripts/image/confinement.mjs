import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Anybody but root; the number that most systems give to `nobody`. */
const stranger = 65_534;

/**
 * The words that run a program as PID 1 of a new PID namespace and as somebody who is not root: as root by giving
 * that up inside, else in a user namespace of our own.
 */
function prefix() {
  const isolated = ['--pid', '--fork', '--mount-proc', '--kill-child=SIGKILL'];
  if (process.getuid() === 0) {
    const ids = [`--reuid=${stranger}`, `--regid=${stranger}`, '--clear-groups', '--no-new-privs'];
    return ['unshare', ...isolated, 'setpriv', ...ids, '--'];
  }
  return ['unshare', '--user', '--map-current-user', ...isolated, 'setpriv', '--no-new-privs', '--'];
}

/** Why programs cannot be confined here; undefined when they can. */
export function confinementTrouble() {
  const [program, ...args] = prefix();
  const tried = spawnSync(program, [...args, 'true'], { encoding: 'utf8' });
  if (tried.status === 0) return undefined;
  return (tried.error?.message ?? tried.stderr.trim()) || `unshare ended with ${tried.status}`;
}

/** Starts `words` confined. `child` is the process that waits for it: it ends with the same code. */
export function startConfined(words, options) {
  const [program, ...args] = prefix();
  return spawn(program, [...args, ...words], options);
}

/**
 * The program that runs in the namespace that `child` waits for, once it is there: its id out here, its id inside and
 * whose it is. Undefined while it has not begun.
 */
export function insideOf(child) {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const status = statusOf(name);
    if (status?.PPid?.trim() !== String(child.pid)) continue;
    const [uid] = status.Uid.trim().split(/\s+/);
    return {
      pid: Number(name),
      pidInside: Number(status.NSpid.trim().split(/\s+/).at(-1)),
      uid: Number(uid),
    };
  }
  return undefined;
}

function statusOf(pid) {
  try {
    const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
    return Object.fromEntries(lines.filter(line => line.includes(':')).map(line => line.split(/:(.*)/s, 2)));
  } catch {
    // It ended while we were looking.
    return undefined;
  }
}
