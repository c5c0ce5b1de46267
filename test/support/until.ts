/** How often a condition is looked at, ms. */
const lookMs = 5;

/** Settles with the first truthy thing that `check` gives; rejects after `timeoutMs`, naming `what`. */
export async function until<T>(
  check: () => T | undefined | false | Promise<T | undefined | false>,
  what: string | (() => string),
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain for ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise(resolve => setTimeout(resolve, lookMs));
  }
}
