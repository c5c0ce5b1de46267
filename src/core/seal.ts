import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync } from 'node:crypto';
import { freshBytes } from './random.ts';

const nonceBytes = 12;
const tagBytes = 16;
export const dataKeyBytes = 32;

interface Subkey {
  /** Tells which key sealed something; it says nothing about the key. */
  readonly id: string;
  readonly key: Buffer;
}

/**
 * Seals what may lie on a disk only encrypted (AES-256-GCM), and names what may be recognized but not read (HMAC). Made
 * from the keys of `DATA_KEY`: the first one seals, every one opens, so that a key can be changed.
 */
export class Sealer {
  readonly #keys: readonly Subkey[];
  readonly #naming: readonly Buffer[];

  /** `purpose` keeps apart what different rooms seal with the same keys. */
  constructor(dataKeys: readonly Buffer[], purpose: string) {
    const [first] = dataKeys;
    if (first === undefined || dataKeys.some(key => key.length !== dataKeyBytes)) {
      throw new Error(`a data key has ${dataKeyBytes} bytes`);
    }
    this.#keys = dataKeys.map(key => ({ id: idOf(key), key: derived(key, `seal ${purpose}`) }));
    this.#naming = dataKeys.map(key => derived(key, `name ${purpose}`));
  }

  /** Id of the key that seals. */
  get keyId(): string {
    return this.#keys[0]?.id ?? '';
  }

  /** Ids of all keys, the newest first. */
  get keyIds(): readonly string[] {
    return this.#keys.map(({ id }) => id);
  }

  /** Whether the newest key has sealed it, as far as can be told without opening it. */
  isNewest(sealed: string): boolean {
    return sealed.startsWith(`1.${this.keyId}.`);
  }

  /** Seals a text; it opens only with the same `context`, for instance the name of the row that it belongs to. */
  seal(text: string, context: string): string {
    const { id, key } = this.#keys[0] as Subkey;
    const nonce = freshBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `1.${id}.${sealed.toString('base64url')}`;
  }

  /** The text, or undefined: sealed with a key that is not here, for another context, or changed. */
  open(sealed: string, context: string): string | undefined {
    const [version, id, body] = sealed.split('.');
    const key = this.#keys.find(one => one.id === id)?.key;
    if (version !== '1' || key === undefined || body === undefined) return undefined;
    const bytes = Buffer.from(body, 'base64url');
    if (bytes.length < nonceBytes + tagBytes) return undefined;
    const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes))
      .setAAD(Buffer.from(context))
      .setAuthTag(bytes.subarray(-tagBytes));
    try {
      const text = Buffer.concat([cipher.update(bytes.subarray(nonceBytes, -tagBytes)), cipher.final()]);
      return text.toString('utf8');
    } catch {
      return undefined;
    }
  }

  /** A name for something private: the same for the same text, and nothing to be read from it without the key. */
  name(text: string): string {
    return this.names(text)[0] ?? '';
  }

  /** The name now, and those that it had under older keys. */
  names(text: string): readonly string[] {
    return this.#naming.map(key => createHmac('sha256', key).update(text).digest('base64url').slice(0, 32));
  }
}

const idOf = (key: Buffer): string =>
  createHash('sha256').update('trunkbridge key id').update(key).digest('hex').slice(0, 8);

const derived = (key: Buffer, info: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `trunkbridge ${info}`, 32));
