import type { Clock, Timer } from '../core/clock.ts';
import type { CallKey } from '../core/ids.ts';
import type { Logger } from '../core/logger.ts';
import type { Sealer } from '../core/seal.ts';
import { CallDraft } from './draft.ts';
import type { StoreMeters } from './meters.ts';
import type { CallBegin, CallEnd, CallRecord, CallUpdate, RecordPrivate, ToolRun } from './record.ts';
import { type CallImage, imageOf } from './rows.ts';
import { storageProblem } from './storage-problem.ts';
import type { CallJournal } from './store.ts';

export interface JournalParts {
  /** Writes some calls in one transaction; rejects when the database cannot be used. */
  readonly write: (images: readonly CallImage[]) => Promise<void>;
  /** Keeps calls that are over where they survive until the database is back; false when it cannot. */
  readonly spill: (images: readonly CallImage[]) => Promise<boolean>;
  readonly clock: Clock;
  readonly sealer: Sealer;
  /** Where the database is, for people. */
  readonly where: string;
  readonly node: string;
  readonly boot: string;
  readonly log: Logger;
  readonly meters: StoreMeters;
  readonly limits: Readonly<
    Record<
      'batchCalls' | 'betweenMs' | 'unwritten' | 'retryMs' | 'longestRetryMs' | 'updateMs' | 'finishMs',
      number
    >
  >;
}

interface Entry {
  readonly draft: CallDraft;
  /** Runs of tools that are written. */
  tools: number;
  /** Names that are written. */
  readonly names: Set<string>;
  /** What is private as it was last sealed. */
  sealed?: { readonly secret: RecordPrivate; readonly text: string };
}

/**
 * What happens in calls, on its way to the database. Only the newest picture of a call is kept, so what waits is bounded
 * by the number of calls. That a call has begun is written as soon as the turn of the event loop is over, and whatever waits
 * goes along; the rest waits for company, because a transaction costs more than what is in it. One loop writes, so pictures of a call never overtake each other.
 */
export class WriteBehind implements CallJournal {
  readonly #parts: JournalParts;
  readonly #running = new Map<CallKey, Entry>();
  /** To be written, oldest first. */
  readonly #dirty = new Map<CallKey, Entry>();
  #over = 0;
  #timer: Timer | undefined;
  /** When the timer fires, and when the last transaction began, ms of the clock. */
  #due = 0;
  #wroteMs = Number.NEGATIVE_INFINITY;
  #writing: Promise<void> | undefined;
  /** What is being written. */
  #inHand: readonly CallImage[] = [];
  #failures = 0;
  /** Calls of the next transaction: one after a failure, so that a call that cannot be written takes no other with it. */
  #batch: number;

  constructor(parts: JournalParts) {
    this.#parts = parts;
    this.#batch = parts.limits.batchCalls;
  }

  /** Calls that wait to be written. */
  get waiting(): number {
    return this.#dirty.size;
  }

  /** Calls that are not over. */
  get running(): number {
    return this.#running.size;
  }

  get failing(): boolean {
    return this.#failures > 0;
  }

  begin(call: CallBegin): void {
    const { node, clock } = this.#parts;
    const entry: Entry = { draft: new CallDraft(call, node, clock.wall()), tools: 0, names: new Set() };
    this.#running.set(call.key, entry);
    // Whatever becomes of this process, there has to be a record of a call that was answered, and that may be soon.
    this.#mark(call.key, entry, 0, 0);
  }

  update(call: CallKey, more: CallUpdate): void {
    const { clock, limits } = this.#parts;
    this.#change(call, limits.updateMs, ({ draft }) => draft.update(more, clock.wall()));
  }

  tool(call: CallKey, run: ToolRun): void {
    this.#change(call, this.#parts.limits.updateMs, ({ draft }) => draft.tool(run));
  }

  finish(call: CallKey, end: CallEnd): void {
    const { clock, limits } = this.#parts;
    this.#change(call, limits.finishMs, ({ draft }) => draft.finish(end, clock.wall()));
    if (this.#running.delete(call)) this.#over += 1;
    if (this.#over > limits.unwritten) this.#dropOldest();
  }

  current(call: CallKey): { readonly record: CallRecord; readonly secret: RecordPrivate } | undefined {
    return (this.#running.get(call) ?? this.#dirty.get(call))?.draft;
  }

  /** Settles when nothing waits any more, or when the database does not take it now. */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#writing;
    if (this.#dirty.size > 0) await this.#drain();
  }

  /**
   * Spills what is over, for whoever closes: also what is being written, since that may come to nothing. Gives how many calls
   * are neither written nor spilt.
   */
  async keep(): Promise<number> {
    const over = this.#inHand.filter(isOver);
    const kept = over.length === 0 || (await this.#parts.spill(over));
    await this.#spillOver();
    return this.#dirty.size + (kept ? 0 : over.length);
  }

  #change(call: CallKey, withinMs: number, change: (entry: Entry) => void): void {
    const entry = this.#running.get(call);
    if (entry === undefined) return;
    change(entry);
    this.#mark(call, entry, withinMs);
  }

  #mark(call: CallKey, entry: Entry, withinMs: number, apartMs?: number): void {
    this.#dirty.set(call, entry);
    // While it cannot be written, nothing is more urgent than the pause before the next try.
    if (this.#writing === undefined && !(this.failing && this.#timer !== undefined))
      this.#arm(withinMs, apartMs);
  }

  /** Writes within so many ms, if not earlier, and so long after the last transaction. */
  #arm(ms: number, apartMs = this.#parts.limits.betweenMs): void {
    const { clock } = this.#parts;
    const now = clock.now();
    const due = Math.max(now + ms, this.#wroteMs + apartMs);
    if (this.#timer !== undefined && this.#due <= due) return;
    this.#timer?.cancel();
    this.#due = due;
    this.#timer = clock.timer(due - now, () => {
      this.#timer = undefined;
      void this.#drain();
    });
  }

  #drain(): Promise<void> {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      if (this.#dirty.size > 0 && this.#timer === undefined) this.#arm(this.#pause());
    });
    return this.#writing;
  }

  #pause(): number {
    const { retryMs, longestRetryMs } = this.#parts.limits;
    return this.#failures === 0 ? 0 : Math.min(longestRetryMs, retryMs * 2 ** (this.#failures - 1));
  }

  async #writeAll(): Promise<void> {
    while (this.#dirty.size > 0 && (await this.#writeSome()));
  }

  /** False: not now. */
  async #writeSome(): Promise<boolean> {
    const { write, clock, meters, limits } = this.#parts;
    const batch = [...this.#dirty].slice(0, this.#batch);
    const images = batch.map(([, entry]) => this.#image(entry));
    for (const [call] of batch) this.#dirty.delete(call);
    const begun = clock.now();
    this.#wroteMs = begun;
    this.#inHand = images;
    try {
      await write(images).finally(() => {
        this.#inHand = [];
      });
    } catch (error) {
      await this.#failed(batch, error);
      return false;
    }
    meters.written(images.length, clock.now() - begun);
    for (const [index, [, entry]] of batch.entries()) {
      entry.tools += images[index]?.tools.length ?? 0;
      for (const name of images[index]?.names ?? []) entry.names.add(name);
      if (images[index]?.record.state === 'ended') this.#over -= 1;
    }
    if (this.#failures > 0) this.#parts.log.info('store is back', { failures: this.#failures });
    this.#failures = 0;
    this.#batch = Math.min(limits.batchCalls, this.#batch * 2);
    return true;
  }

  #image(entry: Entry): CallImage {
    const { sealer, boot, clock } = this.#parts;
    const { draft, tools, names, sealed } = entry;
    const { record, secret } = draft;
    const image = imageOf(record, secret, {
      sealer,
      boot,
      now: clock.wall(),
      toolsFrom: tools,
      named: names,
      sealed: sealed?.secret === secret ? sealed.text : undefined,
    });
    entry.sealed = { secret, text: image.row.sealed };
    return image;
  }

  async #failed(batch: readonly (readonly [CallKey, Entry])[], error: unknown): Promise<void> {
    const { log, meters, where } = this.#parts;
    this.#failures += 1;
    this.#batch = 1;
    meters.failed();
    // What became known meanwhile is newer: it stays.
    for (const [call, entry] of batch) if (!this.#dirty.has(call)) this.#dirty.set(call, entry);
    const spilt = await this.#spillOver();
    log.error('store cannot be written', {
      error: storageProblem(error, where),
      waiting: this.#dirty.size,
      spilt,
    });
  }

  /** Spills every call that is over, while that can be done, and gives how many those were. None stops waiting before it is kept. */
  async #spillOver(): Promise<number> {
    const { spill, limits } = this.#parts;
    let spilt = 0;
    for (;;) {
      const over = [...this.#dirty].filter(([, { draft }]) => isOver(draft)).slice(0, limits.batchCalls);
      if (over.length === 0 || !(await spill(over.map(([, entry]) => this.#image(entry))))) return spilt;
      for (const [call] of over) if (this.#dirty.delete(call)) this.#over -= 1;
      spilt += over.length;
    }
  }

  /** The database is away for so long that nothing more can be kept: the oldest call is lost, and counted. */
  #dropOldest(): void {
    for (const [call, { draft }] of this.#dirty) {
      if (!isOver(draft)) continue;
      this.#dirty.delete(call);
      this.#over -= 1;
      this.#parts.meters.lost();
      return;
    }
  }
}

const isOver = ({ record }: Pick<CallDraft, 'record'>): boolean => record.state === 'ended';
