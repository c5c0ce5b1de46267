import { base64Bytes, base64Digits, decodeBase64 } from '../../../core/base64.ts';
import { JsonScan } from '../../../core/json-scan.ts';
import type { AudioMessage } from './audio-message.ts';

const typeKey = Buffer.from('type');
const audioWord = Buffer.from('audio');
const eventKey = Buffer.from('audio_event');
const soundKey = Buffer.from('audio_base_64');
const idKey = Buffer.from('event_id');

/** Longest message that is scanned, bytes; over it the platform's own base64 is the faster one. */
const longest = 64 * 1024;

/**
 * Reads an audio message of the usual shape, `{"type":"audio","audio_event":{"audio_base_64":…,"event_id":…}}`, whatever the
 * order of its keys and the space between them, without making a string or an object on the way. Anything else, a key that
 * it does not know or an escape, is undefined: the slow way decides.
 */
export function scanAudio(data: Buffer): AudioMessage | undefined {
  return data.length > longest ? undefined : scan.read(data);
}

class AudioScan {
  readonly #text = new JsonScan();
  #typed = false;
  #soundFrom = -1;
  #soundTo = -1;
  #id = -1;

  read(data: Buffer): AudioMessage | undefined {
    this.#text.begin(data);
    this.#typed = false;
    this.#soundFrom = -1;
    this.#id = -1;
    if (!this.#message() || !this.#typed || this.#soundFrom === -1 || this.#id === -1) return undefined;
    const audio = decoded(data, this.#soundFrom, this.#soundTo);
    return audio === undefined ? undefined : { eventId: this.#id, audio };
  }

  #message(): boolean {
    const text = this.#text;
    let inside = false;
    if (!text.opens()) return false;
    do {
      if (!text.key()) return false;
      if (text.named(typeKey)) {
        if (this.#typed || !text.string() || !text.named(audioWord)) return false;
        this.#typed = true;
      } else if (text.named(eventKey) && !inside) {
        inside = true;
        if (!this.#event()) return false;
      } else return false;
    } while (text.comma());
    return text.closes() && text.ended();
  }

  #event(): boolean {
    const text = this.#text;
    if (!text.opens()) return false;
    do {
      if (!text.key()) return false;
      if (text.named(soundKey)) {
        if (this.#soundFrom !== -1 || !text.string()) return false;
        this.#soundFrom = text.from;
        this.#soundTo = text.to;
      } else if (text.named(idKey)) {
        if (this.#id !== -1 || !text.number()) return false;
        this.#id = text.value;
      } else return false;
    } while (text.comma());
    return text.closes();
  }
}

const scan = new AudioScan();

/** Decodes base64, padded or not; undefined when there is anything else in it. */
function decoded(text: Uint8Array, from: number, to: number): Buffer | undefined {
  const digits = base64Digits(text, from, to);
  if (digits === -1) return undefined;
  const bytes = Buffer.allocUnsafe(base64Bytes(digits));
  return decodeBase64(text, from, digits, bytes) ? bytes : undefined;
}
