/** A clock that stands still until it is moved. */
export class StillClock {
  #now = 1_000;
  #timers = new Set();

  now = () => this.#now;
  wall = () => 1_700_000_000_000 + this.#now;

  timer(ms, fire) {
    const entry = { at: this.#now + Math.max(0, ms), fire };
    this.#timers.add(entry);
    return { cancel: () => void this.#timers.delete(entry) };
  }

  get pending() {
    return this.#timers.size;
  }

  advance(ms) {
    const target = this.#now + ms;
    for (;;) {
      let next;
      for (const entry of this.#timers)
        if (entry.at <= target && (next === undefined || entry.at < next.at)) next = entry;
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
    }
    this.#now = target;
  }
}
