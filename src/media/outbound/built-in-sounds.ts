import { Tone } from '../../../codecs/tones.ts';
import type { BuiltInSound, Prompt } from '../../core/prompt.ts';

/** Rates that codecs have. */
export type PromptRate = 8000 | 16000;

/** A piece of a sound: frequencies for so long, or with none of them silence. */
interface Piece {
  readonly hz: readonly number[];
  readonly ms: number;
  /** Level of each frequency, dBFS. */
  readonly level: number;
}

const tone = (hz: readonly number[], ms: number, level: number): Piece => ({ hz, ms, level });
const rest = (ms: number): Piece => ({ hz: [], ms, level: 0 });

/** How a tone begins and ends, ms: none of them clicks. */
const edgeMs = 8;

const soft = -24;
/** Level of the noise, dBFS: heard in a quiet room and not beside a voice. */
const noiseLevel = -50;
const noiseMs = 2000;

/** One turn of each sound that is made of tones. Played once it goes as far as its last tone. */
const pieces: Readonly<Record<Exclude<BuiltInSound, 'comfort_noise'>, readonly Piece[]>> = {
  ringback: [tone([440, 480], 2000, -19), rest(4000)],
  beep: [tone([1000], 400, -18), rest(14_600)],
  reconnecting: [tone([587], 120, soft), rest(80), tone([784], 120, soft), rest(1680)],
  goodbye: [
    tone([784], 180, soft),
    rest(60),
    tone([659], 180, soft),
    rest(60),
    tone([523], 260, soft),
    rest(1260),
  ],
  working: [tone([523], 90, -30), rest(2910)],
};

const made = new Map<string, Int16Array>();

/** The samples of a sound at the rate of a codec: its one turn, or the part of that which is not silence. */
export function samplesOf(prompt: Prompt, rate: PromptRate, over: 'once' | 'over and over'): Int16Array {
  if (typeof prompt !== 'string') return rate === 8000 ? prompt.narrow : prompt.wide;
  const key = `${prompt} ${rate}`;
  let samples = made.get(key);
  if (samples === undefined) {
    samples = prompt === 'comfort_noise' ? noise(rate) : render(pieces[prompt], rate);
    made.set(key, samples);
  }
  if (over === 'over and over' || prompt === 'comfort_noise') return samples;
  const last = pieces[prompt].at(-1);
  return samples.subarray(0, samples.length - ((last?.ms ?? 0) * rate) / 1000);
}

function render(list: readonly Piece[], rate: PromptRate): Int16Array {
  const samples = new Int16Array((list.reduce((sum, { ms }) => sum + ms, 0) * rate) / 1000);
  let at = 0;
  for (const { hz, ms, level } of list) {
    const count = (ms * rate) / 1000;
    if (hz.length > 0) {
      new Tone(rate, { frequenciesHz: hz, levelDbfs: level }).generate(samples, at, count);
      soften(samples, at, count, (edgeMs * rate) / 1000);
    }
    at += count;
  }
  return samples;
}

function soften(samples: Int16Array, at: number, count: number, edge: number): void {
  for (let i = 0; i < edge; i++) {
    const gain = (1 - Math.cos((Math.PI * i) / edge)) / 2;
    samples[at + i] = Math.round(samples[at + i]! * gain);
    samples[at + count - 1 - i] = Math.round(samples[at + count - 1 - i]! * gain);
  }
}

/** Low noise whose end goes over into its beginning, the same in every run. */
function noise(rate: PromptRate): Int16Array {
  const count = (noiseMs * rate) / 1000;
  const samples = new Int16Array(count);
  const gain = 32767 * 10 ** (noiseLevel / 20) * 2;
  let seed = 1;
  let low = 0;
  // The first turn only brings the filter to where the second one, which is kept, will end.
  for (let i = 0; i < 2 * count; i++) {
    if (i === count) seed = 1;
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    low += 0.2 * (seed / 2 ** 31 - 1 - low);
    samples[i % count] = Math.round(low * gain);
  }
  return samples;
}
