import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';

export interface ThreadOptions {
  readonly workerData: unknown;
  /** Room for new objects, MB; V8 makes three equal parts of it. */
  readonly youngMegabytes: number;
  /** Room for those that live longer, MB; absent: what V8 allows. */
  readonly oldMegabytes?: number;
}

/** Starts a thread that runs `program`, with rooms for objects of its own. */
export function startThread(
  program: URL,
  { workerData, youngMegabytes, oldMegabytes }: ThreadOptions,
): Worker {
  // V8 puts what the process was started with, which is meant for the main thread, above what a thread is given.
  setFlagsFromString('--max-semi-space-size=0');
  return new Worker(program, {
    workerData,
    resourceLimits: {
      maxYoungGenerationSizeMb: youngMegabytes,
      ...(oldMegabytes === undefined ? {} : { maxOldGenerationSizeMb: oldMegabytes }),
    },
  });
}
