import { alawToLinear, ulawToLinear } from '../../../codecs/g711.ts';
import { G722Decoder } from '../../../codecs/g722.ts';
import { loudPeak, type Profile, payloadBytes } from './profile.ts';

/** Last samples of a packet that are looked at: half a period of the tone, so that one of them is near its peak. */
const lookedAt = 4;

/** Tells whether a packet ends loud. */
export type Ear = (packet: Buffer, start: number, length: number) => boolean;

/** The ear for a codec. Each stream of G.722 needs its own, because its decoder has to hear every packet. */
export function earFor(codec: Profile['codec']): Ear {
  if (codec === 'G722') return new WideEar().listen;
  const table = codec === 'PCMU' ? ulawToLinear : alawToLinear;
  return (packet, start, length) => {
    for (let i = Math.max(start, start + length - lookedAt); i < start + length; i++) {
      if (Math.abs(table[packet[i]!]!) > loudPeak) return true;
    }
    return false;
  };
}

class WideEar {
  readonly #decoder = new G722Decoder();
  readonly #samples = new Int16Array(payloadBytes * 2);

  readonly listen: Ear = (packet, start, length) => {
    const bytes = Math.min(length, payloadBytes);
    this.#decoder.decode(packet, start, bytes, this.#samples, 0);
    for (let i = Math.max(0, bytes * 2 - lookedAt * 2); i < bytes * 2; i++) {
      if (Math.abs(this.#samples[i]!) > loudPeak) return true;
    }
    return false;
  };
}
