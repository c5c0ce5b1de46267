import { type AudioFormat, bytesPerSample, sampleRate } from '../../core/audio.ts';
import { copyBytes } from '../../core/copy-bytes.ts';
import { mediaLimits } from '../limits.ts';
import { Ledger, type LedgerEntry } from './ledger.ts';

/**
 * What the agent has said and nobody has heard yet: its messages as they came, never copied until they are played.
 * Messages may break anywhere, in the middle of a sample too. Event ids rise through a conversation.
 */
export class Playout {
  readonly format: AudioFormat;
  readonly #sampleBytes: number;
  readonly #bytesPerMs: number;
  readonly #limitBytes: number;
  /** A ring of pieces; the one at `#head` is being played, from byte `#offset` on. */
  #pieces: (Uint8Array | undefined)[] = new Array<Uint8Array | undefined>(64).fill(undefined);
  /** Whose sound each piece is. */
  #owners: (LedgerEntry | undefined)[] = new Array<LedgerEntry | undefined>(64).fill(undefined);
  readonly ledger: Ledger;
  #head = 0;
  #count = 0;
  #offset = 0;
  #bytes = 0;
  #unheard = 0;
  #overflow = 0;
  #newest = Number.NEGATIVE_INFINITY;
  #interrupted = Number.NEGATIVE_INFINITY;
  #refused = Number.NaN;
  /** Silence has been played since the last piece: what is left of it stands alone. */
  #dry = false;

  constructor(format: AudioFormat, limitMs: number = mediaLimits.playoutMs) {
    this.format = format;
    this.#sampleBytes = bytesPerSample(format);
    this.#bytesPerMs = (sampleRate(format) * this.#sampleBytes) / 1000;
    this.#limitBytes = limitMs * this.#bytesPerMs;
    this.ledger = new Ledger(this.#bytesPerMs);
  }

  /** Whole samples that wait. */
  get queuedMs(): number {
    return (this.#bytes - (this.#bytes % this.#sampleBytes)) / this.#bytesPerMs;
  }

  get empty(): boolean {
    return this.#bytes < this.#sampleBytes;
  }

  /** Sound that was interrupted, came too late or was refused, ms. */
  get unheardMs(): number {
    return this.#unheard / this.#bytesPerMs;
  }

  /** Of `unheardMs` the pieces that found the queue full. */
  get overflowMs(): number {
    return this.#overflow / this.#bytesPerMs;
  }

  /** The highest event id that sound has come for; -Infinity before the first. */
  get newestEvent(): number {
    return this.#newest;
  }

  /**
   * Queues sound of an event and keeps `bytes`. False when it will not be heard: its event was interrupted, or the
   * queue is full; then the rest of the same event is not heard either, so that no sentence goes on after a hole.
   */
  push(eventId: number, bytes: Uint8Array): boolean {
    const before = this.#newest;
    if (eventId > this.#newest) this.#newest = eventId;
    if (bytes.length === 0) return true;
    if (eventId <= this.#interrupted) {
      this.miss(eventId, bytes.length);
      return false;
    }
    if (eventId === this.#refused) return this.#refuse(eventId, bytes);
    if (this.#bytes + bytes.length > this.#limitBytes || this.#count >= mediaLimits.playoutPieces) {
      this.#overflow += bytes.length;
      return this.#refuse(eventId, bytes);
    }
    // Half a sample that was left over when everything had been played does not begin a later event's first one.
    if (this.#dry && this.#bytes > 0 && eventId !== before) this.#clear();
    this.#dry = false;
    if (this.#count === this.#pieces.length) this.#grow();
    const slot = (this.#head + this.#count) % this.#pieces.length;
    this.#pieces[slot] = bytes;
    const owner = this.ledger.entry(eventId);
    owner.waiting += bytes.length;
    this.#owners[slot] = owner;
    this.#count++;
    this.#bytes += bytes.length;
    return true;
  }

  /** Counts sound as unheard, and with it whatever of the same event is still to come. */
  refuse(eventId: number, bytes: Uint8Array): void {
    if (eventId > this.#newest) this.#newest = eventId;
    this.#refuse(eventId, bytes);
  }

  /** Sound of an event that came when it could not be heard any more. */
  miss(eventId: number, bytes: number): void {
    this.#unheard += bytes;
    this.ledger.entry(eventId).unheard += bytes;
    this.ledger.settle();
  }

  /**
   * Nothing of `eventId` or before it is heard any more: the queue is emptied, and what still comes for those events is
   * dropped. An id that is older than the last one interrupted empties the queue all the same.
   */
  interrupt(eventId: number): void {
    this.#unheard += this.#bytes;
    this.#clear();
    this.ledger.cut();
    if (eventId > this.#interrupted) this.#interrupted = eventId;
  }

  /** Moves up to `wantedBytes` in whole samples to `dst`, from `to` on, and tells how many bytes it were. */
  take(dst: Uint8Array, wantedBytes: number, to = 0): number {
    const available = Math.min(wantedBytes, this.#bytes);
    const wanted = available - (available % this.#sampleBytes);
    let taken = 0;
    while (taken < wanted) {
      const piece = this.#pieces[this.#head]!;
      const end = Math.min(piece.length, this.#offset + wanted - taken);
      copyBytes(piece, this.#offset, end, dst, to + taken);
      taken += end - this.#offset;
      const owner = this.#owners[this.#head]!;
      owner.heard += end - this.#offset;
      owner.waiting -= end - this.#offset;
      this.#offset = end;
      if (end === piece.length) this.#next();
    }
    this.#bytes -= taken;
    if (taken < wantedBytes) {
      if (!this.#dry) this.ledger.settle();
      this.#dry = true;
    }
    return taken;
  }

  /** The last `ms` that were taken are not heard after all. */
  takeBack(ms: number): void {
    this.#unheard += this.ledger.takeBack(ms * this.#bytesPerMs);
  }

  #refuse(eventId: number, bytes: Uint8Array): false {
    this.#refused = eventId;
    this.miss(eventId, bytes.length);
    return false;
  }

  #next(): void {
    this.#pieces[this.#head] = undefined;
    this.#owners[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#pieces.length;
    this.#count--;
    this.#offset = 0;
  }

  #clear(): void {
    while (this.#count > 0) this.#next();
    this.#bytes = 0;
    this.#offset = 0;
    this.#dry = false;
  }

  #grow(): void {
    const length = this.#pieces.length;
    const pieces = new Array<Uint8Array | undefined>(length * 2).fill(undefined);
    const owners = new Array<LedgerEntry | undefined>(length * 2).fill(undefined);
    for (let at = 0; at < length; at++) {
      pieces[at] = this.#pieces[(this.#head + at) % length];
      owners[at] = this.#owners[(this.#head + at) % length];
    }
    this.#pieces = pieces;
    this.#owners = owners;
    this.#head = 0;
  }
}
