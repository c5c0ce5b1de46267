import { LagWindow } from '../core/lag-window.ts';
import type { OverloadLimits } from '../core/overload.ts';
import type { PacedHandle, PacedStream, Pacer } from '../media/outbound/pacer.ts';
import type { FromWorker } from './messages.ts';

/** None of the looks that a pause has held up is skipped: the first of them tells how long it was. */
const everyLook = Number.POSITIVE_INFINITY;

/**
 * Tells the main thread how late this worker is with its work, while it is: each word wakes that thread. It looks when the
 * pacer has called it, so that a worker with calls is not woken up for it.
 */
export class LagReport implements PacedStream {
  readonly #pacer: Pacer;
  readonly #tellMs: number;
  readonly #leastMs: number;
  readonly #window: LagWindow;
  readonly #tell: (message: FromWorker) => void;
  readonly #handle: PacedHandle;
  #told = 0;
  #toldMs: number;

  constructor(pacer: Pacer, nowMs: number, limits: OverloadLimits, tell: (message: FromWorker) => void) {
    this.#pacer = pacer;
    this.#tellMs = limits.lagTellMs;
    this.#leastMs = limits.lagToldMs;
    this.#window = new LagWindow(limits.lagWindowMs, nowMs);
    this.#tell = tell;
    this.#toldMs = nowMs;
    const everyMs = Math.max(limits.lagEveryMs, Math.ceil(this.#window.leastMs));
    this.#handle = pacer.add(this, everyMs, { measured: false, burst: everyLook });
  }

  stop(): void {
    this.#pacer.remove(this.#handle);
  }

  send(deadlineMs: number, nowMs: number): void {
    this.#window.look(deadlineMs, nowMs);
    if (nowMs - this.#toldMs < this.#tellMs) return;
    this.#toldMs = nowMs;
    const standing = this.#window.standing(nowMs, nowMs);
    const ms = standing < this.#leastMs ? 0 : standing;
    if (ms > 0 || this.#told > 0) this.#tell({ type: 'lag', ms });
    this.#told = ms;
  }
}
