import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';
import { type EndingReason, ending } from '../../../src/core/ending.ts';
import type { BridgeEvent } from '../../../src/core/events.ts';
import type { CallKey, LegId } from '../../../src/core/ids.ts';
import { type LegStats, noLegStats } from '../../../src/core/leg-stats.ts';
import type { LogFields, Logger } from '../../../src/core/logger.ts';
import { createEventSink, refusalLines } from '../../../src/observability/events.ts';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

function sink() {
  const lines: Line[] = [];
  const counted: BridgeEvent[] = [];
  let now = 0;
  const line =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, fields });
  const log: Logger = {
    trace: line('trace'),
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: () => log,
  };
  const clock: Clock = { now: () => now, wall: () => now, timer: () => ({ cancel: () => undefined }) };
  const events = createEventSink(log, { count: event => void counted.push(event) }, clock);
  return { events, lines, counted, pass: (ms: number) => (now += ms) };
}

const call = 'call_1' as CallKey;
const refused: BridgeEvent = {
  type: 'invite-refused',
  status: 503,
  end: ending('draining'),
  source: '10.0.0.1',
};
const heard = { ...noLegStats, codec: 'PCMU', lateness: { p50: 0, p99: 1.5, max: 4 } };
const ended = (reason: EndingReason, stats: LegStats = heard): BridgeEvent => ({
  type: 'call-ended',
  call,
  end: ending(reason),
  answered: true,
  seconds: 3,
  stats,
});

describe('the sink of events', () => {
  it('logs as much of a fraction as anybody reads, and counts all of it', () => {
    const { events, lines, counted } = sink();
    const setupMs = 161.12516900000628;
    events.emit({ type: 'call-answered', call, setupMs, leg: 'leg_1' as LegId });
    events.emit({ type: 'worker-lost', worker: 1, legs: 2 });
    expect(lines.map(({ fields }) => fields)).toEqual([
      { call, setupMs: 161.125, leg: 'leg_1' },
      { worker: 1, legs: 2 },
    ]);
    expect(counted[0]).toMatchObject({ setupMs });
  });

  it('tells the name of a tool only when no code or number can be in it, since the agent chooses it', () => {
    const { events, lines, counted } = sink();
    const names = ['check_SMS_verification', 'tool_2', 'tool_4711', 'a4b7c1d1', '+14155550123', 'two words'];
    for (const tool of names) {
      events.emit({ type: 'tool-run', call, tool, status: 'unknown_tool', isError: true, ms: 1 });
    }
    const told = ['check_SMS_verification', 'tool_2', 'other', 'other', 'other', 'other'];
    expect(lines.map(({ fields }) => fields['tool'])).toEqual(told);
    expect(counted.map(event => event.type === 'tool-run' && event.tool)).toEqual(told);
  });

  it('counts and logs each event once', () => {
    const { events, lines, counted } = sink();
    const all: BridgeEvent[] = [
      refused,
      { type: 'peer-refused', cause: 'rate', source: '192.0.2.1' },
      { type: 'api-key-refused', cause: 'unknown', source: '192.0.2.1' },
      {
        type: 'call-arrived',
        call,
        sipCallId: 's',
        callId: 'c',
        caller: '+1',
        called: '+2',
        trunk: 't',
        headersDropped: 0,
      },
      {
        type: 'agent-ready',
        call,
        conversationId: 'conv',
        input: 'pcm_8000',
        output: 'pcm_8000',
        setupMs: 1,
      },
      { type: 'agent-retry', call, end: ending('agent-lost') },
      { type: 'call-answered', call, setupMs: 1, leg: 'leg_1' as LegId },
      { type: 'tool-run', call, tool: 't', status: 's', isError: true, ms: 1 },
      { type: 'stream-started', call, streamSid: 'MZ1' },
      ended('caller-hung-up'),
      { type: 'worker-lost', worker: 1, legs: 2 },
      { type: 'action-run', action: 'a', by: 'b', status: 's', isError: false, ms: 1, facts: {} },
    ];
    for (const event of all) events.emit(event);
    expect(counted).toEqual(all);
    expect(lines.map(({ message }) => message)).toEqual([
      'invite refused',
      'peer refused',
      'API key refused',
      'call arrived',
      'agent ready',
      'agent tried again',
      'call answered',
      'tool run',
      'media stream started',
      'call ended',
      'worker lost',
      'action run',
    ]);
    expect(lines.map(({ level }) => level)).toEqual([
      'info',
      'info',
      'info',
      'info',
      'info',
      'warn',
      'info',
      'warn',
      'info',
      'info',
      'error',
      'info',
    ]);
    const ofCalls = lines.slice(3, 10);
    expect(ofCalls.every(({ fields }) => fields['call'] === call)).toBe(true);
  });

  it('says of a call why it ended, in a word and in a sentence, and how it sounded', () => {
    const { events, lines } = sink();
    events.emit(ended('agent-lost'));
    expect(lines[0]).toMatchObject({
      level: 'warn',
      fields: {
        result: 'agent',
        reason: 'agent-lost',
        why: 'The connection to the agent broke.',
        codec: 'PCMU',
        latenessP99: 1.5,
        latenessMax: 4,
      },
    });
  });

  it('says nothing of how late packets left where none was due at a time', () => {
    const { events, lines } = sink();
    events.emit(ended('caller-hung-up', { ...noLegStats, codec: 'PCMU' }));
    expect(lines[0]?.fields).toMatchObject({ codec: 'PCMU' });
    expect(Object.keys(lines[0]?.fields ?? {}).filter(name => name.startsWith('lateness'))).toEqual([]);
  });

  it('makes an error of our own faults alone', () => {
    const { events, lines } = sink();
    for (const reason of ['internal-error', 'no-ports', 'caller-cancelled'] as const)
      events.emit(ended(reason));
    expect(lines.map(({ level }) => level)).toEqual(['error', 'warn', 'info']);
  });

  it('counts every refusal, logs some of a flood, and says how many it did not', () => {
    const { events, lines, counted, pass } = sink();
    for (let i = 0; i < 1_000; i++) events.emit(refused);
    expect(counted).toHaveLength(1_000);
    expect(lines).toHaveLength(refusalLines.burst);
    pass(1_000 / refusalLines.perSecond);
    events.emit(refused);
    events.emit(refused);
    expect(lines).toHaveLength(refusalLines.burst + 1);
    expect(lines.at(-1)?.fields['unsaid']).toBe(1_000 - refusalLines.burst);
  });

  it('logs some of the attempts to tell a server that is down, and each event that is given up', () => {
    const { events, lines } = sink();
    const attempt = (outcome: 'later' | 'dead'): BridgeEvent => {
      const went = { outcome, cause: 'webhook-status', detail: '', attempt: 1, ms: 1, ageMs: 1 };
      return { type: 'webhook', call, event: 'call_ended', ...went };
    };
    for (let i = 0; i < 1_000; i++) events.emit(attempt('later'));
    expect(lines).toHaveLength(refusalLines.burst);
    // Strangers who are refused have lines of their own.
    events.emit(refused);
    for (let i = 0; i < 100; i++) events.emit(attempt('dead'));
    expect(lines).toHaveLength(refusalLines.burst + 101);
  });

  it('never keeps back a line about a call', () => {
    const { events, lines } = sink();
    for (let i = 0; i < 200; i++) events.emit(ended('caller-hung-up'));
    expect(lines).toHaveLength(200);
  });
});
