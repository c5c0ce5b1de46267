import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';

/*
 * Digits that a caller keys while they must stay a secret: from the worker that hears them to Twilio Verify and nowhere
 * else. Between the threads they travel encrypted under a key that cannot be printed, and on the main thread they live in
 * an object that shows nothing of itself, so that no log line, error or serialisation can hold them by accident.
 */

const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
const hidden = '[keyed digits]';

/** Digits as they cross the threads. Nothing can be read from them without the key of their leg. */
export interface SealedDigits {
  readonly nonce: Uint8Array;
  /** What is encrypted, and its tag. */
  readonly sealed: Uint8Array;
}

/** A key for one leg. Its bytes cannot be logged: an inspection or a serialisation of it shows none. */
export function newDigitsKey(): KeyObject {
  return createSecretKey(randomBytes(32));
}

/** Encrypts the characters of keyed digits; the caller still has to wipe them. */
export function sealDigits(digits: Uint8Array, key: KeyObject): SealedDigits {
  const nonce = randomBytes(nonceBytes);
  const sealing = createCipheriv(cipher, key, nonce);
  return { nonce, sealed: Buffer.concat([sealing.update(digits), sealing.final(), sealing.getAuthTag()]) };
}

/** Keyed digits on their way to the one who may know them. They can be taken once. */
export class KeyedDigits {
  #characters: Buffer;

  private constructor(characters: Buffer) {
    this.#characters = characters;
  }

  /** Takes characters over: they are wiped once they were taken. */
  static of(characters: Uint8Array): KeyedDigits {
    return new KeyedDigits(Buffer.from(characters));
  }

  /** @throws when they were not sealed with this key. */
  static unseal({ nonce, sealed }: SealedDigits, key: KeyObject): KeyedDigits {
    const opening = createDecipheriv(cipher, key, nonce);
    opening.setAuthTag(sealed.subarray(-tagBytes));
    const characters = opening.update(sealed.subarray(0, -tagBytes));
    opening.final();
    return new KeyedDigits(characters);
  }

  /** The digits; empty from the second time on. */
  take(): string {
    const digits = this.#characters.toString('latin1');
    this.wipe();
    return digits;
  }

  /** Forgets them: nobody needs them any more. */
  wipe(): void {
    this.#characters.fill(0);
    this.#characters = Buffer.alloc(0);
  }

  toString(): string {
    return hidden;
  }

  toJSON(): string {
    return hidden;
  }

  [Symbol.toPrimitive](): string {
    return hidden;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return hidden;
  }
}
