/** What became of the sound of one event of the agent, in bytes as it came. */
export interface LedgerEntry {
  readonly eventId: number;
  heard: number;
  unheard: number;
  waiting: number;
  /** What was told of it last. */
  told: number;
}

/** Told of an event: sound that the caller got, and sound that nobody will hear, ms. */
export type TellHeard = (eventId: number, heardMs: number, unheardMs: number) => void;

/** Events that are kept apart; of a conversation that has more of them waiting, the oldest are not told. */
const entriesKept = 256;

/**
 * How much of each event was heard. Counting costs an addition a packet; telling is for whoever comes by, and only has
 * something to say when an event is through for now, or was cut off.
 */
export class Ledger {
  readonly #bytesPerMs: number;
  readonly #entries = new Map<number, LedgerEntry>();
  #due = false;

  constructor(bytesPerMs: number) {
    this.#bytesPerMs = bytesPerMs;
  }

  /** The entry of an event; sound of it has come. */
  entry(eventId: number): LedgerEntry {
    let entry = this.#entries.get(eventId);
    if (entry !== undefined) return entry;
    entry = { eventId, heard: 0, unheard: 0, waiting: 0, told: -1 };
    this.#entries.set(eventId, entry);
    if (this.#entries.size > entriesKept) {
      const [oldest = eventId] = this.#entries.keys();
      this.#entries.delete(oldest);
    }
    return entry;
  }

  /** Something is through: it is told by the next `tell`. */
  settle(): void {
    this.#due = true;
  }

  /** Nothing of what waits will be heard. */
  cut(): void {
    for (const entry of this.#entries.values()) {
      entry.unheard += entry.waiting;
      entry.waiting = 0;
    }
    this.#due = true;
  }

  /** The last `bytes` that were heard were not after all; tells how many there were. */
  takeBack(bytes: number): number {
    let left = bytes;
    for (const entry of [...this.#entries.values()].reverse()) {
      const back = Math.min(left, entry.heard);
      if (back > 0) {
        entry.heard -= back;
        entry.unheard += back;
        entry.told = -1;
        left -= back;
      }
      if (left <= 0) break;
    }
    this.#due = true;
    return bytes - left;
  }

  /** What waits will be heard, although nobody comes by to be told. */
  assume(): void {
    for (const entry of this.#entries.values()) {
      entry.heard += entry.waiting;
      entry.waiting = 0;
    }
    this.#due = true;
  }

  /** Tells of the events of which nothing waits, as far as that is news. */
  tell(heard: TellHeard): void {
    if (!this.#due) return;
    this.#due = false;
    for (const entry of this.#entries.values()) {
      const now = entry.heard + entry.unheard;
      // Half a sample that was left over is nobody's.
      if (entry.waiting > 1 || now === entry.told) continue;
      entry.told = now;
      heard(entry.eventId, this.#ms(entry.heard), this.#ms(entry.unheard));
    }
  }

  #ms(bytes: number): number {
    return Math.round(bytes / this.#bytesPerMs);
  }
}
