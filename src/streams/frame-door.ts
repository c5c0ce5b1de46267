import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { bring, type InboxReader, inbox, readIntoInbox } from './inbox.ts';
import { FrameTrack } from './protocol/frame-track.ts';

/** Whom messages are offered to. */
export interface TextHearer {
  /** Hears a text message, which lies between two places of `text` and is lent to it; false when it is not the one to. */
  hear(text: Buffer, from: number, to: number): boolean;
}

/** Longest message that is offered, bytes: sound of 20 ms has some 400. */
const longestOffered = 4096;

/**
 * The socket of a media stream as `ws` sees it. Text messages that came in one piece, as sound does fifty times a second, are
 * offered to somebody else first. Whatever that one does not want, pieces of frames, control frames and all that
 * breaks the protocol goes on to `ws`, which alone decides about it.
 */
export class FrameDoor extends Duplex implements InboxReader {
  hearer: TextHearer | undefined;
  readonly #wire: Socket;
  readonly #track = new FrameTrack();
  /** Something was passed on to `ws`, which may not have read it yet. */
  #passedOn = false;

  /** `socket` is nobody else's from now on; `head` is what had come behind the request already. */
  constructor(socket: Socket, head: Buffer) {
    super();
    const wire = readIntoInbox(socket, this);
    this.#wire = wire;
    wire.on('error', error => this.destroy(error));
    wire.on('close', () => this.destroy());
    wire.on('end', () => this.push(null));
    bring(head, this);
  }

  /** So many bytes lie in the inbox. */
  came(bytes: number): void {
    const track = this.#track;
    let at = 0;
    // What `ws` has not read yet comes first.
    while (at < bytes && !this.#behind && this.#offer(at, bytes)) at = track.to;
    if (at === bytes) return;
    let end = track.pass(inbox.bytes, at, bytes);
    // In a chunk of several frames the rest waits for those before it, without being offered.
    while (end < bytes) end = track.pass(inbox.bytes, end, bytes);
    this.#passedOn = true;
    if (!this.push(Buffer.from(inbox.bytes.subarray(at, bytes)))) this.#wire.pause();
  }

  /** Bytes on their way out. */
  get bufferedBytes(): number {
    return this.#wire.writableLength + this.writableLength;
  }

  /**
   * Writes a whole frame, past `ws`; false, and nothing written, while something that `ws` itself has written waits, which it does
   * in whole frames: a frame of ours never falls into one of those. While `idle` was true, the memory of `frame` is the
   * caller's again once it is so the next time.
   */
  writeFrame(frame: Buffer): boolean {
    if (this.writableLength > 0 || this.#wire.destroyed) return false;
    this.#wire.write(frame);
    return true;
  }

  /** Whether nothing waits on its way out. */
  get idle(): boolean {
    return this.#wire.writableLength === 0 && this.writableLength === 0;
  }

  override _read(): void {
    this.#wire.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#wire.write(chunk, done);
  }

  /** `ws` writes header and payload of a frame apart: here they stay together. */
  override _writev(
    chunks: readonly { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#wire.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#wire.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#wire.destroy();
    done(error);
  }

  /** Whether `ws` has something to read yet. */
  get #behind(): boolean {
    if (this.#passedOn) this.#passedOn = this.readableLength > 0;
    return this.#passedOn;
  }

  #offer(at: number, end: number): boolean {
    const track = this.#track;
    const { hearer } = this;
    if (hearer === undefined || !track.whole(inbox.bytes, at, end, longestOffered)) return false;
    track.mask(inbox.bytes, inbox.words);
    if (hearer.hear(inbox.bytes, track.from, track.to)) return true;
    // `ws` gets it as it came.
    track.mask(inbox.bytes, inbox.words);
    return false;
  }
}
