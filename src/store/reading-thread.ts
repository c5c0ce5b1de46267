import { parentPort, workerData } from 'node:worker_threads';
import Libsql from 'libsql';
import { messageOf } from '../core/errors.ts';
import { ownThread, standBack } from '../core/niceness.ts';
import { storeLimits } from './limits.ts';
import { PreparedDatabase } from './prepared.ts';
import type { Answer, Question, Start, Told } from './reading.ts';

if (parentPort === null) throw new Error('store/reading-thread runs only as a worker thread');
const port = parentPort;
if (process.platform === 'linux') {
  try {
    standBack(ownThread());
  } catch (error) {
    // Where that is forbidden, reading takes turns with calls.
    port.postMessage({ problem: messageOf(error) } satisfies Told);
  }
}
const { path, closing } = workerData as Start;
const file = new Libsql(path, { timeout: storeLimits.busyMs });
// `readonly` is not heard by this package.
file.pragma('query_only = ON');
const database = new PreparedDatabase(file);

port.on('message', (question: Question | 'close') => {
  if (question === 'close') {
    database.close();
    port.close();
    return;
  }
  // What was asked before the end is not worth waiting for.
  if (Atomics.load(closing, 0) === 0) port.postMessage(answerTo(question));
});

function answerTo({ id, sql, parameters }: Question): Answer {
  try {
    return { id, rows: database.prepare(sql).all(parameters) };
  } catch (error) {
    return { id, error: messageOf(error) };
  }
}
