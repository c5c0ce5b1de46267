import { encodeAlaw, encodeUlaw } from '../../../codecs/g711.ts';
import { G722Encoder } from '../../../codecs/g722.ts';
import { type AudioFormat, bytesPerSample, sampleRate } from '../../core/audio.ts';

/** What the calls of a run carry. */
export interface Profile {
  readonly codec: 'PCMU' | 'PCMA' | 'G722';
  readonly payloadType: number;
  /** Formats of the agent. */
  readonly inputFormat: AudioFormat;
  readonly outputFormat: AudioFormat;
}

export const profileNames = ['pcmu', 'pcma', 'g722', 'pcmu24'] as const;
export type ProfileName = (typeof profileNames)[number];

export const profiles: Readonly<Record<ProfileName, Profile>> = {
  pcmu: { codec: 'PCMU', payloadType: 0, inputFormat: 'ulaw_8000', outputFormat: 'ulaw_8000' },
  pcma: { codec: 'PCMA', payloadType: 8, inputFormat: 'ulaw_8000', outputFormat: 'ulaw_8000' },
  g722: { codec: 'G722', payloadType: 9, inputFormat: 'pcm_16000', outputFormat: 'pcm_16000' },
  pcmu24: { codec: 'PCMU', payloadType: 0, inputFormat: 'pcm_16000', outputFormat: 'pcm_24000' },
};

export const frameMs = 20;
/** Sound of the agent in one message, ms. */
export const pieceMs = 100;
/** Payload of 20 ms in each of the codecs, and of a whole packet with its header. */
export const payloadBytes = 160;
export const packetBytes = 12 + payloadBytes;

/** A tone that goes once, or several times, into every length used here: pieces of it join without a seam. */
const toneHz = 1000;
/** What the caller hums, what it says when it is timed, and what the agent says: peaks of 16-bit samples. */
const peaks = { hum: 300, word: 12_000, speech: 8192 } as const;
/** Sound above this peak is a word of the caller, or speech of the agent. */
export const loudPeak = 2000;

function tone(rate: number, ms: number, peak: number): Int16Array {
  const samples = new Int16Array((rate * ms) / 1000);
  for (let i = 0; i < samples.length; i++) {
    samples[i] = Math.round(peak * Math.sin((2 * Math.PI * toneHz * i) / rate));
  }
  return samples;
}

/** 20 ms of the caller: as it hums most of the time, and a loud one by which it can be timed. */
export function callerPayloads({ codec }: Profile): { readonly hum: Buffer; readonly word: Buffer } {
  return { hum: payload(codec, peaks.hum), word: payload(codec, peaks.word) };
}

function payload(codec: Profile['codec'], peak: number): Buffer {
  const bytes = Buffer.alloc(payloadBytes);
  if (codec !== 'G722') {
    const encode = codec === 'PCMU' ? encodeUlaw : encodeAlaw;
    encode(tone(8000, frameMs, peak), 0, payloadBytes, bytes, 0);
    return bytes;
  }
  const samples = tone(16_000, frameMs, peak);
  const encoder = new G722Encoder();
  // The coder adapts to the level: the frame to be repeated is one from after that.
  for (let frame = 0; frame < 10; frame++) encoder.encode(samples, 0, samples.length, bytes, 0);
  return bytes;
}

/** One message's worth of the agent's speech. */
export function agentPiece({ outputFormat }: Profile): Buffer {
  const samples = tone(sampleRate(outputFormat), pieceMs, peaks.speech);
  const bytes = Buffer.alloc(samples.length * bytesPerSample(outputFormat));
  if (outputFormat === 'ulaw_8000') encodeUlaw(samples, 0, samples.length, bytes, 0);
  else for (let i = 0; i < samples.length; i++) bytes.writeInt16LE(samples[i]!, i * 2);
  return bytes;
}

/** Bytes of 20 ms as the agent gets them. */
export function callerBytes({ inputFormat }: Profile): number {
  return ((sampleRate(inputFormat) * frameMs) / 1000) * bytesPerSample(inputFormat);
}

/** Calls of G.722 that are listened to: its decoder is too dear to hear all of them. */
const wideEars = 8;

/** Whether the telephone of a call tells speech from silence. */
export function isListenedTo({ codec }: Profile, call: number): boolean {
  return codec !== 'G722' || call < wideEars;
}
