import { WebSocket } from 'ws';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { FrameDoor, TextHearer } from './frame-door.ts';
import { streamLimits } from './limits.ts';
import { StreamReader, type StreamStart } from './protocol/reader.ts';
import { clearMessage, MediaFrames, markMessage, mediaMessage, textFrame } from './protocol/writer.ts';

/** What the telephone at the other end of a stream does. Nothing comes after `ended`. */
export interface StreamListener {
  /** Sound of the caller, mu-law, which is borrowed. */
  media(sound: Uint8Array, timestampMs: number, chunk: number): void;
  digit(digit: string): void;
  /** A mark of ours came back. */
  mark(name: string): void;
  /** `stopped`: Twilio said that it is over; `closed`: the WebSocket went without a word. */
  ended(how: 'stopped' | 'closed'): void;
}

/** Finds whom a stream that starts is for; undefined: nobody. */
export type ClaimStream = (start: StreamStart, socket: StreamSocket) => StreamListener | undefined;

const asText = { binary: false };
const policyViolation = 1008;
/** It holds nothing between two messages, so all streams of a thread share it. */
const reader = new StreamReader();

/** One media stream of Twilio: its WebSocket, from `connected` to the end. Members do nothing once it is closed. */
export class StreamSocket implements TextHearer {
  #listener: StreamListener | undefined;
  #over = false;
  readonly #ws: WebSocket;
  readonly #door: FrameDoor;
  readonly #log: Logger;
  readonly #claim: ClaimStream;
  #frames: MediaFrames | undefined;
  #streamSid = '';
  #malformed = 0;
  /** Called when it is known whose stream it is, or that it is over. */
  onSettled: () => void = () => undefined;

  constructor(ws: WebSocket, door: FrameDoor, log: Logger, claim: ClaimStream) {
    this.#ws = ws;
    this.#door = door;
    this.#log = log;
    this.#claim = claim;
    ws.on('message', (data, isBinary) => this.#message(data as Buffer, isBinary));
    ws.on('error', error => log.debug('media stream failed', { error: messageOf(error) }));
    ws.on('close', () => this.#end('closed'));
  }

  /** Bytes that were sent and have not left the process. */
  get bufferedBytes(): number {
    return this.#door.bufferedBytes;
  }

  /** Sends `steps` times 20 ms of mu-law from the start of `sound`, which is the caller's again after this. */
  media(sound: Uint8Array, steps: number): void {
    const frames = this.#frames;
    if (frames === undefined || !this.#open) return;
    // What waits on its way out still lies in the memory of the frame that is written over and over.
    if (this.#door.idle) this.#door.writeFrame(frames.frame(sound, steps));
    else this.#send(mediaMessage(this.#streamSid, sound, steps));
  }

  /** Sound as it comes; false when it is anything else, which then comes as a message. */
  hear(text: Buffer, from: number, to: number): boolean {
    if (this.#over || !reader.quick(text, from, to)) return false;
    this.#listener?.media(reader.sound, reader.timestampMs, reader.chunk);
    return true;
  }

  mark(name: string): void {
    if (this.#open) this.#send(markMessage(this.#streamSid, name));
  }

  clear(): void {
    if (this.#open) this.#send(clearMessage(this.#streamSid));
  }

  /** Ends the stream: Twilio goes on with what it was told to do after it. */
  close(code = 1000): void {
    this.#listener = undefined;
    this.#over = true;
    if (this.#ws.readyState !== WebSocket.CLOSED) this.#ws.close(code);
  }

  get #open(): boolean {
    return this.#ws.readyState === WebSocket.OPEN;
  }

  #send(text: string): void {
    if (!this.#door.writeFrame(textFrame(text))) this.#ws.send(text, asText);
  }

  #message(data: Buffer, isBinary: boolean): void {
    if (this.#over) return;
    if (isBinary) return this.#complain('a binary message');
    const message = reader.read(data);
    const listener = this.#listener;
    switch (message.event) {
      case 'media':
        return listener?.media(reader.sound, reader.timestampMs, reader.chunk);
      case 'start':
        return this.#start(message.start);
      case 'dtmf':
        return listener?.digit(message.digit);
      case 'mark':
        return listener?.mark(message.name);
      case 'stop':
        return this.#stop();
      case 'malformed':
        return this.#complain(message.why);
    }
  }

  #start(start: StreamStart): void {
    if (this.#frames !== undefined) return this.#complain('a second start');
    this.#streamSid = start.streamSid;
    this.#frames = new MediaFrames(start.streamSid, streamLimits.longestMessageMs / 20);
    this.#door.hearer = this;
    const listener = this.#claim(start, this);
    this.onSettled();
    if (listener === undefined) return this.close(policyViolation);
    // Whoever claims it may have closed it on the spot.
    if (!this.#over) this.#listener = listener;
  }

  #stop(): void {
    const listener = this.#listener;
    this.close();
    listener?.ended('stopped');
  }

  #end(how: 'closed'): void {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#over = true;
    this.onSettled();
    listener?.ended(how);
  }

  /** What makes no sense is passed over; too much of it is somebody else than Twilio. */
  #complain(why: string): void {
    this.#malformed++;
    if (this.#malformed === 1) this.#log.warn('a message of a media stream makes no sense', { why });
    if (this.#malformed < streamLimits.malformed && this.#frames !== undefined) return;
    const listener = this.#listener;
    this.close(policyViolation);
    this.onSettled();
    listener?.ended('closed');
  }
}
