/**
 * Makes sound shorter or longer by one period of its pitch, so that nobody hears that time was won or lost: the pieces
 * on either side of the join are alike and are cross-faded over the period.
 */

/** Alike enough to be joined: normalized correlation of the two pieces. */
const alike = 0.6;
/** Mean magnitude up to which sound counts as silence, where any join will do (about -50 dBFS). */
const silence = 100;
/** Periods over this are of 16 kHz sound, of which every other sample tells enough. */
const wideSamples = 128;

/**
 * The distance in samples, `shortest` to `longest`, at which the beginning of `samples` resembles itself most. 0 when
 * nothing resembles it enough, unless `force`; `longest` in silence. `count` must be at least twice `longest`.
 */
export function findPeriod(
  samples: Int16Array,
  count: number,
  shortest: number,
  longest: number,
  force: boolean,
): number {
  const window = Math.min(longest, count - longest);
  const stride = longest > wideSamples ? 2 : 1;
  let own = 0;
  let sum = 0;
  for (let i = 0; i < window; i += stride) {
    own += samples[i]! * samples[i]!;
    sum += Math.abs(samples[i]!);
  }
  if (sum * stride <= silence * window) return longest;
  let best = longest;
  let bestScore = 0;
  for (let lag = shortest; lag <= longest; lag++) {
    let product = 0;
    let other = 1;
    for (let i = 0; i < window; i += stride) {
      product += samples[i]! * samples[lag + i]!;
      other += samples[lag + i]! * samples[lag + i]!;
    }
    const score = product / Math.sqrt(own * other);
    if (score > bestScore) {
      bestScore = score;
      best = lag;
    }
  }
  return bestScore >= alike || force ? best : 0;
}

/** Cuts one period out of the beginning, in place. Returns the new count. Needs two periods of sound. */
export function cutPeriod(samples: Int16Array, count: number, period: number): number {
  for (let i = 0; i < period; i++) {
    const weight = (i + 1) / (period + 1);
    samples[i] = Math.round(samples[i]! * (1 - weight) + samples[period + i]! * weight);
  }
  samples.copyWithin(period, 2 * period, count);
  return count - period;
}

/** Plays the first period twice, in place. Returns the new count. Needs two periods of sound and room for one more. */
export function repeatPeriod(samples: Int16Array, count: number, period: number): number {
  samples.copyWithin(2 * period, period, count);
  // The second period now lies at 2 * period: between the first and it goes a blend from what followed to what came before.
  for (let i = 0; i < period; i++) {
    const weight = (i + 1) / (period + 1);
    samples[period + i] = Math.round(samples[2 * period + i]! * (1 - weight) + samples[i]! * weight);
  }
  return count + period;
}
