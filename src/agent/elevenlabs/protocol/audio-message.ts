/**
 * The fast way to read an audio message, which may be 1.5 MB long and comes many times a second. The base64 text is
 * cut out and decoded as it lies; only what is left, some 80 bytes, goes through JSON.parse. Wherever that could give
 * anything but what JSON.parse of the whole gives (an escape, a repeated key, text that is not base64), it gives up
 * and the slow way decides.
 */
export interface AudioMessage {
  readonly eventId: number;
  readonly audio: Buffer;
}

const key = Buffer.from('"audio_base_64"');
const quote = 0x22;
const colon = 0x3a;
const space = 0x20;

/** The audio message in `data`, or undefined when it is something else or has an unusual shape. */
export function quickAudio(data: Buffer): AudioMessage | undefined {
  const at = data.indexOf(key);
  if (at === -1) return undefined;
  const start = valueStart(data, at + key.length);
  if (start === -1) return undefined;
  const end = data.indexOf(quote, start);
  if (end === -1 || data.indexOf(key, end) !== -1) return undefined;
  const rest = data.toString('utf8', 0, start) + data.toString('utf8', end);
  if (rest.includes('\\')) return undefined;
  const eventId = eventIdOf(rest);
  if (eventId === undefined) return undefined;
  const audio = strictBase64(data.toString('latin1', start, end));
  return audio === undefined ? undefined : { eventId, audio };
}

/** Position after the opening quote of the value, when there is a colon and at most one space before it. */
function valueStart(data: Buffer, afterKey: number): number {
  if (data[afterKey] !== colon) return -1;
  const value = data[afterKey + 1] === space ? afterKey + 2 : afterKey + 1;
  return data[value] === quote ? value + 1 : -1;
}

function eventIdOf(rest: string): number | undefined {
  const message = parsed(rest) as
    | { type?: unknown; audio_event?: { audio_base_64?: unknown; event_id?: unknown } | null }
    | undefined
    | null;
  if (message?.type !== 'audio') return undefined;
  // Empty because it was cut out: the key found was this one and no other.
  if (message.audio_event?.audio_base_64 !== '') return undefined;
  const id = message.audio_event.event_id;
  return Number.isSafeInteger(id) ? (id as number) : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Decodes base64, padded or not; undefined when `text` is anything else, by the length that came out. */
export function strictBase64(text: string): Buffer | undefined {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  if (padding > 0 && text.length % 4 !== 0) return undefined;
  const digits = text.length - padding;
  if (digits % 4 === 1) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === Math.floor((digits * 3) / 4) ? bytes : undefined;
}
