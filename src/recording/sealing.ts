import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { recordingLimits as limits } from './limits.ts';

/** A key that recordings are encrypted with: its id is in every file, so that keys can be rotated. */
export interface RecordingKey {
  /** 1 to 32 characters of ASCII. */
  readonly id: string;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

/**
 * An encrypted recording. A header, then frames of AES-256-GCM, all but the last of the same length:
 *
 *      0        8     12      16        32        64
 *     | "TBREC\0\0\1" | rate | chunk | salt, 16 | key id, 32 |  chunk + 16 | chunk + 16 | ... | 0..chunk-1 + 16 |
 *
 * The key of a file is HKDF-SHA256 of the recording key and the salt. The nonce of a frame is its number and its place; header and name of the file are authenticated with each. So whatever was cut off, put in another place
 * or into another file is found, and the whole frames of a file that a crash cut off can be read.
 */
const magic = Buffer.from('TBREC\0\0\u0001', 'latin1');
export const sealedHeaderBytes = 64;
export const tagBytes = 16;
const keyIdBytes = 32;

/** Which frame it is: one that others follow, the last one, or the last one of a file that was cut off. */
export const places = { inner: 0, last: 1, cut: 2 } as const;
export type Place = (typeof places)[keyof typeof places];

/** What the beginning of an encrypted recording says. */
export interface SealedHeader {
  readonly rate: number;
  readonly chunkBytes: number;
  readonly salt: Buffer;
  readonly keyId: string;
}

export function newSealedHeader(rate: number, keyId: string): Buffer {
  const header = Buffer.alloc(sealedHeaderBytes);
  magic.copy(header);
  header.writeUInt32LE(rate, 8);
  header.writeUInt32LE(limits.chunkBytes, 12);
  randomBytes(16).copy(header, 16);
  header.write(keyId, keyIdBytes, 'latin1');
  return header;
}

/** Undefined when it is not the header of an encrypted recording. */
export function readSealedHeader(header: Buffer): SealedHeader | undefined {
  if (header.length < sealedHeaderBytes || !header.subarray(0, magic.length).equals(magic)) return undefined;
  const rate = header.readUInt32LE(8);
  const chunkBytes = header.readUInt32LE(12);
  if ((rate !== 8000 && rate !== 16_000) || chunkBytes === 0 || chunkBytes > 2 ** 20) return undefined;
  const keyId = header.toString('latin1', keyIdBytes, sealedHeaderBytes).replace(/\0+$/, '');
  return { rate, chunkBytes, salt: header.subarray(16, 32), keyId };
}

/** Encrypts and decrypts the frames of one file. */
export class Seal {
  readonly #key: Buffer;
  readonly #bound: Buffer;
  readonly #nonce = Buffer.alloc(12);

  /** `name` is what the file is of: a file under another name cannot be read. */
  constructor(key: RecordingKey, header: Buffer, name: string) {
    const salt = header.subarray(16, 32);
    this.#key = Buffer.from(hkdfSync('sha256', key.secret, salt, 'trunkbridge recording', 32));
    this.#bound = Buffer.concat([header.subarray(0, sealedHeaderBytes), Buffer.from(name, 'utf8')]);
  }

  /** Frame number `index`: as long as the sound and `tagBytes` more. */
  close(index: number, place: Place, sound: Uint8Array): Buffer {
    const cipher = createCipheriv('aes-256-gcm', this.#key, this.#nonceOf(index, place));
    cipher.setAAD(this.#bound);
    return Buffer.concat([cipher.update(sound), cipher.final(), cipher.getAuthTag()]);
  }

  /** The sound of a frame; undefined when it is not that frame of that file. */
  open(index: number, place: Place, frame: Buffer): Buffer | undefined {
    if (frame.length < tagBytes) return undefined;
    const cipher = createDecipheriv('aes-256-gcm', this.#key, this.#nonceOf(index, place), {
      authTagLength: tagBytes,
    });
    cipher.setAAD(this.#bound);
    cipher.setAuthTag(frame.subarray(frame.length - tagBytes));
    try {
      return Buffer.concat([cipher.update(frame.subarray(0, frame.length - tagBytes)), cipher.final()]);
    } catch {
      return undefined;
    }
  }

  #nonceOf(index: number, place: Place): Buffer {
    this.#nonce.writeUInt32BE(index, 7);
    this.#nonce[11] = place;
    return this.#nonce;
  }
}
