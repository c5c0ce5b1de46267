import { base64Bytes, base64Digits, decodeBase64 } from '../../core/base64.ts';
import { JsonScan } from '../../core/json-scan.ts';

/** What `start` says of a stream. */
export interface StreamStart {
  readonly streamSid: string;
  readonly callSid: string;
  readonly accountSid: string;
  /** The sound is what we speak: mu-law, 8000 Hz, one channel. */
  readonly supported: boolean;
  /** Of `<Parameter>`. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** One message of Twilio's. Of `media`, the sound is in the reader. */
export type StreamMessage =
  | { readonly event: 'connected' | 'media' | 'stop' | 'other' }
  | { readonly event: 'start'; readonly start: StreamStart }
  | { readonly event: 'dtmf'; readonly digit: string }
  | { readonly event: 'mark'; readonly name: string }
  | { readonly event: 'malformed'; readonly why: string };

/** Sound that fits in one message, bytes; a message that is allowed to come cannot hold more. */
const mostSound = 48 * 1024;
/** Sound that Twilio sends at a time: 20 ms. */
const usualSound = 160;
const mostParameters = 16;
const longestParameter = 1024;

const eventKey = Buffer.from('event');
const mediaWord = Buffer.from('media');
const trackKey = Buffer.from('track');
const inboundWord = Buffer.from('inbound');
const chunkKey = Buffer.from('chunk');
const timestampKey = Buffer.from('timestamp');
const payloadKey = Buffer.from('payload');
const sidKey = Buffer.from('streamSid');
const sequenceKey = Buffer.from('sequenceNumber');

/** How Twilio writes sound, up to each of its values. */
const toSequence = Buffer.from('{"event":"media","sequenceNumber":');
const toChunk = Buffer.from(',"media":{"track":"inbound","chunk":');
const toTimestamp = Buffer.from(',"timestamp":');
const toPayload = Buffer.from(',"payload":');
const toSid = Buffer.from('},"streamSid":');

const media: StreamMessage = { event: 'media' };
const other: StreamMessage = { event: 'other' };
const malformed = (why: string): StreamMessage => ({ event: 'malformed', why });

/**
 * Reads what Twilio sends over a media stream. `media` comes fifty times a second and makes no object on its way. Between two
 * messages it holds nothing, so streams share one.
 */
export class StreamReader {
  readonly #memory = new Uint8Array(mostSound);
  /** The sound of the last `media`, mu-law: mostly as long as that of the one before. */
  #sound = this.#memory.subarray(0, usualSound);
  /** Its place in the stream, ms; -1 when it did not say. */
  timestampMs = -1;
  /** Its number, from 1; -1 when it did not say. */
  chunk = -1;
  readonly #text = new JsonScan();
  /** As text, of the last `media`. */
  #payloadBytes = 0;
  #isMedia = false;
  #inbound = true;
  #from = -1;
  #to = -1;

  /** The sound of the last `media`, all of it; valid until the next. */
  get sound(): Uint8Array {
    return this.#sound;
  }

  read(data: Buffer): StreamMessage {
    if (this.#scan(data, 0, data.length)) return this.#inbound ? media : other;
    return this.#parse(data);
  }

  /** Whether between two places of `data` there is sound of the caller in its usual shape: then it is in the reader. */
  quick(data: Buffer, from: number, to: number): boolean {
    return this.#usual(data, from, to) || (this.#scan(data, from, to) && this.#inbound);
  }

  /** `media` as Twilio writes it, where no key has to be found out. All that this takes, `#scan` takes as well. */
  #usual(data: Buffer, from: number, to: number): boolean {
    const text = this.#text;
    text.begin(data, from, to);
    if (!text.literal(toSequence) || !text.string()) return false;
    if (!text.literal(toChunk) || !text.quoted()) return false;
    this.chunk = text.value;
    if (!text.literal(toTimestamp) || !text.quoted()) return false;
    this.timestampMs = text.value;
    // Mostly it is as long as the last one. If there is a quote in it, it is no base64 either.
    if (!text.literal(toPayload) || (!text.stringOf(this.#payloadBytes) && !text.string())) return false;
    const [start, end] = [text.from, text.to];
    this.#payloadBytes = end - start;
    if (!text.literal(toSid) || !text.string() || !text.closes() || !text.ended()) return false;
    return this.#decode(data, start, end);
  }

  /** The usual shape of `media`, whatever the order of its keys. */
  #scan(data: Buffer, from: number, to: number): boolean {
    this.#text.begin(data, from, to);
    this.#isMedia = false;
    this.#inbound = true;
    this.#from = -1;
    this.chunk = -1;
    this.timestampMs = -1;
    if (!this.#message() || !this.#isMedia || this.#from === -1) return false;
    return this.#decode(data, this.#from, this.#to);
  }

  #message(): boolean {
    const text = this.#text;
    if (!text.opens()) return false;
    do {
      if (!text.key()) return false;
      if (text.named(eventKey)) {
        if (!text.string() || !text.named(mediaWord)) return false;
        this.#isMedia = true;
      } else if (text.named(mediaWord)) {
        if (this.#from !== -1 || !this.#media()) return false;
      } else if (text.named(sidKey) || text.named(sequenceKey)) {
        if (!text.string()) return false;
      } else return false;
    } while (text.comma());
    return text.closes() && text.ended();
  }

  #media(): boolean {
    const text = this.#text;
    if (!text.opens()) return false;
    do {
      if (!text.key()) return false;
      if (text.named(payloadKey)) {
        if (!text.string()) return false;
        this.#from = text.from;
        this.#to = text.to;
      } else if (text.named(timestampKey)) {
        if (!text.quoted()) return false;
        this.timestampMs = text.value;
      } else if (text.named(chunkKey)) {
        if (!text.quoted()) return false;
        this.chunk = text.value;
      } else if (text.named(trackKey)) {
        if (!text.string()) return false;
        this.#inbound = text.named(inboundWord);
      } else return false;
    } while (text.comma());
    return text.closes();
  }

  #decode(text: Uint8Array, from: number, to: number): boolean {
    const digits = base64Digits(text, from, to);
    if (digits === -1 || base64Bytes(digits) > mostSound) return false;
    const bytes = base64Bytes(digits);
    if (bytes !== this.#sound.length) this.#sound = this.#memory.subarray(0, bytes);
    return decodeBase64(text, from, digits, this.#sound);
  }

  #parse(data: Buffer): StreamMessage {
    const message = parsed(data);
    if (message === undefined) return malformed('no JSON object');
    switch (message.event) {
      case 'connected':
        return message.protocol === 'Call' ? { event: 'connected' } : malformed('another protocol than Call');
      case 'start':
        return startOf(message);
      case 'media':
        return this.#unusualMedia(message.media);
      case 'dtmf':
        return dtmfOf(message.dtmf);
      case 'mark': {
        const name = textOf(objectOf(message.mark)?.name);
        return name === undefined ? malformed('a mark without a name') : { event: 'mark', name };
      }
      case 'stop':
        return { event: 'stop' };
      default:
        return typeof message.event === 'string' ? other : malformed('no event');
    }
  }

  #unusualMedia(given: unknown): StreamMessage {
    const message = objectOf(given);
    const payload = textOf(message?.payload);
    if (message === undefined || payload === undefined) return malformed('media without a payload');
    if (message.track !== undefined && message.track !== 'inbound') return other;
    const text = Buffer.from(payload, 'latin1');
    if (!this.#decode(text, 0, text.length)) return malformed('a payload that is no base64');
    this.timestampMs = countOf(message.timestamp);
    this.chunk = countOf(message.chunk);
    return media;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function parsed(data: Buffer): Fields | undefined {
  try {
    return objectOf(JSON.parse(data.toString('utf8')));
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);

/** Twilio writes numbers as strings, and here and there as numbers. */
function countOf(value: unknown): number {
  const count = Number(value ?? Number.NaN);
  return Number.isSafeInteger(count) && count >= 0 ? count : -1;
}

function startOf(message: Fields): StreamMessage {
  const start = objectOf(message.start);
  const streamSid = textOf(start?.streamSid) ?? textOf(message.streamSid);
  const callSid = textOf(start?.callSid);
  if (start === undefined || streamSid === undefined || !/^\w{1,64}$/.test(streamSid))
    return malformed('a start without a stream');
  if (callSid === undefined) return malformed('a start without a call');
  const format = objectOf(start.mediaFormat);
  const supported =
    format !== undefined &&
    format.encoding === 'audio/x-mulaw' &&
    countOf(format.sampleRate) === 8000 &&
    countOf(format.channels) === 1;
  const accountSid = textOf(start.accountSid) ?? '';
  const parameters = parametersOf(start.customParameters);
  return { event: 'start', start: { streamSid, callSid, accountSid, supported, parameters } };
}

function parametersOf(given: unknown): ReadonlyMap<string, string> {
  const entries = Object.entries(objectOf(given) ?? {}).slice(0, mostParameters);
  const usable = entries.filter(
    (entry): entry is [string, string] =>
      typeof entry[1] === 'string' && entry[0].length + entry[1].length <= longestParameter,
  );
  return new Map(usable);
}

function dtmfOf(given: unknown): StreamMessage {
  const digit = textOf(objectOf(given)?.digit);
  return digit !== undefined && /^[0-9*#A-D]$/.test(digit)
    ? { event: 'dtmf', digit }
    : malformed('dtmf without a digit');
}
