/**
 * Lets connections begin one in a turn of the event loop. To begin one takes up to a millisecond with TLS, in the thread that sends
 * the sound of all calls: when many calls come at once the packets that are due go out between them, and not after them all.
 */
export class Openings {
  readonly #waiting: (() => void)[] = [];
  readonly #nextTurn: (run: () => void) => void;
  /** One has begun in this turn. */
  #taken = false;

  /** `nextTurn` calls what it is given after timers and sockets had their turn. */
  constructor(nextTurn: (run: () => void) => void = setImmediate) {
    this.#nextTurn = nextTurn;
  }

  /** Calls `open` at once when no other has begun in this turn, else when its turn has come. First come, first served. */
  begin(open: () => void): void {
    if (this.#taken) {
      this.#waiting.push(open);
      return;
    }
    this.#taken = true;
    this.#nextTurn(() => this.#next());
    open();
  }

  #next(): void {
    this.#taken = false;
    const open = this.#waiting.shift();
    if (open !== undefined) this.begin(open);
  }
}
