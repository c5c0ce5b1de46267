/** A timer that was asked for; `cancel` is idempotent and harmless after it has fired. */
export interface Timer {
  cancel(): void;
}

/** Time as everything here sees it. Tests inject their own; nothing else reads the real one. */
export interface Clock {
  /** Monotonic time in ms, with fractions; only differences mean anything. */
  now(): number;
  /** Wall-clock time in ms since the Unix epoch. */
  wall(): number;
  /** Calls `fire` once, no earlier than `ms` from now. */
  timer(ms: number, fire: () => void): Timer;
}

/** Longest time that Node's own timers take, ms: what is longer they fire at once. */
const longestMs = 2 ** 31 - 1;

/** The machine's own clock. Timers never keep the process alive by themselves. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  timer(ms, fire) {
    if (ms > longestMs) return longTimer(ms, fire);
    const handle = setTimeout(fire, ms);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** One after the other: a peer may ask for a time that is longer than any call. */
function longTimer(ms: number, fire: () => void): Timer {
  let timer = systemClock.timer(longestMs, () => {
    timer = systemClock.timer(ms - longestMs, fire);
  });
  return { cancel: () => timer.cancel() };
}
