import { randomFillSync } from 'node:crypto';

/** Random bytes are drawn in pieces: for a dozen at a time most of the time goes into asking. */
const pool = Buffer.alloc(4096);
let used = pool.length;

/** Unpredictable bytes, each given out once and not kept here. */
export function freshBytes(count: number): Buffer {
  if (count > pool.length) return randomFillSync(Buffer.alloc(count));
  if (used + count > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = Buffer.from(pool.subarray(used, used + count));
  pool.fill(0, used, used + count);
  used += count;
  return bytes;
}

/** As many unpredictable bytes, as hexadecimal digits. */
export const freshHex = (count: number): string => freshBytes(count).toString('hex');
