import { parentPort, workerData } from 'node:worker_threads';
import Libsql from 'libsql';
import { messageOf } from '../core/errors.ts';
import { emptyLog } from './checkpoint.ts';
import { storeLimits } from './limits.ts';

if (parentPort === null) throw new Error('store/checkpoint-thread runs only as a worker thread');
const port = parentPort;
const file = new Libsql(workerData as string, { timeout: storeLimits.emptyWaitMs });
let problem = '';

const turn = setInterval(() => {
  try {
    emptyLog(file);
    problem = '';
  } catch (error) {
    // What lasts is said once.
    if (messageOf(error) !== problem) port.postMessage(messageOf(error));
    problem = messageOf(error);
  }
}, storeLimits.emptyEveryMs);

port.once('message', () => {
  clearInterval(turn);
  file.close();
  port.close();
});
