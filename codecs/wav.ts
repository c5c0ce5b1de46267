/** Reads WAV files (RIFF) with linear 16-bit sound. */

export interface WavSound {
  readonly rateHz: number;
  readonly samples: Int16Array;
}

/** What a file may be, so that little has to be believed before it is checked. */
export interface WavLimits {
  readonly rates: readonly number[];
  readonly seconds: number;
}

/** Format tags of RIFF: linear PCM, and the extensible form, whose own tag stands in its extension. */
const linear = 1;
const extensible = 0xfffe;

/** The sound in a mono WAV file of 16-bit samples, or what is wrong with it, as the rest of a sentence. */
export function readWav(file: Uint8Array, { rates, seconds }: WavLimits): WavSound | string {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 12 || tag(view, 0) !== 'RIFF' || tag(view, 8) !== 'WAVE') return 'is no WAV file';
  let format: number | undefined;
  for (let at = 12; at + 8 <= file.length; ) {
    const size = view.getUint32(at + 4, true);
    const body = at + 8;
    const name = tag(view, at);
    if (name === 'fmt ' && size >= 16 && body + 16 <= file.length) {
      const wrong = wrongFormat(view, body, size, rates);
      if (wrong !== undefined) return wrong;
      format = body;
    }
    if (name === 'data') {
      if (format === undefined) return 'has its sound before its format';
      // Programs that write to a pipe leave a length that is not that of the file.
      const bytes = Math.min(size, file.length - body);
      return soundOf(view, body, bytes >> 1, view.getUint32(format + 4, true), seconds);
    }
    // RIFF pads chunks to an even length.
    at = body + size + (size & 1);
  }
  return 'holds no sound';
}

function wrongFormat(view: DataView, at: number, size: number, rates: readonly number[]): string | undefined {
  const given = view.getUint16(at, true);
  const inExtension = given === extensible && size >= 40 && at + 26 <= view.byteLength;
  const kind = inExtension ? view.getUint16(at + 24, true) : given;
  if (kind !== linear || view.getUint16(at + 14, true) !== 16) return 'must have linear samples of 16 bits';
  if (view.getUint16(at + 2, true) !== 1) return 'must have one channel';
  const rate = view.getUint32(at + 4, true);
  return rates.includes(rate) ? undefined : `has ${rate} samples a second, and must have ${rates.join(', ')}`;
}

function soundOf(
  view: DataView,
  at: number,
  count: number,
  rateHz: number,
  seconds: number,
): WavSound | string {
  if (count === 0) return 'holds no sound';
  if (count > seconds * rateHz) return `is longer than ${seconds} seconds`;
  const samples = new Int16Array(count);
  for (let i = 0; i < count; i++) samples[i] = view.getInt16(at + 2 * i, true);
  return { rateHz, samples };
}

function tag(view: DataView, at: number): string {
  return String.fromCharCode(
    view.getUint8(at),
    view.getUint8(at + 1),
    view.getUint8(at + 2),
    view.getUint8(at + 3),
  );
}
