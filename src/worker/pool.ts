import type { KeyObject } from 'node:crypto';
import type { AgentStart, AgentToolAnswer } from '../agent/agent.ts';
import type { Clock, Timer } from '../core/clock.ts';
import { deferred } from '../core/deferred.ts';
import { Failure, fail, ok, type Result } from '../core/errors.ts';
import type { EventSink } from '../core/events.ts';
import { type CallKey, type LegId, newLegId } from '../core/ids.ts';
import { KeyedDigits, newDigitsKey } from '../core/keyed-digits.ts';
import { legEnding } from '../core/leg-ending.ts';
import { type LegStats, noLegStats } from '../core/leg-stats.ts';
import type { Logger } from '../core/logger.ts';
import { type OverloadLimits, overloadLimits } from '../core/overload.ts';
import type { Prompt } from '../core/prompt.ts';
import type { Recorded } from '../core/recorded.ts';
import type { MediaPlan } from '../sdp/plan.ts';
import type {
  Joining,
  KeyForm,
  Leg,
  LegListener,
  LegOptions,
  Legs,
  LocalMedia,
  PlayTime,
  RecordingOptions,
} from './legs.ts';
import { type FromWorker, pulseMs, type ToWorker } from './messages.ts';
import { PooledStream } from './pooled-stream.ts';
import { WorkerLag } from './worker-lag.ts';

/** A running worker as the pool sees it: a thread, or in tests a function at the other end of a MessageChannel. */
export interface WorkerThread {
  post(message: ToWorker): void;
  onMessage(handler: (message: FromWorker) => void): void;
  /** Called once, when the worker is gone, for whatever reason. */
  onExit(handler: (cause: string) => void): void;
  terminate(): Promise<void>;
}

export interface PoolOptions {
  readonly workers: number;
  /** Starts worker number `index`. */
  readonly spawn: (index: number) => WorkerThread;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
  /** Gets each worker's totals about once a second. */
  readonly onPulse?: (worker: number, pulse: WorkerPulse) => void;
  readonly onLost?: (worker: number) => void;
  readonly overload?: OverloadLimits;
  /** A recording is over; its leg is not closed yet. */
  readonly onRecorded?: (call: CallKey, recorded: Recorded) => void;
}

/** What a worker says about itself once a second. */
export type WorkerPulse = Extract<FromWorker, { type: 'pulse' }>;

/** How long a dead worker's place stays empty, ms: a worker that dies at once must not spin. */
const respawnMs = 250;

/** How long a worker may take to bring its recordings to an end when it is stopped, ms. */
const stopMs = 6000;

/**
 * How many looks, `pulseMs` apart, a worker may say nothing, before it is ended. They are counted rather than timed: while the
 * main thread or the whole process stood still, nobody has looked.
 */
export const silentLooks = 15;

/** One place of the pool: a worker and the legs it carries. */
interface Slot {
  thread: WorkerThread | undefined;
  /** Looks since it said anything; undefined until it has started. */
  silent: number | undefined;
  ports: number;
  lag: WorkerLag;
  /** Called when a worker runs here, the first one or another in its place. */
  readonly started: () => void;
  /** Called when the worker has stopped, or died. */
  stopped?: () => void;
  /** Those that are being opened too. */
  readonly legs: Map<LegId, PooledLeg>;
}

/** The workers that carry sound. A worker that dies takes only its own legs with it, and is replaced. */
export class WorkerPool implements Legs {
  readonly #options: PoolOptions;
  readonly #slots: Slot[] = [];
  readonly #ready: Promise<void>[] = [];
  readonly #limits: OverloadLimits;
  #looking: Timer;
  /** The level that log lines need, once it was changed: a worker that replaces another has to be told it too. */
  #logLevel: string | undefined;
  #stopped = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#limits = options.overload ?? overloadLimits;
    for (let index = 0; index < options.workers; index += 1) {
      const lag = this.#newLag();
      const { promise, resolve: started } = deferred<void>();
      this.#slots.push({ thread: undefined, silent: undefined, ports: 0, lag, started, legs: new Map() });
      this.#ready.push(promise);
      this.#spawn(index);
    }
    this.#looking = this.#lookLater();
  }

  /** Settles when a worker has started in every place. */
  async started(): Promise<void> {
    await Promise.all(this.#ready);
  }

  /** Legs and ports in use over all workers; both are zero when no call is up. */
  get load(): { legs: number; ports: number; workers: number } {
    const legs = this.#slots.reduce((sum, slot) => sum + slot.legs.size, 0);
    const ports = this.#slots.reduce((sum, slot) => sum + slot.ports, 0);
    return { legs, ports, workers: this.#slots.filter(slot => slot.thread !== undefined).length };
  }

  /** How late each worker that runs is with its work, ms. */
  get lags(): readonly { readonly worker: number; readonly ms: number }[] {
    return this.#slots.flatMap(({ thread, lag }, worker) =>
      thread === undefined ? [] : [{ worker, ms: lag.ms }],
    );
  }

  async open(options: LegOptions): Promise<Result<Leg>> {
    const begun = this.begin(options);
    if (!begun.ok) return begun;
    const opened = await begun.value.opened;
    return opened.ok ? begun : opened;
  }

  /** A worker that is late gets a new leg only when all of them are, or when the leg belongs to a call it carries. */
  begin(options: LegOptions): Result<PooledLeg> {
    const { near } = options;
    const late = ({ lag }: Slot) => (lag.ms > this.#limits.workerLagMs ? 1 : 0);
    const slot = this.#slots
      .filter(({ thread, legs }) => thread !== undefined && (near === undefined || legs.has(near)))
      .sort((a, b) => late(a) - late(b) || a.legs.size - b.legs.size)[0];
    if (slot === undefined) return fail(new Failure('worker-lost', 'no media worker is running'));
    const id = newLegId();
    const leg = new PooledLeg(id, message => slot.thread?.post(message));
    slot.legs.set(id, leg);
    slot.lag.ask(id);
    slot.thread?.post({ type: 'open', leg: id, options });
    return ok(leg);
  }

  /** Tells every worker the level that log lines need. */
  logLevel(level: string): void {
    this.#logLevel = level;
    for (const slot of this.#slots) slot.thread?.post({ type: 'log-level', level });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#looking.cancel();
    await Promise.all(this.#slots.map(slot => this.#letGo(slot)));
  }

  async #letGo(slot: Slot): Promise<void> {
    const { thread } = slot;
    if (thread === undefined) return;
    await new Promise<void>(resolve => {
      const timer = this.#options.clock.timer(stopMs, resolve);
      slot.stopped = () => {
        timer.cancel();
        resolve();
      };
      thread.post({ type: 'stop' });
    });
    await thread.terminate();
  }

  #spawn(index: number): void {
    const slot = this.#slots[index];
    if (slot === undefined) throw new Error(`there is no worker ${index}`);
    const thread = this.#options.spawn(index);
    slot.thread = thread;
    slot.silent = undefined;
    slot.lag = this.#newLag();
    if (this.#logLevel !== undefined) thread.post({ type: 'log-level', level: this.#logLevel });
    thread.onMessage(message => {
      slot.silent = 0;
      if (message.type === 'ready') slot.started();
      else this.#hear(index, slot, message);
    });
    thread.onExit(cause => this.#lost(index, slot, cause));
  }

  #lookLater(): Timer {
    return this.#options.clock.timer(pulseMs, () => {
      this.#slots.forEach((slot, index) => this.#look(slot, index));
      this.#looking = this.#lookLater();
    });
  }

  /** A worker that is stuck carries no sound and ends no call: dead, it does less harm. */
  #look(slot: Slot, worker: number): void {
    if (slot.thread === undefined || slot.silent === undefined) return;
    slot.silent += 1;
    if (slot.silent !== silentLooks) return;
    const seconds = (silentLooks * pulseMs) / 1000;
    this.#options.log.error('a media worker says nothing any more and is ended', { worker, seconds });
    void slot.thread.terminate();
  }

  #newLag(): WorkerLag {
    return new WorkerLag(this.#options.clock, this.#limits);
  }

  #hear(index: number, slot: Slot, message: Exclude<FromWorker, { type: 'ready' }>): void {
    switch (message.type) {
      case 'log':
        return this.#options.log[message.level](message.message, { ...message.fields, worker: index });
      case 'pulse':
        slot.ports = message.ports;
        slot.lag.pulse();
        return this.#options.onPulse?.(index, message);
      case 'lag':
        return slot.lag.hear(message.ms);
      case 'recorded':
        return this.#options.onRecorded?.(message.call, message.recorded);
      case 'stopped':
        return slot.stopped?.();
      case 'opened':
        slot.lag.answered(message.leg);
        return slot.legs.get(message.leg)?.hasOpened(message.local);
      case 'open-failed': {
        const leg = slot.legs.get(message.leg);
        slot.legs.delete(message.leg);
        slot.lag.answered(message.leg);
        return leg?.lost(new Failure(message.code, message.message));
      }
      case 'closed': {
        const leg = slot.legs.get(message.leg);
        slot.legs.delete(message.leg);
        return leg?.closed(message.stats);
      }
      default:
        return slot.legs.get(message.leg)?.hear(message);
    }
  }

  #lost(index: number, slot: Slot, cause: string): void {
    slot.thread = undefined;
    slot.stopped?.();
    slot.ports = 0;
    const legs = [...slot.legs.values()];
    slot.legs.clear();
    if (this.#stopped) return;
    const { log, events, clock, onLost } = this.#options;
    onLost?.(index);
    log.error('a media worker died', { worker: index, cause, legs: legs.length });
    events.emit({ type: 'worker-lost', worker: index, legs: legs.length });
    for (const leg of legs) leg.lost(new Failure('worker-lost', 'the media worker died'));
    clock.timer(respawnMs, () => {
      if (!this.#stopped) this.#spawn(index);
    });
  }
}

/** What a worker may say of one running leg. */
type LegNews = Extract<
  FromWorker,
  {
    type:
      | 'agent-ready'
      | 'agent-queue'
      | 'agent-ended'
      | 'tool-call'
      | 'keyed'
      | 'turn'
      | 'media-timeout'
      | 'stream-started'
      | 'stream-ended'
      | 'done';
  }
>;

/** The main thread's handle on a leg: each method is a message, each message of the leg a call of its listener. */
class PooledLeg implements Leg {
  readonly id: LegId;
  local: LocalMedia = { rtpPort: 0, rtcpPort: 0 };
  stream?: PooledStream;
  /** Settles when it is open, or cannot be. */
  readonly opened: Promise<Result<void>>;
  readonly #post: (message: ToWorker) => void;
  #settleOpened: (result: Result<void>) => void = () => undefined;
  readonly #stats: Promise<LegStats>;
  #settleStats: (stats: LegStats) => void = () => undefined;
  #listener: LegListener | undefined;
  #closing = false;
  /** Questions that the worker has not answered yet, by their numbers. */
  readonly #asked = new Map<number, (ok: boolean) => void>();
  #asks = 0;
  /** What digits are told under in secure mode, once there is any. */
  #digitsKey: KeyObject | undefined;

  constructor(id: LegId, post: (message: ToWorker) => void) {
    this.id = id;
    this.#post = post;
    this.opened = new Promise(resolve => {
      this.#settleOpened = resolve;
    });
    this.#stats = new Promise(resolve => {
      this.#settleStats = resolve;
    });
  }

  hasOpened(local: LocalMedia): void {
    this.local = local;
    if (local.stream !== undefined) this.stream = new PooledStream(local.stream, this.id, this.#post);
    this.#settleOpened(ok(undefined));
  }

  listen(listener: LegListener): void {
    this.#listener = listener;
  }

  apply(plan: MediaPlan): void {
    this.#post({ type: 'apply', leg: this.id, plan });
  }

  reapply(): void {
    this.#post({ type: 'reapply', leg: this.id });
  }

  open(): void {
    this.#post({ type: 'play', leg: this.id });
  }

  agent(start: AgentStart): void {
    this.#post({ type: 'agent', leg: this.id, start });
  }

  prepare(start: AgentStart): void {
    this.#post({ type: 'prepare', leg: this.id, start });
  }

  begin(): void {
    this.#post({ type: 'begin', leg: this.id });
  }

  dismiss(): void {
    this.#post({ type: 'dismiss', leg: this.id });
  }

  answerTool(answer: AgentToolAnswer): void {
    this.#post({ type: 'tool-answer', leg: this.id, answer });
  }

  tell(text: string, how: 'turn' | 'context'): void {
    this.#post({ type: 'tell', leg: this.id, text, how });
  }

  tone(tone: Prompt | 'off'): void {
    this.#post({ type: 'tone', leg: this.id, tone });
  }

  play(prompt: Prompt, when: PlayTime = 'now'): Promise<boolean> {
    return this.#ask(ask => ({ type: 'prompt', leg: this.id, ask, prompt, when }));
  }

  digit(digit: string): void {
    this.#post({ type: 'digit', leg: this.id, digit });
  }

  digits(keys: string, form: KeyForm): Promise<boolean> {
    return this.#ask(ask => ({ type: 'digits', leg: this.id, ask, keys, form }));
  }

  secure(on: boolean): Promise<boolean> {
    if (on) this.#digitsKey ??= newDigitsKey();
    const key = on ? this.#digitsKey : undefined;
    return this.#ask(ask => ({ type: 'secure', leg: this.id, ask, key }));
  }

  async quiet(longestMs: number): Promise<void> {
    await this.#ask(ask => ({ type: 'quiet', leg: this.id, ask, longestMs }));
  }

  join(other: Leg, how: Joining): void {
    this.#post({ type: 'join', leg: this.id, other: other.id, how });
  }

  record(options: RecordingOptions): void {
    this.#post({ type: 'record', leg: this.id, options });
  }

  withhold(on: boolean): void {
    this.#post({ type: 'withhold', leg: this.id, on });
  }

  #ask(message: (ask: number) => ToWorker): Promise<boolean> {
    if (this.#closing) return Promise.resolve(false);
    return new Promise(resolve => {
      this.#asks += 1;
      this.#asked.set(this.#asks, resolve);
      this.#post(message(this.#asks));
    });
  }

  #answered(ask: number, ok: boolean): void {
    this.#asked.get(ask)?.(ok);
    this.#asked.delete(ask);
  }

  /** Nobody is left who could answer. */
  #giveUpAsking(): void {
    for (const ask of [...this.#asked.keys()]) this.#answered(ask, false);
  }

  close(): Promise<LegStats> {
    if (!this.#closing) {
      this.#closing = true;
      this.#giveUpAsking();
      this.#post({ type: 'close', leg: this.id });
    }
    return this.#stats;
  }

  hear(news: LegNews): void {
    // What was heard of the last words is known only at the end.
    if (this.#closing && news.type !== 'turn') return;
    switch (news.type) {
      case 'agent-ready':
        return this.#listener?.agentReady(news.metadata);
      case 'agent-queue':
        return this.#listener?.agentQueue(news.status);
      case 'agent-ended':
        return this.#listener?.agentEnded(news.end);
      case 'tool-call':
        return this.#listener?.toolCall(news.call);
      case 'keyed':
        if (this.#digitsKey === undefined) throw new Error('digits were keyed without a key');
        return this.#listener?.keyed(KeyedDigits.unseal(news.digits, this.#digitsKey));
      case 'turn':
        return this.#listener?.turn(news.news);
      case 'media-timeout':
        return this.#listener?.mediaTimeout();
      case 'stream-started':
        return this.stream?.hasStarted(news.streamSid);
      case 'stream-ended':
        return this.stream?.hasEnded(news.end);
      case 'done':
        return this.#answered(news.ask, news.ok);
    }
  }

  closed(stats: LegStats): void {
    this.#settleStats(stats);
  }

  /** The worker is gone, or could not open it: nothing more can be asked of this leg. */
  lost(failure: Failure): void {
    const end = legEnding(failure);
    this.#settleOpened(fail(failure));
    this.#giveUpAsking();
    this.stream?.hasEnded(end);
    this.#settleStats(noLegStats);
    if (!this.#closing) this.#listener?.lost(end);
  }
}
