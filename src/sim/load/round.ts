import { BenchChild } from './child.ts';
import { collectionsOf } from './collections.ts';
import { callingOf, type Figures } from './figures.ts';
import type { LoopLags } from './lags.ts';
import { inWords, type Made, pidsOf } from './made.ts';
import type {
  AgentReport,
  FromAgent,
  FromGenerator,
  GeneratorReport,
  ToAgent,
  ToGenerator,
} from './messages.ts';
import { monotonic } from './monotonic.ts';
import { profiles } from './profile.ts';
import { rest } from './rest.ts';
import { type Subject, type SubjectOptions, startBridge, startFloor } from './subject.ts';
import { cpuOfAll, filesOf, type Machine, machineUsage, shares, type Usage, usageOf } from './usage.ts';

/** What a run is to be. */
export interface RoundOptions
  extends Omit<SubjectOptions, 'agentUrl' | 'caFile' | 'program' | 'perSecond' | 'connections'> {
  readonly subject: Figures['subject'];
  readonly seconds: number;
  /** Files of the programs. */
  readonly programs: Readonly<Record<'bridge' | 'floor' | 'agent' | 'generator', string>>;
  /** Certificate of the agent, for wss. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly caFile: string };
  readonly note: (what: string) => void;
  /** Called about every `sampleMs` of the window. */
  readonly onSample?: (usage: Usage) => void;
  readonly sampleMs?: number;
  /** Cuts the run short. */
  readonly stopped: AbortSignal;
}

const startMs = 20_000;
/** INVITEs a second. */
const perSecond = 25;
const connections = 4;
/** Before what is idle is measured, and between the last answer and the window. */
const settleMs = 2000;
const hangUpMs = 20_000;

export type GeneratorChild = BenchChild<ToGenerator, FromGenerator>;
type AgentChild = BenchChild<ToAgent, FromAgent>;

/** Everything that a run needs, with its calls up. */
export interface Stage {
  readonly options: RoundOptions;
  readonly subject: Subject;
  readonly agent: AgentChild;
  readonly generator: GeneratorChild;
  readonly telephonesMade: Made;
  readonly agentMade: Made;
  readonly idle: Usage & { readonly files: number };
}

/** Starts everything, measures one window, ends everything. */
export const runRound = (options: RoundOptions): Promise<Figures> => onStage(options, measure);

/** Starts everything, sets the calls up, lets `play` have it, ends everything. */
export async function onStage<T>(options: RoundOptions, play: (stage: Stage) => Promise<T>): Promise<T> {
  const { programs, profile, tls, note } = options;
  const agent: AgentChild = new BenchChild('agent', programs.agent);
  const generator: GeneratorChild = new BenchChild('generator', programs.generator);
  let subject: Subject | undefined;
  // Whatever is being waited for then fails.
  const cutShort = () => void generator.stop();
  options.stopped.addEventListener('abort', cutShort, { once: true });
  try {
    const started = agent.hear('started', startMs);
    agent.tell({ type: 'start', profile, ...(tls === undefined ? {} : { tls }) });
    const { baseUrl, made: agentMade } = await started;
    subject = await startSubject(options, baseUrl);
    generator.tell({ type: 'guard', pid: subject.child.pid });
    await rest(settleMs, options.stopped);
    const { pid } = subject.child;
    const idle = { ...usageOf(pid, monotonic()), files: filesOf(pid) };
    const telephonesMade = await setUp(options, subject, generator);
    note(`the telephones are ${inWords(telephonesMade)}, the agent is ${inWords(agentMade)}`);
    await rest(settleMs, options.stopped);
    return await play({ options, subject, agent, agentMade, generator, telephonesMade, idle });
  } finally {
    note('ending');
    options.stopped.removeEventListener('abort', cutShort);
    // What it tells of its last calls goes to the agent.
    await subject?.stop();
    await Promise.all([agent.stop(), generator.stop()]);
  }
}

function startSubject(options: RoundOptions, agentUrl: string): Promise<Subject> {
  const { programs, tls } = options;
  const all: SubjectOptions = {
    ...options,
    agentUrl,
    program: programs.bridge,
    perSecond,
    connections,
    ...(tls === undefined ? {} : { caFile: tls.caFile }),
  };
  return options.subject === 'floor' ? startFloor(all, programs.floor) : startBridge(all);
}

async function setUp(options: RoundOptions, subject: Subject, generator: GeneratorChild): Promise<Made> {
  options.note(`setting up ${options.calls} calls`);
  const up = generator.hear('up', startMs + (options.calls / perSecond) * 1000);
  generator.tell(await subject.open());
  const { answered, failed, made } = await up;
  if (answered === 0) throw new Error(`no call was answered: ${failed.join(', ')}\n${subject.child.output}`);
  return made;
}

async function measure(stage: Stage): Promise<Figures> {
  const { options, subject, agent, agentMade, generator, telephonesMade, idle } = stage;
  const { child } = subject;
  options.note(`measuring for ${options.seconds} s`);
  agent.tell({ type: 'mark' });
  generator.tell({ type: 'mark' });
  child.pauses = [];
  watchLoops(stage);
  const pids = {
    subject: child.pid,
    telephones: pidsOf(generator.pid, telephonesMade),
    agent: pidsOf(agent.pid, agentMade),
  };
  const before = census(pids);
  const lag = subject.watchLag?.();
  const window = watch(options, child.pid);
  // Without telephones there is nothing to measure.
  await generator.orFail(window, windowMs(options), 'the end of the window').catch((error: unknown) => {
    lag?.cancel();
    throw error;
  });
  const after = census(pids);
  const loopLags = await loopLagsOf(stage);
  const lags = await lag?.stop();
  // Those of the window alone: what hanging up costs is not asked here.
  const collections = collectionsOf(child.pauses);
  const { heard, said } = await reportsOf({ agent, generator });
  const loadedFiles = filesOf(child.pid);
  const idled = generator.hear('idle', hangUpMs);
  generator.tell({ type: 'hang-up' });
  await idled;
  // Until sockets that were hung up are closed.
  await rest(settleMs, options.stopped);
  const files = { idle: idle.files, loaded: loadedFiles, after: filesOf(child.pid) };
  const { percent, threads } = shares(child.pid, before.subject, after.subject);
  return {
    subject: options.subject,
    calls: options.calls,
    seconds: round(heard.seconds),
    cpu: { percent, perCall: round(percent / options.calls, 1000), threads },
    memory: {
      idle: round(idle.residentMb),
      loaded: round(after.subject.residentMb),
      perCall: round((after.subject.residentMb - idle.residentMb) / options.calls, 1000),
    },
    collections,
    ...(lags === undefined ? {} : { lags }),
    ...(loopLags === undefined ? {} : { loopLags }),
    wire: { ...wireOf(heard), ...(options.srtp ? { unopened: heard.unopened } : {}) },
    agent: { received: said.messagesReceived, sent: said.messagesSent, pace: said.pace },
    observers: {
      telephones: heard.own,
      agent: said.own,
      made: { telephones: inWords(telephonesMade), agent: inWords(agentMade) },
      cpu: elsewhere(before, after),
    },
    ...(options.subject === 'floor'
      ? {}
      : {
          files,
          calling: callingOf(heard, said, {
            profile: profiles[options.profile],
            complaints: subject.complaints,
          }),
        }),
  };
}

/** Begins to watch the event loop of every thread, where that is wanted. */
export function watchLoops({ options, subject }: Pick<Stage, 'options' | 'subject'>): void {
  if (options.lagHook !== undefined) subject.child.tell({ type: 'loop-lag-mark' });
}

/** How late they were since then. */
export async function loopLagsOf({
  options,
  subject: { child },
}: Pick<Stage, 'options' | 'subject'>): Promise<LoopLags | undefined> {
  if (options.lagHook === undefined) return undefined;
  const told = child.hear('loop-lag', startMs);
  child.tell({ type: 'loop-lag' });
  return (await told).threads;
}

/** Closes the window of telephones and agent, and what either saw in it. */
export async function reportsOf({ agent, generator }: Pick<Stage, 'agent' | 'generator'>): Promise<{
  readonly heard: GeneratorReport;
  readonly said: AgentReport;
}> {
  const reports = [generator.hear('report', startMs), agent.hear('report', startMs)] as const;
  generator.tell({ type: 'report' });
  agent.tell({ type: 'report' });
  const [{ report: heard }, { report: said }] = await Promise.all(reports);
  return { heard, said };
}

export function wireOf(heard: GeneratorReport): Figures['wire'] {
  return {
    received: heard.packetsReceived,
    lost: heard.lost,
    disordered: heard.disordered,
    gaps: heard.gaps,
    dead: heard.dead,
    pace: heard.pace,
    ...(heard.drift === undefined ? {} : { drift: heard.drift }),
    lateness: heard.lateness,
    interval: heard.interval,
  };
}

interface Pids {
  readonly subject: number;
  /** Processes that do one thing together. */
  readonly telephones: readonly number[];
  readonly agent: readonly number[];
}

interface Census extends Machine {
  readonly subject: Usage;
  readonly telephonesMs: number;
  readonly agentMs: number;
  readonly ownMs: number;
}

/** What everybody has used up by now. */
function census(pids: Pids): Census {
  const now = monotonic();
  const { user, system } = process.cpuUsage();
  return {
    subject: usageOf(pids.subject, now),
    telephonesMs: cpuOfAll(pids.telephones),
    agentMs: cpuOfAll(pids.agent),
    ...machineUsage(),
    ownMs: (user + system) / 1000,
  };
}

/** CPU besides that of the subject, % of a core. */
function elsewhere(before: Census, after: Census): Figures['observers']['cpu'] {
  const ms = after.subject.at - before.subject.at;
  const telephones = after.telephonesMs - before.telephonesMs;
  const agent = after.agentMs - before.agentMs;
  const subject = after.subject.cpuMs - before.subject.cpuMs;
  const ours = subject + telephones + agent + after.ownMs - before.ownMs;
  const share = (cpuMs: number) => round((100 * cpuMs) / ms);
  return {
    telephones: share(telephones),
    agent: share(agent),
    others: Math.max(0, share(after.busyMs - before.busyMs - ours)),
    stolen: share(after.stolenMs - before.stolenMs),
  };
}

const windowMs = ({ seconds }: RoundOptions): number => seconds * 1000 + startMs;

/** Waits for the end of the window, and samples it meanwhile. */
async function watch({ seconds, stopped, onSample, sampleMs }: RoundOptions, pid: number): Promise<void> {
  const end = monotonic() + seconds * 1000;
  for (let left = seconds * 1000; left > 0; left = end - monotonic()) {
    await rest(Math.min(left, onSample === undefined ? left : (sampleMs ?? left)), stopped);
    onSample?.(usageOf(pid, monotonic()));
  }
}

const round = (value: number, steps = 100): number => Math.round(value * steps) / steps;
