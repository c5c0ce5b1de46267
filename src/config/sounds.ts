import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { Resampler } from '../../codecs/resampler.ts';
import { readWav } from '../../codecs/wav.ts';
import { fail, messageOf, ok, type Result } from '../core/errors.ts';
import { type BuiltInSound, builtInSounds, type Prompt, type RecordedSound } from '../core/prompt.ts';
import type { Reader } from './readers.ts';

export const soundLimits = {
  /** Largest WAV file that is read, bytes: 60 s at the highest rate fit. */
  fileBytes: 6_000_000,
  seconds: 60,
  rates: [8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000],
} as const;

/** A built-in sound by its name, or a WAV file by its path, which is read and resampled here once. */
export const sound: Reader<Prompt> = raw => {
  const given = typeof raw === 'string' ? raw.trim() : '';
  if ((builtInSounds as readonly string[]).includes(given)) return ok(given as BuiltInSound);
  if (!/\.wav$/i.test(given)) {
    return fail(`must be one of ${builtInSounds.join(', ')}, or the path of a .wav file`);
  }
  return recorded(given);
};

/** The same, or `off`. */
export const soundOrOff: Reader<Prompt | 'off'> = raw =>
  raw === 'off' || raw === false ? ok('off') : sound(raw);

function recorded(path: string): Result<RecordedSound, string> {
  const file = bytesOf(path);
  if (!file.ok) return fail(`names a WAV file that cannot be read (${file.failure})`);
  const wav = readWav(file.value, soundLimits);
  if (typeof wav === 'string') return fail(`names a file that ${wav}`);
  const at = (rateHz: number) => shared(converted(wav.samples, wav.rateHz, rateHz));
  return ok({ name: basename(path), narrow: at(8000), wide: at(16_000) });
}

function bytesOf(path: string): Result<Uint8Array, string> {
  try {
    if (statSync(path).size > soundLimits.fileBytes)
      return fail(`it is above ${soundLimits.fileBytes} bytes`);
    return ok(readFileSync(path));
  } catch (error) {
    return fail((error as NodeJS.ErrnoException).code ?? messageOf(error));
  }
}

function converted(samples: Int16Array, fromHz: number, toHz: number): Int16Array {
  if (fromHz === toHz) return samples;
  const resampler = new Resampler(fromHz, toHz);
  // Silence behind the end pushes out what the filter still holds.
  const tail = Math.ceil((resampler.delaySamples * fromHz) / toHz) + 1;
  const whole = new Int16Array(samples.length + tail);
  whole.set(samples);
  const made = new Int16Array(resampler.maxOutput(whole.length));
  return made.subarray(0, resampler.process(whole, 0, whole.length, made, 0));
}

/** A copy in memory that workers see without getting one of their own. */
function shared(samples: Int16Array): Int16Array {
  const copy = new Int16Array(new SharedArrayBuffer(samples.length * 2));
  copy.set(samples);
  return copy;
}
