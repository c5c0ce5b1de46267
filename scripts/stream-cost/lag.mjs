// Loaded into the subject: how late its main thread is, told when it is asked with SIGUSR2.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  process.on('SIGUSR2', () => {
    const ms = value => Math.round(value / 1e4) / 100;
    // The histogram counts the interval itself in.
    const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map(ms);
    console.log(JSON.stringify({ lag: { p50: p50 - 5, p99: p99 - 5, max: max - 5 } }));
    delay.reset();
  });
}
