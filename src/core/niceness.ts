import { readlinkSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { basename } from 'node:path';

/** How far a thread stands back, as steps of nice (`man 7 sched`): it gets about a tenth of the share of the others. */
const stepsBack = 10;

/**
 * Lets a thread stand back behind signalling and sound where cores are busy. Linux alone has a priority for each thread:
 * elsewhere this is not to be called. Throws what the system says.
 */
export function standBack(thread: number): void {
  setPriority(thread, Math.min(getPriority() + stepsBack, constants.priority.PRIORITY_LOW));
}

/** The thread that calls this, as Linux counts them (`man 5 proc`, `/proc/thread-self`). Throws where there is no such thing. */
export function ownThread(): number {
  return Number(basename(readlinkSync('/proc/thread-self')));
}
