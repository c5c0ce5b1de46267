import { Counter, Gauge, type Registry } from 'prom-client';
import { latenessBuckets, type WorkerMetrics } from '../worker/messages.ts';
import { BucketHistogram } from './bucket-histogram.ts';
import { boundedLabel } from './labels.ts';

/** What a worker reports once a second (`worker/messages`, type `pulse`). */
export interface WorkerPulse {
  readonly legs: number;
  readonly ports: number;
  readonly metrics: WorkerMetrics;
}

/** What came on top between two totals. A total that went down belongs to a new worker under an old number. */
const since = (now: number, before: number | undefined): number =>
  before === undefined || now < before ? now : now - before;

/** Adds up what the workers report. They send totals since they started; only what came on top is counted here. */
export class WorkerTotals {
  readonly #last = new Map<number, WorkerPulse>();
  readonly #packets: Counter<'direction'>;
  readonly #dropped: Counter<'cause'>;
  readonly #messages: Counter<'type'>;
  readonly #overflow: Counter;
  readonly #lateness: BucketHistogram;
  readonly #bargeIn: BucketHistogram;
  readonly #cause = boundedLabel();
  readonly #type = boundedLabel();
  #logDropped = 0;

  constructor(registry: Registry, prefix: string) {
    const registers = [registry];
    const last = this.#last;
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name: prefix + name,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    gauge('workers', 'Worker threads that report', () => last.size);
    gauge('legs_active', 'Media legs that are open', () => sum(last, pulse => pulse.legs));
    gauge('playout_seconds', 'Sound of an agent that waits to be played, the most that one call has', () =>
      Math.max(0, ...[...last.values()].map(({ metrics }) => metrics.playoutMs / 1000)),
    );
    gauge('rtp_ports_used', 'RTP and RTCP ports that are bound', () => sum(last, pulse => pulse.ports));
    this.#packets = new Counter({
      name: `${prefix}rtp_packets_total`,
      help: 'RTP packets by direction',
      labelNames: ['direction'],
      registers,
    });
    this.#dropped = new Counter({
      name: `${prefix}rtp_packets_dropped_total`,
      help: 'RTP packets that were not used, by cause',
      labelNames: ['cause'],
      registers,
    });
    this.#messages = new Counter({
      name: `${prefix}agent_messages_total`,
      help: 'Messages from agents by type',
      labelNames: ['type'],
      registers,
    });
    this.#overflow = new Counter({
      name: `${prefix}playout_dropped_seconds_total`,
      help: 'Sound of agents that was dropped because five minutes of it waited already',
      registers,
    });
    const bounds = latenessBuckets.map(ms => ms / 1000);
    const lateness = 'How long after their deadline RTP packets were sent';
    this.#lateness = new BucketHistogram(registry, `${prefix}rtp_send_lateness_seconds`, lateness, bounds);
    const bargeIn = 'From an interruption by the caller to the last packet of what it interrupted';
    this.#bargeIn = new BucketHistogram(registry, `${prefix}barge_in_seconds`, bargeIn, bounds);
  }

  /** Log lines that workers dropped, all together. */
  get logDropped(): number {
    return this.#logDropped;
  }

  pulse(worker: number, pulse: WorkerPulse): void {
    const before = this.#last.get(worker)?.metrics;
    const now = pulse.metrics;
    this.#last.set(worker, pulse);
    this.#packets.inc({ direction: 'received' }, since(now.packetsReceived, before?.packetsReceived));
    this.#packets.inc({ direction: 'sent' }, since(now.packetsSent, before?.packetsSent));
    for (const [cause, total] of Object.entries(now.packetsDropped)) {
      this.#dropped.inc({ cause: this.#cause(cause) }, since(total, before?.packetsDropped[cause]));
    }
    for (const [type, total] of Object.entries(now.agentMessages)) {
      this.#messages.inc({ type: this.#type(type) }, since(total, before?.agentMessages[type]));
    }
    this.#lateness.add(now.lateness.map((total, i) => since(total, before?.lateness[i])));
    this.#bargeIn.add(now.bargeIn.map((total, i) => since(total, before?.bargeIn[i])));
    this.#overflow.inc(since(now.overflowMs, before?.overflowMs) / 1000);
    this.#logDropped += since(now.logDropped, before?.logDropped);
  }

  gone(worker: number): void {
    this.#last.delete(worker);
  }
}

function sum(pulses: ReadonlyMap<number, WorkerPulse>, value: (pulse: WorkerPulse) => number): number {
  let total = 0;
  for (const pulse of pulses.values()) total += value(pulse);
  return total;
}
