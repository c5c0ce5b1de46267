import { describe, expect, it } from 'vitest';
import { callingOf, type Figures, median, ratioOf, ratiosInWords } from '../../../../src/sim/load/figures.ts';
import type { AgentReport, GeneratorReport } from '../../../../src/sim/load/messages.ts';
import { profiles } from '../../../../src/sim/load/profile.ts';
import { tableOf } from '../../../../src/sim/load/table.ts';

const none = { count: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 };
const whole = { least: 1, most: 1 };

const generator = (marks: Partial<GeneratorReport['marks']>): GeneratorReport => ({
  seconds: 10,
  packetsSent: 0,
  packetsReceived: 0,
  lost: 0,
  disordered: 0,
  dead: 0,
  pace: whole,
  drift: undefined,
  lateness: none,
  interval: none,
  gaps: 0,
  unopened: 0,
  own: none,
  setup: none,
  answered: 1,
  failed: [],
  refused: 0,
  dropped: 0,
  marks: { answered: [], speech: [], silence: [], word: [], ...marks },
});

const agent = (marks: Partial<AgentReport['marks']>): AgentReport => ({
  conversations: 1,
  messagesReceived: 0,
  messagesSent: 0,
  pace: whole,
  own: none,
  others: 0,
  marks: { ready: [], greeting: [], turn: [], cut: [], heard: [], ...marks },
});

const at = (...times: number[]) => times.map(time => ({ call: 0, at: time }));
const options = { profile: profiles.pcmu, complaints: [] };

describe('the times of calls', () => {
  it('are taken across the two processes that saw them', () => {
    const calling = callingOf(
      generator({
        answered: at(1010),
        speech: at(1024, 5012),
        silence: at(3000, 7018),
        word: at(2000, 9000),
      }),
      agent({ ready: at(1000), greeting: at(1001), turn: at(5000), cut: at(7000), heard: at(2075) }),
      options,
    );
    expect(calling.agentToAnswer.max).toBe(10);
    // The greeting waited for the answer.
    expect(calling.firstSpeech.max).toBe(14);
    expect(calling.turn.max).toBe(12);
    expect(calling.bargeIn.max).toBe(18);
    expect(calling.callerToAgent).toMatchObject({ count: 1, max: 75, missed: 0 });
  });

  it('leave out causes whose effects the end of the run may have cut off', () => {
    const calling = callingOf(generator({ speech: at(1000) }), agent({ turn: at(990, 9000) }), options);
    expect(calling.turn).toMatchObject({ count: 1, missed: 0 });
  });

  it('leave out calls that nobody listens to', () => {
    const deaf = [{ call: 100, at: 1000 }];
    const calling = callingOf(generator({ word: at(9000) }), agent({ turn: deaf }), {
      ...options,
      profile: profiles.g722,
    });
    expect(calling.turn.missed).toBe(0);
  });
});

const figures = (subject: Figures['subject'], percent: number, p99: number): Figures => ({
  subject,
  calls: 50,
  seconds: 10,
  cpu: { percent, perCall: percent / 50, threads: [{ name: 'main', percent }] },
  memory: { idle: 50, loaded: 100, perCall: 1 },
  collections: { count: 0, totalMs: 0, maxMs: 0 },
  wire: {
    received: 25_000,
    lost: 7,
    disordered: 0,
    gaps: 0,
    dead: 0,
    pace: whole,
    lateness: { ...none, p99 },
    interval: none,
  },
  agent: { received: 1, sent: 1, pace: whole },
  observers: {
    telephones: none,
    agent: none,
    made: { telephones: 'compiled', agent: 'compiled' },
    cpu: { telephones: 1, agent: 2, others: 3, stolen: 4 },
  },
  ...(subject === 'bridge'
    ? {
        lags: { main: 1.25, worker: 3 },
        calling: callingOf(generator({}), agent({}), { ...options, complaints: [] }),
      }
    : {}),
});

describe('the comparison', () => {
  it('divides what it costs and subtracts how late it is', () => {
    expect(ratioOf(figures('bridge', 20, 4), figures('floor', 16, 2.5))).toMatchObject({
      cpu: 1.25,
      added: 0.08,
      memory: 1,
      latenessP99: 1.5,
    });
  });

  it('says the median of the pairs, and how far they lie apart', () => {
    const pairs = [20, 26, 23].map(percent => ({
      ratio: ratioOf(figures('bridge', percent, 4), figures('plain', 20, 4)),
    }));
    const { median: middle, words } = ratiosInWords(pairs, 50, 'calls in the clear');
    expect(middle).toMatchObject({ calls: 50, cpu: 1.15, added: 0.06 });
    expect(words).toContain(
      '50 calls against calls in the clear: CPU x 1.15, +0.06 % of a core a call (+0 to +0.12)',
    );
    expect(ratiosInWords(pairs.slice(0, 1), 50, 'the floor').words).toContain(
      '+0 % of a core a call, memory',
    );
  });

  it('takes the middle one of several', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([1, 2])).toBe(2);
    expect(median([])).toBeNaN();
  });
});

describe('the table', () => {
  const table = tableOf([figures('bridge', 20, 4), figures('floor', 16, 2.5)]);
  const row = (name: string) => table.split('\n').find(line => line.includes(name));

  it('has a column for each and every row of the same width', () => {
    expect(table.split('\n')[0]).toMatch(/bridge, 50 calls.*floor, 50 calls/);
    expect(new Set(table.split('\n').map(line => line.length)).size).toBe(1);
  });

  it('names every thread beside its lag', () => {
    expect(row('event-loop lag')).toMatch(/\| main 1\.3, worker 3\.0 +\| - +\|/);
  });

  it('leaves out what nobody has', () => {
    expect(row('wrong tag')).toBeUndefined();
    const plain = figures('bridge', 20, 4);
    const sealed = { ...plain, wire: { ...plain.wire, unopened: 2 } };
    expect(tableOf([sealed, plain])).toMatch(/wrong tag +\| 2 +\| - +\|/);
  });

  it('shows loss, and a dash where the floor has nothing to say', () => {
    expect(row('packets lost')).toMatch(/\| 7 +\| 7 +\|/);
    expect(row('barge-in')).toMatch(/\| 0 \/ 0 \/ 0 \/ 0 +\| - +\|/);
  });
});
