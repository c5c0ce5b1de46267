import { isMainThread } from 'node:worker_threads';
import type { FromHost, ToHost } from './messages.ts';
import { monotonic } from './monotonic.ts';

/**
 * Loaded before the bridge (`node --import`) where it is to be put under stress, and nowhere else: the bridge itself knows
 * nothing of it. What it is told over the channel of its process it does on the main thread.
 */
type Collect = (options: { readonly type: 'major'; readonly execution: 'sync' }) => void;

/** Between two collections, ms: signalling gets its turn. */
const breathMs = 20;
/** Objects of about a hundred bytes each, as records and calls are. */
const objectsPerMb = 10_000;

const tell = (message: FromHost) => process.send?.(message as object);

/** What the heap has to carry besides the bridge's own. */
let ballast: object[] = [];

if (isMainThread) {
  process.on('message', message => {
    const told = message as ToHost;
    if (told.type === 'block') block(told.ms);
    else if (told.type === 'collect') void collect(told.heapMb, told.ms);
  });
  process.channel?.unref();
}

function block(ms: number): void {
  const begun = monotonic();
  while (monotonic() - begun < ms);
  tell({ type: 'blocked', ms: monotonic() - begun });
}

async function collect(heapMb: number, ms: number): Promise<void> {
  const { gc } = globalThis as unknown as { gc: Collect };
  ballast = Array.from({ length: heapMb * objectsPerMb }, (_, i) => ({
    at: i,
    name: `call ${i}`,
    next: [i],
  }));
  const end = monotonic() + ms;
  let count = 0;
  let longestMs = 0;
  while (monotonic() < end) {
    const begun = monotonic();
    gc({ type: 'major', execution: 'sync' });
    longestMs = Math.max(longestMs, monotonic() - begun);
    count++;
    await new Promise(resolve => setTimeout(resolve, breathMs));
  }
  ballast.length = 0;
  tell({ type: 'collected', count, longestMs });
}
