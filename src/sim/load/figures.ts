import type { Collections } from './collections.ts';
import type { Summary } from './distribution.ts';
import type { Drift } from './drift.ts';
import { type Delay, delayOf, laterOf } from './join.ts';
import type { Lags, LoopLags } from './lags.ts';
import type { AgentReport, GeneratorReport, Mark, Pace } from './messages.ts';
import { isListenedTo, type Profile } from './profile.ts';
import type { ThreadShare } from './usage.ts';

/** What a run of one subject at one number of calls gave. Times in ms, memory in MB (2^20), CPU in % of one core. */
export interface Figures {
  /** `forgetful` is the bridge that writes no records and sends no webhooks, `plain` the one whose calls are not encrypted. */
  readonly subject: 'bridge' | 'floor' | 'forgetful' | 'plain';
  readonly calls: number;
  readonly seconds: number;
  readonly cpu: {
    readonly percent: number;
    readonly perCall: number;
    readonly threads: readonly ThreadShare[];
  };
  readonly memory: {
    readonly idle: number;
    readonly loaded: number;
    readonly perCall: number;
  };
  readonly collections: Collections;
  /** Open files, sockets among them: before the first call, with calls, and after the last one. Not of the floor. */
  readonly files?: { readonly idle: number; readonly loaded: number; readonly after: number };
  /** How far behind each thread was at its worst. Not of the floor. */
  readonly lags?: Lags;
  /** How late the event loop of each thread came to what was due; only where it was asked for. */
  readonly loopLags?: LoopLags;
  /** Towards the telephones, as they saw it. */
  readonly wire: {
    readonly received: number;
    readonly lost: number;
    readonly disordered: number;
    readonly gaps: number;
    readonly dead: number;
    /** Encrypted packets with a wrong tag; only where calls are encrypted. */
    readonly unopened?: number;
    readonly pace: Pace;
    /** Of the bridge's clock against the telephones'; not in windows of less than a minute. */
    readonly drift?: Drift;
    readonly lateness: Summary;
    readonly interval: Summary;
  };
  /** Towards the agent, as it saw it. */
  readonly agent: { readonly received: number; readonly sent: number; readonly pace: Pace };
  /** How late those were that measured: what they saw cannot be better than this. */
  readonly observers: {
    readonly telephones: Summary;
    readonly agent: Summary;
    /** What they are made of: `compiled`, or `in Node` and why. */
    readonly made: { readonly telephones: string; readonly agent: string };
    /** CPU that they took, that everything else took, and that the host of this machine gave away, in % of one core. */
    readonly cpu: {
      readonly telephones: number;
      readonly agent: number;
      readonly others: number;
      readonly stolen: number;
    };
  };
  /** Not of the floor. */
  readonly calling?: {
    readonly answered: number;
    readonly failed: readonly string[];
    readonly dropped: number;
    readonly inviteToAnswer: Summary;
    /** The agent's metadata to the 200. */
    readonly agentToAnswer: Delay;
    /** The later of the agent's first sound and the 200, to the first speech on the wire. */
    readonly firstSpeech: Delay;
    /** Later turns: the agent's sound to speech on the wire. */
    readonly turn: Delay;
    readonly bargeIn: Delay;
    /** A packet of the telephone to the message that carries its sound; a part of it is the jitter buffer's. */
    readonly callerToAgent: Delay;
    readonly complaints: readonly string[];
  };
}

/** Effects are looked for this long after their causes, ms. */
export const withinMs = { answer: 5000, sound: 1500 };
/** Causes just before the end of the window may have their effects after it. */
const marginMs = 500;

export function callingOf(
  generator: GeneratorReport,
  agent: AgentReport,
  options: { readonly profile: Profile; readonly complaints: readonly string[] },
): NonNullable<Figures['calling']> {
  const { answered, speech, silence, word } = generator.marks;
  const end = latest([speech, silence, word, agent.marks.turn]) - marginMs;
  const begin = end + marginMs - 1000 * generator.seconds;
  const early = (marks: readonly Mark[]) => marks.filter(({ at }) => at < end);
  const audible = (marks: readonly Mark[]) =>
    early(marks).filter(({ call }) => isListenedTo(options.profile, call));
  return {
    answered: generator.answered,
    failed: generator.failed,
    dropped: generator.dropped,
    inviteToAnswer: generator.setup,
    agentToAnswer: delayOf(agent.marks.ready, answered, withinMs.answer),
    firstSpeech: delayOf(audible(laterOf(agent.marks.greeting, answered)), speech, withinMs.sound),
    turn: delayOf(audible(agent.marks.turn), speech, withinMs.sound),
    bargeIn: delayOf(audible(agent.marks.cut), silence, withinMs.sound),
    callerToAgent: delayOf(
      early(word).filter(({ at }) => at >= begin),
      agent.marks.heard,
      withinMs.sound,
    ),
    complaints: options.complaints,
  };
}

function latest(lists: readonly (readonly Mark[])[]): number {
  return lists.reduce((last, marks) => Math.max(last, marks.at(-1)?.at ?? 0), 0);
}

/** The bridge against what it is compared with, of the same run. */
export interface Ratio {
  readonly calls: number;
  readonly cpu: number;
  /** What a call takes more than the other's, % of a core. */
  readonly added: number;
  readonly memory: number;
  /** Bridge minus the other, ms. */
  readonly latenessP99: number;
  readonly latenessMax: number;
}

export function ratioOf(bridge: Figures, other: Figures): Ratio {
  return {
    calls: bridge.calls,
    cpu: hundredths(bridge.cpu.percent / other.cpu.percent),
    added: Math.round((bridge.cpu.perCall - other.cpu.perCall) * 1000) / 1000,
    memory: hundredths(bridge.memory.loaded / other.memory.loaded),
    latenessP99: hundredths(bridge.wire.lateness.p99 - other.wire.lateness.p99),
    latenessMax: hundredths(bridge.wire.lateness.max - other.wire.lateness.max),
  };
}

/** The middle one of some ratios; of two, the higher. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** The median of what pairs at one number of calls gave, and a line that says it. */
export function ratiosInWords(
  pairs: readonly { readonly ratio: Ratio }[],
  calls: number,
  against: string,
): { readonly median: Ratio; readonly words: string } {
  const ratios = pairs.map(({ ratio }) => ratio).filter(ratio => ratio.calls === calls);
  const of = (name: keyof Ratio) => median(ratios.map(ratio => ratio[name]));
  const middle: Ratio = {
    calls,
    cpu: of('cpu'),
    added: of('added'),
    memory: of('memory'),
    latenessP99: of('latenessP99'),
    latenessMax: of('latenessMax'),
  };
  const signed = (value: number) => `${value < 0 ? '' : '+'}${value}`;
  const added = ratios.map(ratio => ratio.added);
  const range = ratios.length > 1 ? ` (${signed(Math.min(...added))} to ${signed(Math.max(...added))})` : '';
  const words = [
    `${calls} calls against ${against}: CPU x ${middle.cpu}, ${signed(middle.added)} % of a core a call${range}`,
    `memory x ${middle.memory}`,
    `lateness p99 ${signed(middle.latenessP99)} ms, max ${signed(middle.latenessMax)} ms`,
  ].join(', ');
  return { median: middle, words };
}

const hundredths = (value: number): number => Math.round(value * 100) / 100;
