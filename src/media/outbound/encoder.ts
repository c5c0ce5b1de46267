import { ALAW_SILENCE, encodeAlaw, encodeUlaw, ULAW_SILENCE } from '../../../codecs/g711.ts';
import { G722Encoder } from '../../../codecs/g722.ts';
import type { CodecName } from '../../sdp/plan.ts';
import { mediaLimits } from '../limits.ts';

/** All three codecs make 64 kbit/s: 8 bytes of payload, and 8 ticks of the RTP clock, a ms. */
export const bytesPerMs = 8;

/**
 * Linear sound to payload. One lasts as long as its codec is in use: what the peer's decoder remembers of the sound
 * so far (G.722 adapts) follows from everything that was encoded, silence included, so there is no reset.
 */
export interface Encoder {
  readonly codec: CodecName;
  /** Rate of the samples it takes, Hz. */
  readonly rate: 8000 | 16000;
  /** Fills `bytes` bytes of payload at `at` from as many ms of sound at the start of `src`. */
  encode(src: Int16Array, dst: Uint8Array, at: number, bytes: number): void;
  silence(dst: Uint8Array, at: number, bytes: number): void;
  /** Whether all silence is the same bytes, whatever was before it. */
  readonly plain: boolean;
}

class Pcmu implements Encoder {
  readonly codec = 'PCMU';
  readonly rate = 8000;
  readonly plain = true;

  encode(src: Int16Array, dst: Uint8Array, at: number, bytes: number): void {
    encodeUlaw(src, 0, bytes, dst, at);
  }

  silence(dst: Uint8Array, at: number, bytes: number): void {
    dst.fill(ULAW_SILENCE, at, at + bytes);
  }
}

class Pcma implements Encoder {
  readonly codec = 'PCMA';
  readonly rate = 8000;
  readonly plain = true;

  encode(src: Int16Array, dst: Uint8Array, at: number, bytes: number): void {
    encodeAlaw(src, 0, bytes, dst, at);
  }

  silence(dst: Uint8Array, at: number, bytes: number): void {
    dst.fill(ALAW_SILENCE, at, at + bytes);
  }
}

class G722 implements Encoder {
  readonly codec = 'G722';
  readonly rate = 16000;
  readonly plain = false;
  readonly #encoder = new G722Encoder();
  readonly #zeros = new Int16Array(16 * mediaLimits.longestPacketMs);

  encode(src: Int16Array, dst: Uint8Array, at: number, bytes: number): void {
    this.#encoder.encode(src, 0, bytes * 2, dst, at);
  }

  silence(dst: Uint8Array, at: number, bytes: number): void {
    this.#encoder.encode(this.#zeros, 0, bytes * 2, dst, at);
  }
}

export function createEncoder(codec: CodecName): Encoder {
  switch (codec) {
    case 'PCMU':
      return new Pcmu();
    case 'PCMA':
      return new Pcma();
    case 'G722':
      return new G722();
  }
}
