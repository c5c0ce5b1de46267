// Reads what a load run is measured by: the daemon's metrics, its place in /proc, and the files of SIPp.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const prefix = 'trunkbridge_';

/** Adds up the samples of a metric that have these labels. */
export function sum(text, name, labels = '') {
  return text
    .split('\n')
    .filter(line => line.startsWith(prefix + name) && /^[{ ]/.test(line.slice(prefix.length + name.length)))
    .filter(line => line.includes(labels))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** Adds up the samples of a metric by the value of one of its labels; without those that are zero. */
export function labelled(text, name, label) {
  const found = {};
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${prefix}${name}{`)) continue;
    const value = new RegExp(`[{,]${label}="([^"]*)"`).exec(line)?.[1] ?? '';
    const count = Number(line.slice(line.lastIndexOf(' ')));
    if (count > 0) found[value] = (found[value] ?? 0) + count;
  }
  return found;
}

/** The bound of the bucket in which a quantile of a histogram lies, and whether anything was observed. */
export function quantile(text, name, share) {
  const buckets = text
    .split('\n')
    .filter(line => line.startsWith(`${prefix}${name}_bucket{`))
    .map(line => [/le="([^"]+)"/.exec(line)?.[1] ?? '', Number(line.slice(line.lastIndexOf(' ')))]);
  const total = buckets.at(-1)?.[1] ?? 0;
  return total === 0 ? undefined : buckets.find(([, count]) => count >= total * share)?.[0];
}

/**
 * CPU that a process took since `before`, ms: its main thread, the busiest others, which are its media threads, and all
 * that V8, libuv and libsql have beside them.
 */
export function cpuSince(before, now, workers) {
  const used = ([id, { cpuMs }]) => cpuMs - (before.threads.get(id)?.cpuMs ?? 0);
  const threads = [...now.threads].sort(([a], [b]) => a - b);
  const others = threads
    .slice(1)
    .map(used)
    .sort((a, b) => b - a);
  const media = others.slice(0, workers).reduce((sum, ms) => sum + ms, 0);
  const whole = now.cpuMs - before.cpuMs;
  const main = threads.slice(0, 1).reduce((sum, thread) => sum + used(thread), 0);
  return { whole, main, media, rest: whole - main - media };
}

/** What SIPp timed under a name, ms, ascending: `setup` is INVITE to 200, `refused` INVITE to 503. */
export function responseTimes(folder, what) {
  const name = readdirSync(folder).find(each => each.endsWith('_rtt.csv'));
  if (name === undefined) return [];
  const rows = readFileSync(join(folder, name), 'latin1').split('\n').slice(1);
  const times = rows.filter(row => row.endsWith(`;${what}`)).map(row => Number(row.split(';')[1]));
  return times.sort((a, b) => a - b);
}

/** Calls that SIPp counts as successful and as failed, from its file of statistics. */
export function sippCounts(folder) {
  const file = join(folder, 'statistics.csv');
  const rows = existsSync(file) ? readFileSync(file, 'latin1').trim().split('\n') : [];
  if (rows.length < 2) return { ok: 0, failed: 0 };
  const names = rows[0].split(';');
  const last = rows.at(-1).split(';');
  return {
    ok: Number(last[names.indexOf('SuccessfulCall(C)')]),
    failed: Number(last[names.indexOf('FailedCall(C)')]),
  };
}

/** What was observed at a share of ascending values. */
export function percentile(ascending, share) {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))];
}
