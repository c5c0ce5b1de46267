import type { Bound } from './bounds.ts';
import type { Summary } from './distribution.ts';
import type { Figures } from './figures.ts';
import type { Lags, LoopLags } from './lags.ts';
import { monotonic } from './monotonic.ts';
import { rest } from './rest.ts';
import {
  loopLagsOf,
  onStage,
  type RoundOptions,
  reportsOf,
  type Stage,
  watchLoops,
  wireOf,
} from './round.ts';
import { type Happened, type StressName, stresses } from './stressors.ts';
import { inLoopLags, inPace, markdown, percentiles } from './table.ts';
import { shares, usageOf } from './usage.ts';

/** What the calls that were up saw of one phase. */
export interface Phase {
  readonly name: StressName | 'calm' | 'floor';
  readonly seconds: number;
  readonly wire: Figures['wire'];
  /** Towards the agent. */
  readonly pace: Figures['agent']['pace'];
  /** Calls that were up and that the bridge ended. */
  readonly dropped: number;
  readonly cpuPercent: number;
  readonly telephones: Summary;
  readonly lags?: Lags;
  /** Only where it was asked for. */
  readonly loopLags?: LoopLags;
  readonly happened: Happened;
}

/** So late may what is sent be, ms, at p99. */
const mostLateMs = 5;
/** After a phase, until its calls are gone and its garbage is collected, ms. */
const calmDownMs = 2000;
const hangUpMs = 20_000;
/** For new calls, and for those just gone, whose ports rest before they are used again. */
const roomForSetups = 1000;

/** Runs the same calls through a calm phase and through each stress in turn. */
export function runStress(options: RoundOptions, names: readonly StressName[]): Promise<Phase[]> {
  return onStage({ ...options, spareCalls: roomForSetups, sheds: true }, async stage => {
    const phases = [await phase(stage, 'calm')];
    for (const name of names) {
      await rest(calmDownMs, options.stopped);
      phases.push(await phase(stage, name));
    }
    const idled = stage.generator.hear('idle', hangUpMs);
    stage.generator.tell({ type: 'hang-up' });
    await idled;
    return phases;
  });
}

async function phase(stage: Stage, name: StressName | 'calm'): Promise<Phase> {
  const { options, subject, agent, generator } = stage;
  const ms = options.seconds * 1000;
  options.note(`${name}, ${options.seconds} s`);
  agent.tell({ type: 'mark' });
  generator.tell({ type: 'mark' });
  const { pid } = subject.child;
  const before = usageOf(pid, monotonic());
  const lag = subject.watchLag?.();
  watchLoops(stage);
  let happened: Happened;
  try {
    happened = name === 'calm' ? await calm(stage, ms) : await stresses[name].apply(stage, ms);
  } catch (error) {
    lag?.cancel();
    throw error;
  }
  const lags = await lag?.stop();
  const loopLags = await loopLagsOf(stage);
  const { percent } = shares(pid, before, usageOf(pid, monotonic()));
  const { heard, said } = await reportsOf(stage);
  return {
    name,
    seconds: heard.seconds,
    wire: wireOf(heard),
    pace: said.pace,
    dropped: heard.dropped,
    cpuPercent: percent,
    telephones: heard.own,
    ...(lags === undefined ? {} : { lags }),
    ...(loopLags === undefined ? {} : { loopLags }),
    happened,
  };
}

async function calm({ options }: Stage, ms: number): Promise<Happened> {
  await rest(ms, options.stopped);
  return {};
}

/** The bare program with as many calls, without any stress. */
export function floorPhase({ wire, agent, cpu, observers, seconds, loopLags }: Figures): Phase {
  return {
    name: 'floor',
    seconds,
    wire,
    pace: agent.pace,
    dropped: 0,
    cpuPercent: cpu.percent,
    telephones: observers.telephones,
    ...(loopLags === undefined ? {} : { loopLags }),
    happened: {},
  };
}

/** What is promised of calls under stress; of the bare program nothing is. */
export function stressBounds(phases: readonly Phase[]): Bound[] {
  return phases
    .filter(({ name }) => name !== 'floor')
    .flatMap(({ name, wire, dropped }) => [
      { what: `${name}: send lateness p99, ms`, value: wire.lateness.p99, most: mostLateMs },
      { what: `${name}: packets lost`, value: wire.lost, most: 0 },
      { what: `${name}: calls dropped`, value: dropped, most: 0 },
    ]);
}

/** All phases below each other, and what each of them was. */
export function stressTable(phases: readonly Phase[]): string {
  const head = [
    'phase',
    'send lateness p50 / p99 / max, ms',
    'interval p50 / p99 / max',
    'lost',
    'against real time',
    'lag of main, workers at worst',
    'CPU %',
    'telephones late p50 / p99 / max',
  ];
  const rows = phases.map(({ name, wire, lags = {}, cpuPercent, telephones }) => [
    name,
    percentiles(wire.lateness),
    percentiles(wire.interval),
    String(wire.lost),
    inPace(wire.pace),
    Object.values(lags)
      .map(lag => lag.toFixed(1))
      .join(', ') || '-',
    cpuPercent.toFixed(0),
    percentiles(telephones),
  ]);
  const told = phases.flatMap(({ name, happened }) => {
    if (name === 'calm' || name === 'floor') return [];
    const figures = Object.entries(happened).map(([word, value]) => `${word} ${value}`);
    return [`- ${name}: ${stresses[name].title} (${figures.join(', ')})`];
  });
  const watched = phases.flatMap(({ name, loopLags }) =>
    loopLags === undefined ? [] : [`- ${name}: ${inLoopLags(loopLags)}`],
  );
  const lagged = watched.length === 0 ? [] : ['Event-loop lag, p50 / p99 / max ms:', watched.join('\n')];
  return [markdown([head, ...rows]), told.join('\n'), ...lagged].join('\n\n');
}
