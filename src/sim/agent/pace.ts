/** Length of one piece of speech, ms. */
export const pieceMs = 100;

/**
 * Calls `piece` for each piece of `totalMs` of speech, `leadMs` ahead of when its turn to be heard comes. Every due
 * time is counted from the start, so lateness of one piece does not add up. Settles after the last piece or when
 * `signal` is aborted, whichever is first.
 */
export function paced(
  totalMs: number,
  leadMs: number,
  signal: AbortSignal,
  piece: (ms: number) => void,
): Promise<void> {
  const origin = performance.now();
  return new Promise(resolve => {
    let said = 0;
    let timer: NodeJS.Timeout | undefined;
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const run = () => {
      while (said < totalMs && origin + said - leadMs <= performance.now()) {
        const ms = Math.min(pieceMs, totalMs - said);
        piece(ms);
        said += ms;
      }
      if (said >= totalMs) return finish();
      timer = setTimeout(run, Math.max(1, origin + said - leadMs - performance.now()));
    };
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', finish);
    run();
  });
}

/** Settles after `ms` with true, or with false as soon as `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve(false);
    const abort = () => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve(true);
    }, ms);
    signal.addEventListener('abort', abort, { once: true });
  });
}
