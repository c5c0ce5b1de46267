import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { BridgeEvent } from '../core/events.ts';
import { CertificateExpiry, type CertificateInUse } from './certificate-expiry.ts';
import { EventCounters } from './event-counters.ts';
import { StoreTotals } from './store-totals.ts';
import { TwilioState } from './twilio-state.ts';
import { type WorkerPulse, WorkerTotals } from './worker-totals.ts';

const prefix = 'trunkbridge_';

export interface MetricsOptions {
  /** Lines the log has dropped so far; read when metrics are collected. */
  readonly logDropped?: () => number;
  /** How late each thread is with its work, ms; read when metrics are collected. */
  readonly lags?: () => readonly { readonly thread: string; readonly ms: number }[];
  /** CPU, memory, event loop and GC of the process; default true. */
  readonly process?: boolean;
}

/** Everything that is counted here, in one registry. */
export interface Metrics {
  readonly registry: Registry;
  /** Counts one event; only `observability/events` calls this. */
  count(event: BridgeEvent): void;
  /** Takes the totals that a worker sent. */
  pulse(worker: number, pulse: WorkerPulse): void;
  /** Tells which certificates are in use. */
  certificates(inUse: readonly CertificateInUse[]): void;
  /** What the store counts of itself. */
  readonly store: StoreTotals;
  readonly twilio: TwilioState;
  /** Forgets a worker that is gone; what it counted stays counted. */
  workerGone(worker: number): void;
}

/** How often prom-client is to look how late the thread is, ms: seldom, for that is told by `thread_lag_seconds`. */
const lagLookMs = 60_000;
/** What it makes of its looks. */
const lagParts = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'];

/**
 * What prom-client tells of a process. Its looks at the event loop, a hundred a second, were most of what the main thread of
 * a node did whose calls were all up: they are left out, and so is what it would tell of them.
 */
function processMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, prefix, eventLoopMonitoringPrecision: lagLookMs });
  for (const part of lagParts) registry.removeSingleMetric(`${prefix}nodejs_eventloop_lag_${part}_seconds`);
}

export function createMetrics(options: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  if (options.process !== false) processMetrics(registry);
  const events = new EventCounters(registry, prefix);
  const workers = new WorkerTotals(registry, prefix);
  const expiry = new CertificateExpiry(registry, prefix);
  const store = new StoreTotals(registry, prefix);
  const twilio = new TwilioState(registry, prefix);
  const logDropped = options.logDropped ?? (() => 0);
  new Gauge({
    name: `${prefix}log_lines_dropped`,
    help: 'Log lines lost because their destination could not keep up: main thread and workers',
    registers: [registry],
    collect() {
      this.set(logDropped() + workers.logDropped);
    },
  });
  const { lags } = options;
  if (lags !== undefined) lagGauge(registry, lags);
  return {
    registry,
    store,
    twilio,
    count: event => events.count(event),
    pulse: (worker, pulse) => workers.pulse(worker, pulse),
    certificates: inUse => expiry.use(inUse),
    workerGone: worker => workers.gone(worker),
  };
}

function lagGauge(registry: Registry, lags: NonNullable<MetricsOptions['lags']>): void {
  new Gauge({
    name: `${prefix}thread_lag_seconds`,
    help: 'How late a thread is with its work: new calls are refused above mainLagMs and workerLagMs',
    labelNames: ['thread'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { thread, ms } of lags()) this.set({ thread }, ms / 1000);
    },
  });
}
