import type { Figures } from '../sim/load/figures.ts';
import { type ProfileName, profileNames } from '../sim/load/profile.ts';
import type { RoundOptions } from '../sim/load/round.ts';
import { type StressName, stressNames } from '../sim/load/stressors.ts';
import type { Arguments } from './command.ts';

/** What is run unless the command line says otherwise. */
export const defaults = {
  calls: '50,200',
  seconds: 20,
  rounds: 1,
  workers: 1,
  soak: { calls: '100', seconds: 3600 },
  srtp: { calls: '100', rounds: 5 },
  stress: { calls: '50', seconds: 10 },
} as const;
/** How long a call lives when what records cost is measured, ms: short, so that many end. */
export const recordsHoldMs = 30_000;
const mostCalls = 2000;

/** What the bridge is measured beside, how either is run, and what the other one does, in words. */
export interface Comparison {
  readonly other: Exclude<Figures['subject'], 'bridge'>;
  readonly ours: Partial<RoundOptions>;
  readonly theirs: Partial<RoundOptions>;
  readonly against: string;
}

const comparisons = {
  floor: { other: 'floor', ours: {}, theirs: {}, against: 'the floor' },
  records: {
    other: 'forgetful',
    ours: { holdMs: recordsHoldMs, keeps: 'records and webhooks' },
    theirs: { holdMs: recordsHoldMs, keeps: 'nothing' },
    against: 'keeping nothing',
  },
  // Only telephones in Node encrypt: those of calls in the clear must not leave the bridge more of the machine.
  srtp: {
    other: 'plain',
    ours: { srtp: true },
    theirs: { nodeTelephones: true },
    against: 'calls in the clear',
  },
} as const satisfies Readonly<Record<string, Comparison>>;

export interface Plan {
  readonly calls: readonly number[];
  readonly seconds: number;
  readonly profile: ProfileName;
  readonly rounds: number;
  readonly workers: number;
  readonly wss: boolean;
  readonly recording: boolean;
  /** Whether every thread watches its event loop. */
  readonly lag: boolean;
  readonly comparison: keyof typeof comparisons;
  readonly soak: boolean;
  /** Undefined: none. */
  readonly stress: readonly StressName[] | undefined;
  readonly judge: boolean;
  readonly json: boolean;
  readonly save: string | undefined;
  readonly profileFolder: string | undefined;
}

export const comparisonOf = ({ comparison }: Plan): Comparison => comparisons[comparison];

/** Measurements of which only one can be made at a time. */
const modes = ['records', 'srtp', 'stress', 'soak'] as const;

/** The plan, or what is wrong with the command line. */
export function readPlan(args: Arguments): Plan | string {
  const on = (name: string) => args[name] === true;
  const wanted = modes.filter(name => args[name] !== undefined);
  if (wanted.length > 1)
    return `${wanted.map(name => `--${name}`).join(' and ')} are two measurements: give one of them`;
  const [mode] = wanted;
  const usual = { ...defaults, ...(mode === undefined || mode === 'records' ? {} : defaults[mode]) };
  const calls = String(args['calls'] ?? usual.calls)
    .split(',')
    .map(Number);
  const numbers = { seconds: 86_400, rounds: 100, workers: 64 };
  const of = (name: keyof typeof numbers) => Number(args[name] ?? usual[name]);
  const whole = (value: number, most: number) => Number.isInteger(value) && value >= 1 && value <= most;
  if (!calls.every(number => whole(number, mostCalls)))
    return `--calls takes numbers from 1 to ${mostCalls}, with commas between them`;
  for (const name of ['seconds', 'rounds', 'workers'] as const)
    if (!whole(of(name), numbers[name])) return `--${name} takes a number from 1 to ${numbers[name]}`;
  const profile = profileNames.find(name => name === args['profile']);
  if (profile === undefined) return `--profile takes one of ${profileNames.join(', ')}`;
  if (on('recording') && mode === 'records')
    return '--recording needs a disk, which --records takes away from one side: give one of them';
  if ((mode === 'soak' || mode === 'stress') && calls.length !== 1)
    return `--${mode} takes one number of calls`;
  const stress = mode === 'stress' ? readStress(String(args['stress'])) : undefined;
  if (stress?.length === 0)
    return `--stress takes all, or some of ${stressNames.join(', ')} with commas between them`;
  if (process.platform !== 'linux') return 'the bench reads /proc and runs on Linux only';
  const text = (name: string) => (typeof args[name] === 'string' ? args[name] : undefined);
  return {
    calls,
    seconds: of('seconds'),
    profile,
    rounds: of('rounds'),
    workers: of('workers'),
    comparison: mode === 'records' || mode === 'srtp' ? mode : 'floor',
    soak: mode === 'soak',
    stress,
    // The handshakes are a part of the stress.
    wss: on('wss') || mode === 'stress',
    recording: on('recording'),
    lag: on('lag'),
    judge: on('judge'),
    json: on('json'),
    save: text('save'),
    profileFolder: text('cpu-prof'),
  };
}

/** Which stresses are meant; empty when one of them is not known. */
function readStress(list: string): readonly StressName[] {
  if (list === 'all') return stressNames;
  const words = list.split(',');
  const known = words.flatMap(word => stressNames.find(name => name === word) ?? []);
  return known.length === words.length ? known : [];
}
