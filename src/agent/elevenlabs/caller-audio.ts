import { type AudioFormat, type AudioSink, bytesPerSample, sampleRate } from '../../core/audio.ts';
import type { Clock } from '../../core/clock.ts';
import { copyBytes } from '../../core/copy-bytes.ts';
import type { AgentLimits } from './limits.ts';
import type { MessageCounts } from './message-counts.ts';
import { type AudioFrame, SharedFrame } from './protocol/audio-frame.ts';
import type { AgentSocket } from './socket.ts';

export interface CallerAudioOptions {
  readonly format: AudioFormat;
  /** Length of one message, ms. */
  readonly chunkMs: number;
  readonly socket: AgentSocket;
  readonly clock: Clock;
  readonly limits: AgentLimits;
  readonly counts: MessageCounts;
  /** The socket has taken nothing for longer than the limit. */
  readonly stalled: () => void;
}

/**
 * Gathers caller sound into messages of one length and sends them. Silence is sound like any other: the agent hangs
 * up on a caller it has not heard for 60 s. While the socket is full the newest sound waits here and the oldest is
 * dropped, because an agent that answers what was said seconds ago is worse than one that missed a word.
 */
export class CallerAudio implements AudioSink {
  readonly format: AudioFormat;
  readonly #options: CallerAudioOptions;
  readonly #socket: AgentSocket;
  readonly #counts: MessageCounts;
  readonly #shared: SharedFrame;
  /** A frame of its own, once the socket has kept one that was everybody's. */
  #frame: AudioFrame | undefined;
  readonly #chunkBytes: number;
  readonly #chunk: Buffer;
  #filled = 0;
  readonly #backlogChunks: number;
  /** A ring of chunks, made when the socket is full for the first time. */
  #backlog: Buffer | undefined;
  #oldest = 0;
  #waiting = 0;
  /** When the socket was first seen full, -1 while it is not. */
  #fullSince = -1;

  constructor(options: CallerAudioOptions) {
    this.format = options.format;
    this.#options = options;
    this.#socket = options.socket;
    this.#counts = options.counts;
    const bytes =
      Math.floor((sampleRate(options.format) * options.chunkMs) / 1000) * bytesPerSample(options.format);
    this.#chunkBytes = bytes;
    this.#chunk = Buffer.alloc(bytes);
    this.#shared = SharedFrame.of(bytes);
    this.#backlogChunks = Math.max(1, Math.floor(options.limits.callerBacklogMs / options.chunkMs));
  }

  write(bytes: Uint8Array, from = 0, to: number = bytes.length): void {
    // As a rule a piece is a message: then it goes from where it lies.
    if (this.#filled === 0 && to - from === this.#chunkBytes && this.#waiting === 0 && this.#hasRoom())
      return this.#send(bytes, from);
    let at = from;
    while (at < to) {
      const take = Math.min(to - at, this.#chunkBytes - this.#filled);
      copyBytes(bytes, at, at + take, this.#chunk, this.#filled);
      at += take;
      this.#filled += take;
      if (this.#filled === this.#chunkBytes) this.#flush();
    }
  }

  toString(): string {
    return `agent(${this.format}, ${this.#options.chunkMs} ms)`;
  }

  #flush(): void {
    this.#filled = 0;
    while (this.#waiting > 0 && this.#hasRoom()) this.#sendOldest();
    if (this.#hasRoom()) this.#send(this.#chunk);
    else this.#keep();
  }

  #hasRoom(): boolean {
    if (!this.#socket.idle && this.#socket.bufferedBytes > this.#options.limits.callerBufferedBytes)
      return false;
    this.#fullSince = -1;
    return true;
  }

  #send(sound: Uint8Array, from = 0): void {
    const socket = this.#socket;
    const frame = this.#frame ?? this.#shared.current;
    if (!socket.idle) socket.send(frame.text(sound, from));
    else if (!socket.write(frame.masked(sound, from))) this.#frame ??= this.#shared.giveAway();
    this.#counts.caller_audio++;
  }

  #sendOldest(): void {
    this.#send(this.#backlog!, this.#oldest * this.#chunkBytes);
    this.#oldest = (this.#oldest + 1) % this.#backlogChunks;
    this.#waiting--;
  }

  #keep(): void {
    this.#backlog ??= Buffer.alloc(this.#backlogChunks * this.#chunkBytes);
    if (this.#waiting === this.#backlogChunks) {
      this.#oldest = (this.#oldest + 1) % this.#backlogChunks;
      this.#waiting--;
      this.#counts.caller_audio_dropped++;
    }
    const slot = (this.#oldest + this.#waiting) % this.#backlogChunks;
    this.#chunk.copy(this.#backlog, slot * this.#chunkBytes);
    this.#waiting++;
    this.#watchStall();
  }

  #watchStall(): void {
    const now = this.#options.clock.now();
    if (this.#fullSince === -1) this.#fullSince = now;
    else if (now - this.#fullSince > this.#options.limits.stallMs) {
      this.#fullSince = now;
      this.#options.stalled();
    }
  }
}
