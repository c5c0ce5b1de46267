import type { Clock } from './clock.ts';
import { deferred } from './deferred.ts';

/** Waits for a promise, `ms` at most: whether it settled in that time. What it fails with then is passed on. */
export async function within(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  const late = deferred<boolean>();
  const timer = clock.timer(ms, () => late.resolve(false));
  try {
    return await Promise.race([promise.then(() => true), late.promise]);
  } finally {
    timer.cancel();
  }
}
