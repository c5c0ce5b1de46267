// Prints how large the room for new objects became, MB: of the main thread, and of a thread that may have 6 MB.
import { getHeapSpaceStatistics } from 'node:v8';
import { isMainThread, parentPort } from 'node:worker_threads';
import { startThread } from '../../dist/src/core/thread.js';

/** Keeps so many new objects alive that the room grows as far as it may. */
function largestRoom() {
  let kept = [];
  let largest = 0;
  for (let i = 0; i < 1_500_000; i += 1) {
    kept.push({ i, more: [i] });
    if (kept.length > 200_000) kept = kept.slice(100_000);
    if (i % 1_000 > 0) continue;
    const room = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
    largest = Math.max(largest, room.space_size / 2 ** 20);
  }
  return largest;
}

if (isMainThread) {
  const thread = startThread(new URL(import.meta.url), { workerData: undefined, youngMegabytes: 6 });
  thread.on('message', room => console.log(JSON.stringify({ main: largestRoom(), thread: room })));
} else parentPort.postMessage(largestRoom());
