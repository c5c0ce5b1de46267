import v8 from 'node:v8';
import vm from 'node:vm';

v8.setFlagsFromString('--expose-gc');
// On busy cores a compiler in another thread is not done when counting begins, and code that is not compiled takes more.
v8.setFlagsFromString('--no-concurrent-recompilation');
const collect = vm.runInNewContext('gc') as () => void;

const packets = 20_000;
/** Calls before anything is counted: what is done at one call in 25 must have been compiled as well by then. */
const warmUp = 3 * packets;
const batch = 200;

/**
 * Bytes of heap that `work` takes per call, without what measuring takes itself. A batch in which the collector ran
 * says nothing and is left out.
 */
export function bytesPerCall(work: () => void): number {
  for (let i = 0; i < warmUp; i++) work();
  collect();
  const bytes = (calls: number): number => {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < calls; i++) work();
    return process.memoryUsage().heapUsed - before;
  };
  const samples: number[] = [];
  for (let done = 0; done < packets; done += batch) {
    const idle = bytes(0);
    const busy = bytes(batch);
    if (idle >= 0 && busy >= 0) samples.push((busy - idle) / batch);
  }
  samples.sort((a, b) => a - b);
  return samples[samples.length >> 1]!;
}
