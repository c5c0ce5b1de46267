import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Clock } from '../core/clock.ts';
import { within } from '../core/within.ts';

/** How full the queue of deliveries is. */
export interface QueueCounts {
  readonly waiting: number;
  readonly dead: number;
  readonly oldestMs: number;
}

const writeBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** How long metrics wait for the queue to be counted, ms: Prometheus waits 10 s for all of them, and then has none. */
const countMs = 1_000;

/** What the store counts of itself. */
export class StoreTotals {
  readonly #writes: Histogram;
  readonly #records: Counter<'what'>;
  readonly #failures: Counter;
  readonly #queue: Gauge<'state'>;
  readonly #oldest: Gauge;
  #count: (() => Promise<void>) | undefined;

  constructor(registry: Registry, prefix: string) {
    const registers = [registry];
    this.#writes = new Histogram({
      name: `${prefix}store_write_seconds`,
      help: 'How long it took to write some calls in one transaction',
      buckets: writeBuckets,
      registers,
    });
    this.#records = new Counter({
      name: `${prefix}store_calls_total`,
      help: 'Calls by what became of their records: written (each change), spilt, lost, interrupted, expired',
      labelNames: ['what'],
      registers,
    });
    for (const what of ['written', 'spilt', 'lost', 'interrupted', 'expired']) this.#records.inc({ what }, 0);
    this.#failures = new Counter({
      name: `${prefix}store_failures_total`,
      help: 'Writes and heartbeats that the database did not take; calls go on and are kept',
      registers,
    });
    this.#queue = new Gauge({
      name: `${prefix}outbox_deliveries`,
      help: 'Deliveries that wait, and those that were given up',
      labelNames: ['state'],
      registers,
      collect: () => this.#count?.(),
    });
    this.#oldest = new Gauge({
      name: `${prefix}outbox_oldest_seconds`,
      help: 'Age of the oldest delivery that waits',
      registers,
    });
  }

  /** Asked whenever metrics are collected, but not while it has not answered yet: what it said last holds until then. */
  queue(counts: () => Promise<QueueCounts>, clock: Clock): void {
    let asked: Promise<void> | undefined;
    this.#count = async () => {
      asked ??= this.#ask(counts).finally(() => {
        asked = undefined;
      });
      await within(clock, countMs, asked);
    };
  }

  written(calls: number, ms: number): void {
    this.#records.inc({ what: 'written' }, calls);
    this.#writes.observe(ms / 1000);
  }

  failed(): void {
    this.#failures.inc();
  }

  spilt(calls: number): void {
    this.#records.inc({ what: 'spilt' }, calls);
  }

  lost(): void {
    this.#records.inc({ what: 'lost' });
  }

  interrupted(calls: number): void {
    this.#records.inc({ what: 'interrupted' }, calls);
  }

  expired(calls: number): void {
    this.#records.inc({ what: 'expired' }, calls);
  }

  async #ask(counts: () => Promise<QueueCounts>): Promise<void> {
    // A store that is down must not keep the other metrics from being read.
    const now = await counts().catch(() => undefined);
    if (now === undefined) return;
    this.#queue.set({ state: 'waiting' }, now.waiting);
    this.#queue.set({ state: 'dead' }, now.dead);
    this.#oldest.set(now.oldestMs / 1000);
  }
}
