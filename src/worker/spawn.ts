import { setFlagsFromString } from 'node:v8';
import { messageOf } from '../core/errors.ts';
import { programFile } from '../core/program-file.ts';
import { startThread } from '../core/thread.ts';
import type { WorkerOptions } from './messages.ts';
import type { WorkerThread } from './pool.ts';

/**
 * Room for new objects in a worker, MB; V8 makes three equal parts of it. Each packet leaves some hundred bytes of Node's
 * own behind, and whatever is being carried when the room is full is copied while all calls wait: with V8's 48 MB that
 * came to 7 to 36 ms at a time, with 6 MB to 1 or 2. It is also most of what a loaded worker weighs.
 */
const youngMegabytes = 6;

/**
 * So small a room is collected sooner by the thread itself than with the help of others: on a machine whose cores are
 * busy a helper that has begun is waited for until it gets a core again.
 */
const ownCollections = '--no-parallel-scavenge';

/** Starts a media worker in a thread of its own. */
export function spawnWorker(options: WorkerOptions): WorkerThread {
  setFlagsFromString(ownCollections);
  const worker = startThread(programFile(import.meta.url, './thread'), {
    workerData: options,
    youngMegabytes,
  });
  let cause = 'exit';
  worker.on('error', error => {
    cause = messageOf(error);
  });
  return {
    post: message => worker.postMessage(message),
    onMessage: handler => void worker.on('message', handler),
    onExit: handler => void worker.on('exit', code => handler(`${cause} (code ${code})`)),
    terminate: async () => void (await worker.terminate()),
  };
}
