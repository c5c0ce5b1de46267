/** Waits; rejects as soon as the run is to be cut short. */
export function rest(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (stopped.aborted) return reject(new Error('stopped'));
    const stop = () => {
      clearTimeout(timer);
      reject(new Error('stopped'));
    };
    const timer = setTimeout(() => {
      stopped.removeEventListener('abort', stop);
      resolve();
    }, ms);
    stopped.addEventListener('abort', stop, { once: true });
  });
}
