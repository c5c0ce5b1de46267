import { parentPort, workerData } from 'node:worker_threads';
import { runWorker } from './entry.ts';
import type { WorkerOptions } from './messages.ts';

if (parentPort === null) throw new Error('worker/thread runs only as a worker thread');
runWorker(parentPort, workerData as WorkerOptions);
