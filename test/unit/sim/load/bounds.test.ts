import { describe, expect, it } from 'vitest';
import { type Bound, boundsInWords, boundsOf, isMet, tlsBounds } from '../../../../src/sim/load/bounds.ts';
import type { Figures } from '../../../../src/sim/load/figures.ts';

const times = { count: 1000, mean: 1, p50: 1, p95: 2, p99: 3, max: 10 };
const delay = { ...times, missed: 0 };

interface Seen {
  readonly subject?: Figures['subject'];
  readonly calls?: number;
  readonly perCall?: number;
  readonly lost?: number;
  readonly max?: number;
}

function figures({ subject = 'bridge', calls = 200, perCall = 0.3, lost = 0, max = 10 }: Seen): Figures {
  return {
    subject,
    calls,
    seconds: 10,
    cpu: { percent: perCall * calls, perCall, threads: [] },
    memory: { idle: 70, loaded: 100, perCall: 0.2 },
    collections: { count: 0, totalMs: 0, maxMs: 0 },
    wire: {
      received: 1000,
      lost,
      disordered: 0,
      gaps: 0,
      dead: 0,
      pace: { least: 0.998, most: 1 },
      lateness: { ...times, max },
      interval: times,
      ...(subject === 'floor' ? {} : { unopened: 0 }),
    },
    agent: { received: 1, sent: 1, pace: { least: 1, most: 1 } },
    observers: {
      telephones: times,
      agent: times,
      made: { telephones: 'compiled', agent: 'compiled' },
      cpu: { telephones: 1, agent: 1, others: 0, stolen: 0 },
    },
    calling: {
      answered: calls,
      failed: [],
      dropped: 0,
      inviteToAnswer: times,
      agentToAnswer: delay,
      firstSpeech: delay,
      turn: delay,
      bargeIn: delay,
      callerToAgent: delay,
      complaints: [],
    },
  };
}

const pcmu = { profile: 'pcmu', wss: false, recording: false } as const;
const found = (bounds: readonly Bound[], words: string) => bounds.find(({ what }) => what.includes(words));

describe('what was promised', () => {
  it('is held against the median of the pairs, and what must never be against the worst', () => {
    const pairs = [0.3, 0.5, 0.4].map((perCall, i) => ({
      bridge: figures({ perCall, lost: i === 0 ? 2 : 0 }),
      other: figures({ subject: 'floor', perCall: 0.25 }),
    }));
    const bounds = boundsOf(pairs, pcmu);
    expect(found(bounds, 'CPU against the floor')).toEqual({
      what: '200 calls: CPU against the floor, times',
      value: 1.6,
      most: 1.4,
    });
    expect(found(bounds, 'packets lost')?.value).toBe(2);
    expect(bounds.filter(bound => !isMet(bound))).toHaveLength(2);
  });

  it('compares how late both were', () => {
    const pair = { bridge: figures({ max: 14 }), other: figures({ subject: 'floor', max: 10 }) };
    expect(found(boundsOf([pair], pcmu), 'lateness max over the floor')).toMatchObject({ value: 4, most: 3 });
  });

  it('counts calls that never came up', () => {
    const bridge = figures({});
    const calling = { ...bridge.calling!, answered: 150, dropped: 1 };
    const pair = { bridge: { ...bridge, calling }, other: figures({ subject: 'floor' }) };
    expect(found(boundsOf([pair], pcmu), 'not answered')).toMatchObject({ value: 51, most: 0 });
  });

  it('lets a packet lie on either edge of the window before a stream is called slow', () => {
    const pair = { bridge: figures({}), other: figures({ subject: 'floor' }) };
    expect(found(boundsOf([pair], pcmu), 'behind real time')).toMatchObject({ value: 0.002, most: 0.005 });
  });

  it('is for each number of calls its own', () => {
    const pairs = [50, 200].map(calls => ({
      bridge: figures({ calls }),
      other: figures({ subject: 'floor', calls }),
    }));
    const words = boundsOf(pairs, pcmu).map(({ what }) => what);
    expect(words).toContain('50 calls: send lateness p99, ms');
    expect(words).not.toContain('200 calls: send lateness p99, ms');
    expect(words).toContain('200 calls: memory of a call, MB');
  });

  it('is that a call costs no more among many than among fewer, however they are told', () => {
    const pairs = [400, 100, 200].map(calls => ({
      bridge: figures({ calls, perCall: calls === 400 ? 0.35 : 0.4 - calls / 1000 }),
      other: figures({ subject: 'floor', calls }),
    }));
    const rises = boundsOf(pairs, pcmu).filter(({ what }) => what.includes('above that of'));
    expect(rises).toEqual([
      { what: '200 calls: CPU of a call above that of 100 calls, % of a core', value: -0.1, most: 0 },
      { what: '400 calls: CPU of a call above that of 200 calls, % of a core', value: 0.15, most: 0 },
    ]);
    const plain = pairs.map(({ bridge }) => ({
      bridge,
      other: figures({ subject: 'plain', calls: bridge.calls }),
    }));
    expect(found(boundsOf(plain, pcmu), 'above that of')).toBeUndefined();
  });

  it('is that TLS makes the bridge dearer by no more than the floor', () => {
    const pair = (perCall: number, floor: number, calls = 200) => ({
      bridge: figures({ perCall, calls }),
      other: figures({ subject: 'floor', perCall: floor, calls }),
    });
    const clear = [pair(0.3, 0.2), pair(0.5, 0.4, 100)];
    expect(tlsBounds(clear, [pair(0.42, 0.3), pair(0.6, 0.3, 50)])).toEqual([
      expect.objectContaining({ what: expect.stringContaining('200 calls: '), value: 1.4, most: 1.5 }),
    ]);
    expect(tlsBounds(clear, [pair(0.5, 0.3)]).filter(bound => !isMet(bound))).toHaveLength(1);
  });

  it('is of a barge-in how long it is heard, with a hundred calls', () => {
    const of = (calls: number) =>
      boundsOf([{ bridge: figures({ calls }), other: figures({ subject: 'floor', calls }) }], pcmu);
    expect(found(of(100), 'barge-in')).toMatchObject({ value: 3, most: 40 });
    expect(found(of(200), 'barge-in')).toBeUndefined();
  });

  it('is not met by what was never heard, and not judged where there was nothing to hear', () => {
    const told = (bargeIn: typeof delay) => {
      const bridge = figures({ calls: 100 });
      const pair = {
        bridge: { ...bridge, calling: { ...bridge.calling!, bargeIn } },
        other: figures({ subject: 'floor', calls: 100 }),
      };
      return found(boundsOf([pair], pcmu), 'barge-in')?.value;
    };
    expect(told({ ...delay, missed: 10 })).toBe(3);
    expect(told({ ...delay, missed: 11 })).toBe(1500);
    expect(told({ ...delay, count: 0, max: 0, p99: 0, missed: 1 })).toBe(1500);
    expect(told({ ...delay, count: 0, max: 0, p99: 0 })).toBeUndefined();
  });

  it('is of SRTP what it adds to a call', () => {
    const pair = { bridge: figures({ perCall: 0.4 }), other: figures({ subject: 'plain', perCall: 0.3 }) };
    const bounds = boundsOf([pair], pcmu);
    expect(found(bounds, 'SRTP adds')).toMatchObject({ value: 0.1, most: 0.15 });
    expect(found(bounds, 'floor')).toBeUndefined();
  });

  it('is written as a table', () => {
    const lines = boundsInWords([
      { what: 'one', value: 1, most: 2 },
      { what: 'other', value: 3, most: 2 },
    ]).split('\n');
    expect(lines[2]).toMatch(/^\| one +\| 1 +\| 2 +\| met +\|$/);
    expect(lines[3]).toMatch(/^\| other +\| 3 +\| 2 +\| missed +\|$/);
  });
});
