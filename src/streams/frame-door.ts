import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { FrameTrack } from './protocol/frame-track.ts';

/** Hears a text message, the first `bytes` of `text`, which are lent to it; false when it is not the one to. */
export type HearText = (text: Buffer, bytes: number) => boolean;

/** Longest message that is offered, bytes: sound of 20 ms has some 400. */
const longestOffered = 4096;
/** Messages are offered one after the other, so all doors of a thread share the memory. */
const offered = Buffer.allocUnsafeSlow(longestOffered);

/**
 * The socket of a media stream as `ws` sees it. Text messages that came in one piece, as sound does fifty times a second, are
 * offered to somebody else first. Whatever that one does not want, pieces of frames, control frames and all that
 * breaks the protocol goes on to `ws`, which alone decides about it.
 */
export class FrameDoor extends Duplex {
  /** Whom messages are offered to. */
  hear: HearText | undefined;
  readonly #wire: Socket;
  readonly #track = new FrameTrack();

  /** `head` is what had come behind the request already. */
  constructor(wire: Socket, head: Buffer) {
    super();
    this.#wire = wire;
    wire.setTimeout(0);
    wire.on('error', error => this.destroy(error));
    wire.on('close', () => this.destroy());
    wire.on('end', () => this.push(null));
    if (head.length > 0) wire.unshift(head);
    wire.on('data', (chunk: Buffer) => this.#enter(chunk));
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

  #enter(chunk: Buffer): void {
    const track = this.#track;
    let at = 0;
    // What `ws` has not read yet comes first.
    while (at < chunk.length && this.readableLength === 0 && this.#offer(chunk, at)) at = track.to;
    if (at === chunk.length) return;
    let end = track.pass(chunk, at);
    // In a chunk of several frames the rest waits for those before it, without being offered.
    while (end < chunk.length) end = track.pass(chunk, end);
    if (!this.push(at === 0 ? chunk : chunk.subarray(at))) this.#wire.pause();
  }

  #offer(chunk: Buffer, at: number): boolean {
    const { hear } = this;
    return (
      hear !== undefined &&
      this.#track.whole(chunk, at, longestOffered) &&
      hear(offered, this.#track.unmask(chunk, offered))
    );
  }
}
