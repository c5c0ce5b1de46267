import { ULAW_SILENCE } from '../../../codecs/g711.ts';

/** 20 ms of mu-law. */
export const frameBytes = 160;

type Waiting = { readonly sound: Buffer; at: number } | { readonly mark: string };

/** Plays what the bridge sends as Twilio does: in order, in real time, with its marks where they were put. */
export class StreamPlayer {
  readonly #waiting: Waiting[] = [];
  readonly #played: (name: string) => void;
  /** Sound that waits, bytes. */
  #bytes = 0;
  /** The most that ever waited, ms. */
  mostMs = 0;
  /** Times that it had nothing to play in the middle of a sentence, which a caller hears. */
  gaps = 0;
  #playing = false;
  /** It plays nothing any more, and no mark comes back: Twilio is stuck. */
  stuck = false;

  /** `played` is told of each mark when what was before it is through. */
  constructor(played: (name: string) => void) {
    this.#played = played;
  }

  get waitingMs(): number {
    return this.#bytes / 8;
  }

  media(sound: Buffer): void {
    if (sound.length === 0) return;
    this.#waiting.push({ sound, at: 0 });
    this.#bytes += sound.length;
    this.mostMs = Math.max(this.mostMs, this.waitingMs);
  }

  mark(name: string): void {
    if (this.#waiting.length === 0 && !this.stuck) this.#played(name);
    else this.#waiting.push({ mark: name });
  }

  /** Throws away what waits; its marks come back at once. */
  clear(): void {
    const dropped = this.#waiting.splice(0);
    this.#bytes = 0;
    this.#playing = false;
    for (const each of dropped) if ('mark' in each) this.#played(each.mark);
  }

  /** The next 20 ms that the caller hears. */
  next(): Buffer {
    const frame = Buffer.alloc(frameBytes, ULAW_SILENCE);
    if (this.stuck) return frame;
    let filled = 0;
    while (filled < frameBytes) {
      const first = this.#waiting[0];
      if (first === undefined) break;
      if ('sound' in first) {
        const taken = first.sound.copy(frame, filled, first.at, first.at + frameBytes - filled);
        first.at += taken;
        filled += taken;
        if (first.at < first.sound.length) break;
      }
      this.#waiting.shift();
      if ('mark' in first) this.#played(first.mark);
    }
    this.#marksDue();
    this.#bytes -= filled;
    if (this.#playing && filled < frameBytes && this.#waiting.length > 0) this.gaps++;
    this.#playing = filled > 0;
    return frame;
  }

  #marksDue(): void {
    for (let first = this.#waiting[0]; first !== undefined && 'mark' in first; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#played(first.mark);
    }
  }
}
