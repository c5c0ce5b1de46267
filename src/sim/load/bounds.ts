import { type Figures, median, withinMs } from './figures.ts';
import type { Delay } from './join.ts';
import { frameMs, type ProfileName } from './profile.ts';
import { markdown } from './table.ts';

/** What was promised of one figure, and how it stands. */
export interface Bound {
  readonly what: string;
  readonly value: number;
  readonly most: number;
}

export const isMet = ({ value, most }: Bound): boolean => value <= most;

/** How the runs were made, as far as promises ask for it. */
export interface Terms {
  readonly profile: ProfileName;
  readonly wss: boolean;
  readonly recording: boolean;
}

export interface Pair {
  readonly bridge: Figures;
  readonly other: Figures;
}

/** Where it applies, the figure of one pair. The median of all pairs is held against `most`, or the worst of them. */
interface Promised {
  readonly what: string;
  readonly most: number | ((pair: Pair) => number);
  readonly applies: (terms: Terms, pair: Pair) => boolean;
  readonly worst?: true;
  readonly figure: (pair: Pair) => number | undefined;
}

const beside =
  (subject: Figures['subject']) =>
  (_terms: Terms, { other }: Pair) =>
    other.subject === subject;
const toFloor = beside('floor');
const passesThrough = ({ profile, wss, recording }: Terms) => profile === 'pcmu' && !wss && !recording;
const spread = (of: (figures: Figures) => number) => (pair: Pair) => of(pair.bridge) - of(pair.other);
/** What a share of delays stayed within, where nothing followed as the longest of all; undefined where there was nothing to see. */
function atMost(delay: Delay | undefined, part: 'p95' | 'p99'): number | undefined {
  if (delay === undefined || delay.count + delay.missed === 0) return undefined;
  const spared = (delay.count + delay.missed) * (part === 'p95' ? 0.05 : 0.01);
  return delay.missed > spared ? Math.max(delay.max, withinMs.sound) : delay[part];
}
const overFloorMs = 3;
/** Bytes that a packet may leave on the heap beyond what it leaves of the bare program's (scripts/media-cost.mjs). */
export const mostHeapOfPacket = 32;
/** The first and the last packet may lie on either side of the edges of the window. */
const edges = (seconds: number) => (2 * frameMs) / (seconds * 1000);

/** What is promised of a run beside another one. */
const promises: readonly Promised[] = [
  {
    what: 'CPU against the floor, times',
    most: 1.4,
    applies: (terms, pair) => toFloor(terms, pair) && passesThrough(terms),
    figure: ({ bridge, other }) => bridge.cpu.percent / other.cpu.percent,
  },
  {
    what: 'CPU against the floor, times',
    most: 2.2,
    applies: (terms, pair) => toFloor(terms, pair) && terms.profile === 'g722' && !terms.wss,
    figure: ({ bridge, other }) => bridge.cpu.percent / other.cpu.percent,
  },
  {
    what: 'SRTP adds to a call, % of a core',
    most: 0.15,
    applies: beside('plain'),
    figure: spread(({ cpu }) => cpu.perCall),
  },
  {
    what: 'memory of a call, MB',
    most: 0.25,
    applies: (terms, pair) => toFloor(terms, pair) && passesThrough(terms) && pair.bridge.calls >= 200,
    figure: ({ bridge }) => bridge.memory.perCall,
  },
  {
    what: 'calls not answered, or dropped',
    most: 0,
    worst: true,
    applies: () => true,
    figure: ({ bridge: { calls, calling } }) =>
      calling && Math.max(0, calls - calling.answered) + calling.dropped,
  },
  {
    what: 'packets lost',
    most: 0,
    worst: true,
    applies: () => true,
    figure: ({ bridge }) => bridge.wire.lost,
  },
  {
    what: 'packets with a wrong tag',
    most: 0,
    worst: true,
    applies: beside('plain'),
    figure: ({ bridge }) => bridge.wire.unopened,
  },
  {
    what: 'slowest stream behind real time, share',
    most: ({ bridge }) => 0.0005 + edges(bridge.seconds),
    worst: true,
    applies: toFloor,
    figure: ({ bridge }) => 1 - bridge.wire.pace.least,
  },
  {
    what: 'drift of a stream, ppm',
    most: 100,
    worst: true,
    applies: toFloor,
    figure: ({ bridge }) => bridge.wire.drift && Math.abs(bridge.wire.drift.worst),
  },
  {
    what: 'send lateness p99, ms',
    most: 5,
    applies: (terms, pair) => toFloor(terms, pair) && pair.bridge.calls <= 100,
    figure: ({ bridge }) => bridge.wire.lateness.p99,
  },
  ...(['lateness', 'interval'] as const).flatMap(name =>
    (['p99', 'max'] as const).map(part => ({
      what: `${name === 'lateness' ? 'send lateness' : 'packet interval'} ${part} over the floor, ms`,
      most: overFloorMs,
      applies: toFloor,
      figure: spread(({ wire }) => wire[name][part]),
    })),
  ),
  {
    what: 'agent message to RTP p95, ms',
    most: 20,
    applies: toFloor,
    figure: ({ bridge }) => atMost(bridge.calling?.turn, 'p95'),
  },
  {
    what: 'caller RTP to agent message p95, ms',
    most: frameMs + 5,
    applies: toFloor,
    figure: ({ bridge }) => atMost(bridge.calling?.callerToAgent, 'p95'),
  },
  {
    what: 'barge-in to silence p99, ms',
    most: 40,
    applies: (terms, pair) => toFloor(terms, pair) && pair.bridge.calls <= 100,
    figure: ({ bridge }) => atMost(bridge.calling?.bargeIn, 'p99'),
  },
  {
    what: 'agent ready to 200 p95, ms',
    most: 5,
    applies: toFloor,
    figure: ({ bridge }) => atMost(bridge.calling?.agentToAnswer, 'p95'),
  },
];

/** What was promised of these pairs: for each number of calls, and of one beside the next. */
export function boundsOf(pairs: readonly Pair[], terms: Terms): Bound[] {
  const each = numbersOf(pairs).flatMap(calls => {
    const some = among(pairs, calls);
    const [first] = some;
    if (first === undefined) return [];
    return promises.flatMap(({ what, most, applies, worst, figure }) => {
      if (!applies(terms, first)) return [];
      const values = some.map(figure).filter(value => value !== undefined);
      if (values.length === 0) return [];
      return [
        {
          what: `${calls} calls: ${what}`,
          value: thousandths(worst ? Math.max(...values) : median(values)),
          most: thousandths(typeof most === 'number' ? most : most(first)),
        },
      ];
    });
  });
  return [...each, ...risesOf(pairs)];
}

/** A call costs no more among many than among fewer. */
function risesOf(pairs: readonly Pair[]): Bound[] {
  if (pairs.some(({ other }) => other.subject !== 'floor')) return [];
  const numbers = numbersOf(pairs);
  const cost = (calls: number) => median(among(pairs, calls).map(({ bridge }) => bridge.cpu.perCall));
  return numbers.slice(1).map((calls, i) => {
    const fewer = numbers[i]!;
    return {
      what: `${calls} calls: CPU of a call above that of ${fewer} calls, % of a core`,
      value: thousandths(cost(calls) - cost(fewer)),
      most: 0,
    };
  });
}

/** TLS to the agent makes the bridge dearer by no larger a share than it does the floor: its ratio to the floor stays what it was. */
export function tlsBounds(clear: readonly Pair[], encrypted: readonly Pair[]): Bound[] {
  const ratio = (pairs: readonly Pair[], calls: number) =>
    thousandths(
      median(among(pairs, calls).map(({ bridge, other }) => bridge.cpu.percent / other.cpu.percent)),
    );
  return numbersOf(encrypted)
    .filter(calls => among(clear, calls).length > 0)
    .map(calls => ({
      what: `${calls} calls: CPU against the floor over wss, times (at most as over ws)`,
      value: ratio(encrypted, calls),
      most: ratio(clear, calls),
    }));
}

/** The numbers of calls of some pairs, the fewest first. */
const numbersOf = (pairs: readonly Pair[]): number[] =>
  [...new Set(pairs.map(({ bridge }) => bridge.calls))].toSorted((a, b) => a - b);
const among = (pairs: readonly Pair[], calls: number): readonly Pair[] =>
  pairs.filter(({ bridge }) => bridge.calls === calls);

/** The marks as a Markdown table. */
export function boundsInWords(bounds: readonly Bound[]): string {
  const rows = bounds.map(bound => [
    bound.what,
    String(bound.value),
    String(bound.most),
    isMet(bound) ? 'met' : 'missed',
  ]);
  return markdown([['mark', 'measured', 'at most', ''], ...rows]);
}

const thousandths = (value: number): number => Math.round(value * 1000) / 1000;
