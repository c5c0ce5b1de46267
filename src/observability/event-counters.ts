import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type EndingReason, endings } from '../core/ending.ts';
import { type BridgeEvent, keyFaults } from '../core/events.ts';
import type { GateDecision } from '../core/tool-facts.ts';
import { boundedLabel } from './labels.ts';

/** Upper bounds, seconds: a setup is mostly the agent's start. */
const setupBuckets = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20];
const firstAudioBuckets = [0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.12, 0.2, 0.5, 1, 2];
const deliveryBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 36_000];
const callBuckets = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

/** Series about calls: what happened, how often and how long it took. */
export class EventCounters {
  readonly #active = new Set<string>();
  readonly #series: ReturnType<typeof series>;
  readonly #label = {
    trunk: boundedLabel(),
    cause: boundedLabel(),
    webhook: boundedLabel(),
    tool: boundedLabel(),
    status: boundedLabel(),
    gate: boundedLabel(),
    codec: boundedLabel(),
  };

  constructor(registry: Registry, prefix: string) {
    this.#series = series(registry, prefix);
    beginAtZero(this.#series.counters);
    const active = this.#active;
    new Gauge({
      name: `${prefix}calls_active`,
      help: 'Calls that are up or being set up',
      registers: [registry],
      collect() {
        this.set(active.size);
      },
    });
  }

  count(event: BridgeEvent): void {
    const { counters, times } = this.#series;
    const label = this.#label;
    switch (event.type) {
      case 'invite-refused':
        return counters.refused.inc({ status: String(event.status), reason: event.end.reason });
      case 'peer-refused':
        return counters.peers.inc({ cause: label.cause(event.cause) });
      case 'api-key-refused':
        return counters.apiKeys.inc({ cause: event.cause });
      case 'trunk-registered': {
        const trunk = label.trunk(event.trunk);
        counters.registrations.inc({ trunk, outcome: 'registered' }, event.registered ? 1 : 0);
        return counters.registrations.inc({ trunk, outcome: 'failed' }, event.registered ? 0 : 1);
      }
      case 'call-placed':
        this.#active.add(event.call);
        return counters.placed.inc({ trunk: label.trunk(event.trunk) });
      case 'call-arrived':
        this.#active.add(event.call);
        counters.headers.inc(event.headersDropped);
        return counters.arrived.inc({ trunk: label.trunk(event.trunk) });
      case 'keys-ignored':
        return counters.keys.inc({ cause: label.cause(event.cause) });
      case 'agent-ready':
        return times.agent.observe(event.setupMs / 1000);
      case 'initiation':
        counters.initiations.inc({ outcome: event.outcome, cause: label.webhook(event.cause) });
        return times.initiation.observe(event.ms / 1000);
      case 'webhook': {
        const { event: name, outcome, cause } = event;
        counters.webhooks.inc({ event: name, outcome, cause: label.webhook(cause) });
        if (outcome === 'delivered') times.delivery.observe(event.ageMs / 1000);
        return;
      }
      case 'agent-retry':
        return counters.retries.inc({ reason: event.end.reason });
      case 'agent-lost':
        return counters.lost.inc({ reason: event.end.reason, way: event.way });
      case 'agent-resumed':
        return times.resumed.observe(event.ms / 1000);
      case 'call-answered':
        return times.setup.observe(event.setupMs / 1000);
      case 'tool-run': {
        const tool = label.tool(event.tool);
        counters.tools.inc({ tool, status: label.status(event.status), error: String(event.isError) });
        this.#gates(event.facts?.gates);
        return times.tool.observe({ tool }, event.ms / 1000);
      }
      case 'action-run': {
        const { action, status, isError, facts } = event;
        counters.actions.inc({ action, status: label.status(status), error: String(isError) });
        return this.#gates(facts.gates);
      }
      case 'held-decided':
        return this.#gates(event.gates);
      case 'transfer':
        return counters.transfers.inc({ way: event.way, reason: event.end.reason });
      case 'call-not-placed':
        return counters.unplaced.inc({ trunk: label.trunk(event.trunk), reason: event.end.reason });
      case 'call-replaced':
        return counters.replaced.inc();
      case 'call-ended':
        return this.#ended(event);
      case 'recording-begun':
        return counters.recordingsBegun.inc();
      case 'recorded': {
        const { end, seconds, lostMs } = event.recorded;
        counters.recordings.inc({ result: end.result, reason: end.reason });
        counters.recorded.inc(seconds);
        return counters.recordingLost.inc(lostMs / 1000);
      }
      case 'recording-found':
        return counters.recordings.inc({ result: event.end.result, reason: event.end.reason });
      case 'worker-lost':
        counters.workers.inc();
        return counters.legs.inc(event.legs);
    }
  }

  #gates(decisions: readonly GateDecision[] = []): void {
    for (const { gate, decision } of decisions)
      this.#series.counters.gates.inc({ gate: this.#label.gate(gate), decision });
  }

  #ended({ call, end, answered, seconds, stats }: Extract<BridgeEvent, { type: 'call-ended' }>): void {
    const { counters, times } = this.#series;
    this.#active.delete(call);
    counters.ended.inc({ result: end.result, reason: end.reason, answered: String(answered) });
    counters.packets.inc(stats.packetsLost);
    counters.gaps.inc(stats.framesConcealed);
    if (stats.firstAudioMs !== undefined) times.firstAudio.observe(stats.firstAudioMs / 1000);
    if (!answered) return;
    times.call.observe(seconds);
    counters.answered.inc({ codec: this.#label.codec(stats.codec) });
  }
}

/**
 * Series that alarms are for (docs/deployment.md) are there from the start. Of one that begins with what it counts, Prometheus
 * sees no rise: its first failure, often the only one, would raise no alarm.
 */
function beginAtZero({ ended, refused, recordings, apiKeys }: ReturnType<typeof series>['counters']): void {
  for (const reason of Object.keys(endings) as EndingReason[]) {
    const [result] = endings[reason];
    if (result !== 'us' && result !== 'agent') continue;
    if (reason.startsWith('recording-')) {
      recordings.inc({ result, reason }, 0);
      continue;
    }
    for (const answered of ['true', 'false']) ended.inc({ result, reason, answered }, 0);
  }
  for (const cause of keyFaults) apiKeys.inc({ cause }, 0);
  for (const reason of ['over-capacity', 'overloaded']) refused.inc({ status: '503', reason }, 0);
}

function series(registry: Registry, prefix: string) {
  const registers = [registry];
  const counter = <L extends string = never>(name: string, help: string, ...labelNames: readonly L[]) =>
    new Counter({ name: `${prefix}${name}_total`, help, labelNames, registers });
  const seconds = <L extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    ...labelNames: readonly L[]
  ) => new Histogram({ name: `${prefix}${name}_seconds`, help, buckets, labelNames, registers });
  return {
    counters: {
      arrived: counter('calls_arrived', 'Calls that were let in, by trunk', 'trunk'),
      registrations: counter('registrations', 'Registrations that began or failed', 'trunk', 'outcome'),
      placed: counter('calls_placed', 'Calls that we made, by trunk', 'trunk'),
      ended: counter('calls', 'Calls that are over, by how they ended', 'result', 'reason', 'answered'),
      answered: counter('calls_answered', 'Answered calls that are over, by codec', 'codec'),
      refused: counter('invites_refused', 'INVITEs that made no call', 'status', 'reason'),
      peers: counter('peers_refused', 'Connections and messages refused before they were read', 'cause'),
      apiKeys: counter('api_keys_refused', 'Requests over HTTP without a key that lets them in', 'cause'),
      keys: counter('srtp_keys_ignored', 'Offers of SRTP that were taken as plain RTP', 'cause'),
      headers: counter('headers_dropped', 'Header fields that were not passed on to the agent'),
      initiations: counter('initiation_webhooks', 'Calls the operator was asked about', 'outcome', 'cause'),
      webhooks: counter('webhooks', 'Attempts to tell the operator of a call', 'event', 'outcome', 'cause'),
      retries: counter('agent_retries', 'Conversations that were started a second time', 'reason'),
      lost: counter(
        'agents_lost',
        'Agents that were lost in the middle of a call, by what was done about it',
        'reason',
        'way',
      ),
      tools: counter('tool_runs', 'Client tools that were run', 'tool', 'status', 'error'),
      actions: counter('actions', "What the operator's programs had done", 'action', 'status', 'error'),
      gates: counter(
        'gate_decisions',
        "What the gates said of what tools and the operator's programs wanted",
        'gate',
        'decision',
      ),
      transfers: counter('transfers', 'Transfers that the agent wanted, by how they went', 'way', 'reason'),
      unplaced: counter('calls_not_placed', 'Calls that we did not make, by why', 'trunk', 'reason'),
      replaced: counter('calls_replaced', 'Calls that another telephone took over (Replaces)'),
      packets: counter('rtp_packets_lost', 'RTP packets that never arrived, of calls that are over'),
      gaps: counter('frames_concealed', 'Gaps in the sound of callers that were filled in'),
      recordingsBegun: counter('recordings_begun', 'Recordings that were begun'),
      recordings: counter('recordings', 'Recordings that are over, by how they ended', 'result', 'reason'),
      recorded: counter('recorded_seconds', 'Length of recordings that are over'),
      recordingLost: counter('recording_lost_seconds', 'Sound that the disk was too slow to record'),
      workers: counter('workers_lost', 'Worker threads that died'),
      legs: counter('legs_lost', 'Legs that went with a worker that died'),
    },
    times: {
      setup: seconds('call_setup', 'INVITE to 200', setupBuckets),
      agent: seconds('agent_setup', 'Connecting to the agent to its metadata', setupBuckets),
      resumed: seconds('agent_resumed', 'Loss of an agent to the next conversation', setupBuckets),
      firstAudio: seconds('first_audio', 'First sound of the agent to its first packet', firstAudioBuckets),
      initiation: seconds('initiation_webhook', 'How long the initiation webhook took', setupBuckets),
      delivery: seconds('webhook_delivery', 'From an event to its delivery to the operator', deliveryBuckets),
      call: seconds('call_length', 'Length of answered calls', callBuckets),
      tool: seconds('tool_run', 'How long client tools took', setupBuckets, 'tool'),
    },
  };
}
