// Loaded into the subject: SIGUSR2 has it watch how late its main thread is, and the next one has it tell. It does not watch all the
// time, because looking 200 times a second costs an idle main thread more than all that it has to do.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const everyMs = 5;
if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: everyMs });
  let watching = false;
  process.on('SIGUSR2', () => {
    watching = !watching;
    if (watching) {
      delay.reset();
      delay.enable();
      return;
    }
    delay.disable();
    const ms = value => Math.round(value / 1e4) / 100;
    // The histogram counts the interval itself in.
    const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map(value =>
      ms(value - everyMs * 1e6),
    );
    console.log(JSON.stringify({ lag: { p50, p99, max } }));
  });
}
