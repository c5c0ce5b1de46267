import perfHooks from 'node:perf_hooks';
import { describe, expect, it, vi } from 'vitest';
import { ending, endings } from '../../../src/core/ending.ts';
import type { BridgeEvent } from '../../../src/core/events.ts';
import type { CallKey, LegId } from '../../../src/core/ids.ts';
import { noLegStats } from '../../../src/core/leg-stats.ts';
import { createMetrics } from '../../../src/observability/metrics.ts';
import type { QueueCounts } from '../../../src/observability/store-totals.ts';
import type { WorkerPulse } from '../../../src/observability/worker-totals.ts';
import { latenessBuckets } from '../../../src/worker/messages.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const call = (n: number) => `call_${n}` as CallKey;
const leg = 'leg_1' as LegId;

const arrived = (n: number): BridgeEvent => ({
  type: 'call-arrived',
  call: call(n),
  sipCallId: 'x',
  callId: 'x',
  caller: '',
  called: '',
  trunk: 'default',
  headersDropped: 1,
});

const ended = (n: number, answered = true): BridgeEvent => ({
  type: 'call-ended',
  call: call(n),
  end: ending('caller-hung-up'),
  answered,
  seconds: 42,
  stats: { ...noLegStats, codec: 'G722', packetsLost: 3, firstAudioMs: 15 },
});

/** Value of one series in the text that is scraped. */
async function scraped(metrics: ReturnType<typeof createMetrics>) {
  const text = await metrics.registry.metrics();
  return (series: string) => {
    const line = text.split('\n').find(one => one.startsWith(`trunkbridge_${series} `));
    return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
  };
}

describe('metrics of calls', () => {
  it('count calls that are up, and end at zero', async () => {
    const metrics = createMetrics({ process: false });
    for (const event of [arrived(1), arrived(2), ended(1)]) metrics.count(event);
    expect((await scraped(metrics))('calls_active')).toBe(1);
    metrics.count(ended(2));
    metrics.count(ended(2));
    expect((await scraped(metrics))('calls_active')).toBe(0);
  });

  it('count every event by what happened', async () => {
    const metrics = createMetrics({ process: false });
    const events: BridgeEvent[] = [
      arrived(1),
      {
        type: 'agent-ready',
        call: call(1),
        conversationId: 'c',
        input: 'pcm_16000',
        output: 'pcm_16000',
        setupMs: 240,
      },
      { type: 'agent-retry', call: call(1), end: ending('agent-start-failed') },
      { type: 'call-answered', call: call(1), setupMs: 640, leg },
      {
        type: 'tool-run',
        call: call(1),
        tool: 'check_SMS_verification',
        status: 'approved',
        isError: false,
        ms: 80,
      },
      ended(1),
      { type: 'invite-refused', status: 503, end: ending('over-capacity'), source: '10.0.0.1' },
      { type: 'peer-refused', cause: 'source-not-allowed', source: '192.0.2.1' },
      { type: 'api-key-refused', cause: 'unknown', source: '192.0.2.1' },
      { type: 'worker-lost', worker: 1, legs: 7 },
      { type: 'keys-ignored', call: call(1), cause: 'cleartext-signalling' },
    ];
    for (const event of events) metrics.count(event);
    const value = await scraped(metrics);
    expect(value('calls_arrived_total{trunk="default"}')).toBe(1);
    expect(value('srtp_keys_ignored_total{cause="cleartext-signalling"}')).toBe(1);
    expect(value('headers_dropped_total')).toBe(1);
    expect(value('agent_setup_seconds_bucket{le="0.2"}')).toBe(0);
    expect(value('agent_setup_seconds_bucket{le="0.3"}')).toBe(1);
    expect(value('agent_retries_total{reason="agent-start-failed"}')).toBe(1);
    expect(value('call_setup_seconds_sum')).toBeCloseTo(0.64);
    expect(value('tool_runs_total{tool="check_SMS_verification",status="approved",error="false"}')).toBe(1);
    expect(value('calls_total{result="success",reason="caller-hung-up",answered="true"}')).toBe(1);
    expect(value('calls_answered_total{codec="G722"}')).toBe(1);
    expect(value('rtp_packets_lost_total')).toBe(3);
    expect(value('first_audio_seconds_bucket{le="0.02"}')).toBe(1);
    expect(value('call_length_seconds_sum')).toBe(42);
    expect(value('invites_refused_total{status="503",reason="over-capacity"}')).toBe(1);
    expect(value('peers_refused_total{cause="source-not-allowed"}')).toBe(1);
    expect(value('api_keys_refused_total{cause="unknown"}')).toBe(1);
    expect(value('workers_lost_total')).toBe(1);
    expect(value('legs_lost_total')).toBe(7);
  });

  it('begin at zero where alarms look at them: of a series that begins with its first event no rise is seen', async () => {
    const metrics = createMetrics({ process: false });
    const value = await scraped(metrics);
    for (const [reason, [result]] of Object.entries(endings)) {
      if (result !== 'us' && result !== 'agent') continue;
      const series = reason.startsWith('recording-')
        ? [`recordings_total{result="us",reason="${reason}"}`]
        : ['true', 'false'].map(
            answered => `calls_total{result="${result}",reason="${reason}",answered="${answered}"}`,
          );
      for (const one of series) expect([one, value(one)]).toEqual([one, 0]);
    }
    expect(value('invites_refused_total{status="503",reason="over-capacity"}')).toBe(0);
    expect(value('invites_refused_total{status="503",reason="overloaded"}')).toBe(0);
    metrics.count({ type: 'trunk-registered', trunk: 'carrier', registered: true, status: 200 });
    const then = await scraped(metrics);
    expect(then('registrations_total{trunk="carrier",outcome="registered"}')).toBe(1);
    expect(then('registrations_total{trunk="carrier",outcome="failed"}')).toBe(0);
  });

  it('do not count the length of a call that was never answered', async () => {
    const metrics = createMetrics({ process: false });
    metrics.count(ended(1, false));
    expect((await scraped(metrics))('call_length_seconds_count')).toBe(0);
  });

  it('count what each gate said of a send, without saying why', async () => {
    const metrics = createMetrics({ process: false });
    const gates = [
      { gate: 'kill_switch', decision: 'pass' },
      { gate: 'allow_sends', decision: 'refuse', detail: 'off' },
    ] as const;
    const run = { type: 'tool-run', tool: 'twilio_send_sms', status: 'human_needed', isError: true } as const;
    metrics.count({ ...run, call: call(1), ms: 1, facts: { gates } });
    metrics.count({ ...run, call: call(2), ms: 1 });
    const action = { type: 'action-run', action: 'sendSMS', by: 'crm', status: 'not_allowed' } as const;
    const denied = { gate: 'recipient', decision: 'refuse', detail: 'denied_country' } as const;
    metrics.count({ ...action, isError: true, ms: 1, facts: { gates: [denied] } });
    metrics.count({ ...action, status: 'done', isError: false, ms: 1, facts: {} });
    const value = await scraped(metrics);
    expect(value('actions_total{action="sendSMS",status="not_allowed",error="true"}')).toBe(1);
    expect(value('actions_total{action="sendSMS",status="done",error="false"}')).toBe(1);
    expect(value('gate_decisions_total{gate="recipient",decision="refuse"}')).toBe(1);
    expect(value('gate_decisions_total{gate="kill_switch",decision="pass"}')).toBe(1);
    expect(value('gate_decisions_total{gate="allow_sends",decision="refuse"}')).toBe(1);
    expect(await metrics.registry.metrics()).not.toMatch(/(?<!switched-)off|denied_country|crm/);
  });

  it('count what was decided on a held send', async () => {
    const metrics = createMetrics({ process: false });
    const decided = { type: 'held-decided', held: 'held_1', by: 'ops', status: 'queued' } as const;
    const content = { gate: 'content', decision: 'pass' } as const;
    metrics.count({
      ...{ ...decided, decision: 'approved' },
      gates: [{ gate: 'approved', decision: 'pass' }, content],
    });
    const refused = { gate: 'approved', decision: 'refuse', detail: 'person' } as const;
    metrics.count({ ...decided, decision: 'refused', gates: [refused] });
    const value = await scraped(metrics);
    for (const labels of ['gate="approved",decision="pass"', 'gate="approved",decision="refuse"'])
      expect(value(`gate_decisions_total{${labels}}`)).toBe(1);
    expect(value('gate_decisions_total{gate="content",decision="pass"}')).toBe(1);
    expect(await metrics.registry.metrics()).not.toMatch(/person|held_1|ops/);
  });

  it('do not grow with names that an agent makes up', async () => {
    const metrics = createMetrics({ process: false });
    for (let i = 0; i < 1_000; i++) {
      metrics.count({ type: 'tool-run', call: call(1), tool: `t${i}`, status: 'x', isError: true, ms: 1 });
    }
    metrics.count({ type: 'tool-run', call: call(1), tool: 'a\n"b', status: 'x', isError: true, ms: 1 });
    const text = await metrics.registry.metrics();
    expect(
      text.split('\n').filter(line => line.startsWith('trunkbridge_tool_runs_total{')).length,
    ).toBeLessThan(60);
    expect((await scraped(metrics))('tool_runs_total{tool="other",status="x",error="true"}')).toBeGreaterThan(
      900,
    );
  });

  it('have one prefix, and those of the process too', async () => {
    const text = await createMetrics().registry.metrics();
    const names = text.split('\n').filter(line => line !== '' && !line.startsWith('#'));
    expect(names.filter(name => !name.startsWith('trunkbridge_'))).toEqual([]);
    expect(text).toContain('trunkbridge_process_cpu_seconds_total');
  });

  it('do not wake an idle thread to look how late it is, and tell nothing of such looks', async () => {
    const looks = vi.spyOn(perfHooks, 'monitorEventLoopDelay');
    const text = await createMetrics().registry.metrics();
    expect(looks).toHaveBeenCalledOnce();
    expect(looks.mock.calls[0]?.[0]?.resolution).toBeGreaterThanOrEqual(1000);
    expect(text).not.toMatch(/eventloop_lag_(min|max|mean|stddev|p\d+)_seconds/);
    looks.mockRestore();
  });
});

describe('metrics of workers', () => {
  const zeros = new Array<number>(latenessBuckets.length + 1).fill(0);
  const pulse = (packets: number, more: Partial<WorkerPulse['metrics']> = {}): WorkerPulse => ({
    legs: 2,
    ports: 4,
    metrics: {
      packetsReceived: packets,
      packetsSent: packets * 2,
      packetsDropped: { stranger: packets },
      agentMessages: { audio: packets },
      lateness: zeros.with(0, packets),
      bargeIn: zeros,
      playoutMs: 0,
      overflowMs: 0,
      logDropped: 1,
      ...more,
    },
  });

  it('add up what several workers report as totals', async () => {
    const metrics = createMetrics({ process: false, logDropped: () => 10 });
    metrics.pulse(0, pulse(100));
    metrics.pulse(1, pulse(50));
    metrics.pulse(0, pulse(130));
    const value = await scraped(metrics);
    expect(value('rtp_packets_total{direction="received"}')).toBe(180);
    expect(value('rtp_packets_total{direction="sent"}')).toBe(360);
    expect(value('rtp_packets_dropped_total{cause="stranger"}')).toBe(180);
    expect(value('agent_messages_total{type="audio"}')).toBe(180);
    expect(value('log_lines_dropped')).toBe(12);
    expect([value('workers'), value('legs_active'), value('rtp_ports_used')]).toEqual([2, 4, 8]);
  });

  it('go on counting when a worker is replaced', async () => {
    const metrics = createMetrics({ process: false });
    metrics.pulse(0, pulse(100));
    metrics.workerGone(0);
    expect((await scraped(metrics))('workers')).toBe(0);
    metrics.pulse(0, pulse(5));
    // A new worker under the old number that nobody announced starts below the old total.
    metrics.pulse(0, pulse(2));
    const value = await scraped(metrics);
    expect(value('rtp_packets_total{direction="received"}')).toBe(107);
    expect(value('legs_active')).toBe(2);
  });

  it('give histograms in seconds, each bucket with those below it', async () => {
    const metrics = createMetrics({ process: false });
    metrics.pulse(
      0,
      pulse(0, {
        lateness: zeros.with(0, 5).with(3, 2).with(latenessBuckets.length, 1),
        bargeIn: zeros.with(6, 4),
      }),
    );
    const value = await scraped(metrics);
    expect(value('rtp_send_lateness_seconds_bucket{le="0.0005"}')).toBe(5);
    expect(value('rtp_send_lateness_seconds_bucket{le="0.003"}')).toBe(7);
    expect(value('rtp_send_lateness_seconds_bucket{le="0.16"}')).toBe(7);
    expect(value('rtp_send_lateness_seconds_bucket{le="+Inf"}')).toBe(8);
    expect(value('rtp_send_lateness_seconds_count')).toBe(8);
    expect(value('barge_in_seconds_bucket{le="0.01"}')).toBe(0);
    expect(value('barge_in_seconds_bucket{le="0.02"}')).toBe(4);
    expect(await metrics.registry.metrics()).toContain('# TYPE trunkbridge_barge_in_seconds histogram');
  });
});

describe('metrics of the store', () => {
  it('are read while the database hangs, with what it said last, and ask it once', async () => {
    const metrics = createMetrics({ process: false });
    const clock = new ManualClock();
    const answers: ((counts: QueueCounts) => void)[] = [];
    metrics.store.queue(() => new Promise(resolve => answers.push(resolve)), clock);
    const first = scraped(metrics);
    answers[0]?.({ waiting: 3, dead: 1, oldestMs: 4_000 });
    const told = ['outbox_deliveries{state="waiting"}', 'outbox_deliveries{state="dead"}'];
    expect(told.map(await first)).toEqual([3, 1]);
    expect(clock.pending).toBe(0);
    for (const _ of [1, 2]) {
      const hung = scraped(metrics);
      clock.advance(1_000);
      expect(told.map(await hung)).toEqual([3, 1]);
    }
    expect(answers).toHaveLength(2);
    answers[1]?.({ waiting: 5, dead: 1, oldestMs: 0 });
    await new Promise(setImmediate);
    // The next look asks anew.
    const later = scraped(metrics);
    answers[2]?.({ waiting: 6, dead: 1, oldestMs: 0 });
    expect(told.map(await later)).toEqual([6, 1]);
  });
});
