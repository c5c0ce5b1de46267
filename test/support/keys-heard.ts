const rows = [697, 770, 852, 941];
const columns = [1209, 1336, 1477, 1633];
const windowMs = 25;

/** Power of one frequency in a window, as a share of all there is (Goertzel). */
function share(samples: Int16Array, from: number, length: number, hz: number, rate: number): number {
  const turn = 2 * Math.cos((2 * Math.PI * hz) / rate);
  let one = 0;
  let two = 0;
  let energy = 0;
  for (let i = from; i < from + length; i++) {
    const sample = samples[i]!;
    const next = sample + turn * one - two;
    two = one;
    one = next;
    energy += sample * sample;
  }
  if (energy < length * 100) return 0;
  return (one * one + two * two - turn * one * two) / (energy * (length / 2));
}

/** Windows in which a key of a telephone sounds: one tone of its row and one of its column, and little else. */
export function keysHeard(samples: Int16Array, rate: number): number {
  const length = Math.round((rate * windowMs) / 1000);
  let found = 0;
  for (let at = 0; at + length <= samples.length; at += length >> 1) {
    const strongest = (of: readonly number[]) =>
      Math.max(...of.map(hz => share(samples, at, length, hz, rate)));
    const row = strongest(rows);
    const column = strongest(columns);
    if (row > 0.15 && column > 0.15 && row + column > 0.6) found += 1;
  }
  return found;
}
