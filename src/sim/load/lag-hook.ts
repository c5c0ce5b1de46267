import { basename, dirname } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';
import { type LoopLag, lagLookMs } from './lags.ts';
import type { FromHost, ToHost } from './messages.ts';

/**
 * Loaded into every thread of what is measured (`node --import`) where its event loops are to be watched, and nowhere else:
 * each look wakes a thread. The main thread is told by its parent when to begin and to report, and passes it on.
 */
type Word = { readonly from: string; readonly lag?: LoopLag } | 'mark' | 'report';

/** How long threads may take to report, ms: one that is still busy then is left out. */
const reportMs = 2000;
const nanosPerMs = 1e6;

/** A worker goes by the folder of its program: `worker 1`. */
const name = isMainThread ? 'main' : `${basename(dirname(process.argv[1] ?? ''))} ${threadId}`;
const delays = monitorEventLoopDelay({ resolution: lagLookMs });
delays.enable();

/** What is recorded is the time between two looks. */
function lag(): LoopLag {
  const beyond = (nanos: number) => Math.max(0, Math.round((nanos / nanosPerMs - lagLookMs) * 100) / 100);
  return {
    p50: beyond(delays.percentile(50)),
    p99: beyond(delays.percentile(99)),
    max: beyond(delays.max),
  };
}

const channel = new BroadcastChannel('trunkbridge-bench-lag');
channel.unref();
if (isMainThread) watchAll();
else answerMain();

function answerMain(): void {
  channel.onmessage = event => {
    const word = (event as { readonly data: Word }).data;
    if (word === 'mark') delays.reset();
    else if (word === 'report') channel.postMessage({ from: name, lag: lag() } satisfies Word);
  };
  channel.postMessage({ from: name } satisfies Word);
}

function watchAll(): void {
  /** Every other thread, and what it told since it was last asked. */
  const others = new Map<string, LoopLag | undefined>();
  let settle = (): void => undefined;
  channel.onmessage = event => {
    const word = (event as { readonly data: Word }).data;
    if (typeof word === 'string') return;
    others.set(word.from, word.lag);
    if (word.lag !== undefined && [...others.values()].every(each => each !== undefined)) settle();
  };
  const report = () => {
    const own = lag();
    for (const other of others.keys()) others.set(other, undefined);
    let told = false;
    settle = () => {
      if (told) return;
      told = true;
      clearTimeout(timer);
      const threads = Object.fromEntries([['main', own], ...others].filter(([, each]) => each !== undefined));
      process.send?.({ type: 'loop-lag', threads } satisfies FromHost);
    };
    const timer = setTimeout(settle, others.size === 0 ? 0 : reportMs);
    channel.postMessage('report' satisfies Word);
  };
  process.on('message', message => {
    const { type } = message as ToHost;
    if (type === 'loop-lag') return report();
    if (type !== 'loop-lag-mark') return;
    delays.reset();
    channel.postMessage('mark' satisfies Word);
  });
}
