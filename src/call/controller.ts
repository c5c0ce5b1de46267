import type { AgentMetadata, Briefing, QueueStatus } from '../agent/agent.ts';
import type { Timer } from '../core/clock.ts';
import { type Ending, ending } from '../core/ending.ts';
import { Failure, messageOf, ok, type Result } from '../core/errors.ts';
import type { CallKey } from '../core/ids.ts';
import { maskNumber } from '../core/mask.ts';
import { VerifiedNumbers } from '../core/verified.ts';
import type { ToolAnswer } from '../tools/tool.ts';
import { tellable } from './agent-start.ts';
import { AgentStarts } from './agent-starts.ts';
import { Handovers } from './handovers.ts';
import type { CallOptions, CallParts, CallSummary, Fallback, QueuePolicy } from './parts.ts';
import { recordCall } from './recording.ts';
import { Recovery } from './recovery.ts';
import { resumedVariables, resumption } from './resumption.ts';
import {
  beforeAnswer,
  type CallAction,
  type CallInput,
  type CallState,
  conversing,
  leaving,
  step,
  survivable,
  unanswered,
} from './states.ts';
import { ToolControl } from './tool-control.ts';
import { ToolRuns } from './tool-runs.ts';
import { Transcript } from './transcript.ts';

export type { CallOptions, CallParts, CallSummary, Fallback, QueuePolicy };

/** How long after the answer the end of a conversation still counts as a failed start, ms. */
const youthMs = 1000;
/** How often a signed URL that is kept for the case of a loss is looked after, ms. */
const spareEveryMs = 300_000;
/** How long after its beginning a conversation may still be refused for what it began with, ms. */
const acceptedMs = 5_000;
/** Starts of a conversation that one call may make, the first one included. */
const startsPerCall = 2;

/** Why what ran for a call was stopped: made once, because an AbortController would make an error for each. */
const over = new Failure('gone', 'the call is over');

/** What the agent is told when another telephone takes over the call. */
const replacedNotice =
  'The call was transferred to another telephone: whoever speaks from now on may be somebody else.';

/** One call: a party with an agent, whoever dialled. It knows Party, Leg and Toolbox, and never SDP. */
export class Call {
  readonly key: CallKey;
  readonly ended: Promise<CallSummary>;
  /** Whom the caller has proved to be. */
  readonly verified: VerifiedNumbers;
  /** What has been said so far. */
  readonly transcript: Transcript;
  readonly #parts: CallParts;
  readonly #begun: number;
  readonly #stopping = new AbortController();
  readonly #timers = new Map<string, Timer>();
  #settle: (summary: CallSummary) => void = () => undefined;
  #state: CallState = 'opening';
  #starts = 0;
  /** What the operator says of this call, once it was asked. */
  #asked: Promise<Result<Briefing, Ending>> | undefined;
  #briefing: Briefing | undefined;
  /** The agent's socket was opened ahead of the answer. */
  #prepared = false;
  readonly #agents: AgentStarts;
  readonly #recovery: Recovery;
  readonly #tools: ToolRuns;
  #answeredAt: number | undefined;
  /** Why the call is ending, once it is known. */
  #end: Ending | undefined;
  readonly #handovers: Handovers;
  readonly #control: ToolControl;

  constructor(parts: CallParts) {
    this.#parts = parts;
    this.key = parts.key;
    this.transcript = new Transcript(parts.clock);
    this.#begun = parts.clock.now();
    this.verified = new VerifiedNumbers(parts.clock);
    const { clock, leg, party, options, events, log } = parts;
    this.#agents = new AgentStarts({
      tickets: parts.tickets,
      agentId: parts.agentId,
      facts: party.facts,
      secrets: parts.agentSecrets,
      briefing: () => this.#ask(),
      options,
      log,
    });
    this.#recovery = new Recovery({
      call: parts.key,
      leg,
      options: options.survival,
      hasFallback: parts.fallback !== undefined,
      clock,
      events,
      take: input => this.#take(input),
    });
    this.#handovers = new Handovers({
      call: parts.key,
      parts,
      state: () => this.#state,
      take: input => this.#take(input),
      ends: end => {
        this.#end ??= end;
      },
      lost: end => this.#recovery.lose(end),
    });
    this.#control = new ToolControl({
      leg,
      party,
      transcript: this.transcript,
      clock,
      log,
      handOver: (target, way) => this.#handovers.handOver(target, way),
      hush: () => this.#tools.hush(),
      over: () => this.#state === 'ended',
    });
    this.#tools = new ToolRuns({
      call: this,
      parts,
      control: this.#control,
      signal: this.#stopping.signal,
      verifyNumber: () => this.#briefing?.verifyNumber,
      alone: () => conversing.has(this.#state),
    });
    this.ended = new Promise(resolve => {
      this.#settle = resolve;
    });
  }

  /** The caller's own number; undefined when it is withheld or nobody vouches for it. */
  get trustedNumber(): string | undefined {
    const { callerTrusted, callerId } = this.#parts.party.facts;
    return callerTrusted && callerId !== '' ? callerId : undefined;
  }

  /** Runs a tool as if the agent had asked for it over its socket. Never rejects. */
  useTool(name: string, parameters: unknown): Promise<ToolAnswer> {
    return this.#tools.use(name, parameters);
  }

  /** Tells the agent something, and does not ask for a reply. */
  inform(text: string): void {
    this.#control.tell(text, 'context');
  }

  /** Variables that its conversations get, as far as they may be told. */
  get variables(): Readonly<Record<string, string>> {
    return this.#briefing === undefined
      ? this.#parts.variables
      : Object.fromEntries(tellable(this.#briefing));
  }

  get state(): CallState {
    return this.#state;
  }

  /** Lets the caller hear ringing and dials the agent; of a call of ours, dials the party. */
  begin(): void {
    const { leg, party, options } = this.#parts;
    leg.listen({
      agentReady: metadata => this.#agentReady(metadata),
      agentQueue: status => this.#agentQueue(status),
      agentEnded: end => this.#agentEnded(end),
      toolCall: call => void this.#tools.run(call),
      keyed: digits => this.#control.keyed(digits),
      turn: news => this.transcript.take(news),
      mediaTimeout: () => this.stop(ending('media-timeout')),
      lost: end => this.stop(end),
    });
    void party.ended.then(end => {
      this.#end ??= end;
      this.#take('party-ended');
    });
    party.onReplaced = sipCallId => this.#replaced(sipCallId);
    this.#arm('ring', options.ringMs, () => this.stop(ending('ring-timeout')));
    void party.ringing?.then(() => {
      if (beforeAnswer.has(this.#state)) this.#take('ringing');
    });
    this.#take(party.ringing === undefined ? 'opened' : 'opened-outbound');
  }

  /** Ends the call from this side, whatever state it is in. */
  stop(end: Ending): void {
    this.#end ??= end;
    this.#take('stop');
  }

  #take(input: CallInput): void {
    // What comes after the end is the echo of ending: leg and party each report once more.
    if (this.#state === 'ended') return;
    try {
      const [next, ...actions] = step(this.#state, input);
      this.#parts.log.debug('call state', { from: this.#state, to: next, input });
      this.#state = next;
      for (const action of actions) this.#act(action);
    } catch (error) {
      this.#fault(error);
    }
  }

  /** A broken invariant ends the call it happened in, never the process. */
  #fault(error: unknown): void {
    this.#parts.log.error('fault in a call', { error: messageOf(error), state: this.#state });
    this.#end = ending('internal-error');
    this.#state = 'ended';
    this.#parts.party.end(this.#end);
    void this.#finish();
  }

  #act(action: CallAction): void {
    const { party, leg, options } = this.#parts;
    switch (action) {
      case 'ring':
        return party.ring();
      case 'start-agent':
        return void this.#startAgent('now');
      case 'prepare-agent':
        return void this.#startAgent('ahead');
      case 'begin-agent':
        // Without it the ticket is still on its way, and what it opens begins at once.
        if (this.#prepared) leg.begin();
        return;
      case 'arm-settle':
        // The last action of its row: without a wait the call goes on at once, not after a turn of the event loop.
        if (options.settleMs === 0) return this.#takeIf('settling', 'settled');
        return this.#arm('settle', options.settleMs, () => this.#takeIf('settling', 'settled'));
      case 'arm-youth':
        return this.#arm('youth', youthMs, () => this.#grownUp());
      case 'arm-longest':
        return this.#arm('longest', options.longestMs, () => this.stop(ending('max-call-time')));
      case 'arm-queue':
        return this.#arm('queue', options.queueWaitMs, () => this.stop(ending('agent-queue-timeout')));
      case 'disarm-queue':
        return this.#disarm('queue');
      case 'accept':
        return void this.#accept();
      case 'open':
        void recordCall(this.key, leg, options, this.#parts.events, () => this.#state !== 'ended');
        return leg.open();
      case 'ringback':
        return leg.tone('ringback');
      case 'ringback-off':
        return leg.tone('off');
      case 'join':
        this.#control.passOn();
        return this.#handovers.join();
      case 'begin-reconnect':
        return this.#recovery.begin();
      case 'end-reconnect':
        this.#agents.abandon();
        return this.#recovery.stop();
      case 'resume-agent':
        return void this.#startAgent('resume');
      case 'arm-again':
        return this.#recovery.again();
      case 'brief':
        this.#recovery.resumed();
        return leg.tell(resumption(this.transcript, this.verified), 'context');
      case 'fall-back':
        leg.dismiss();
        this.#recovery.silence();
        return void this.#handovers.fallBack();
      case 'part':
        leg.dismiss();
        this.#end ??= this.#recovery.lost;
        return this.#recovery.part();
      case 'end-party':
        this.#parts.learned?.('end_reason', this.#end?.reason ?? 'internal-error');
        return party.end(this.#end ?? ending('internal-error'));
      case 'finish':
        return void this.#finish();
    }
  }

  /** `resume`: the conversation goes on with the call, as far as the new one can be told of the old. */
  async #startAgent(how: 'now' | 'ahead' | 'resume'): Promise<void> {
    this.#starts += 1;
    this.#disarm('settle');
    // The conversation before this one goes well no more: what this one begins with may be refused yet.
    this.#disarm('accepted');
    const { leg, options } = this.#parts;
    const resuming = {
      variables: resumedVariables(this.transcript, this.verified),
      line: options.survival.resumeLine,
      startTimeoutMs: Math.min(options.startTimeoutMs, this.#recovery.startTimeoutMs),
    };
    const start = await this.#agents.next(how === 'resume' ? resuming : undefined);
    if (this.#state === 'ended' || start === undefined) return;
    if (!start.ok) {
      const { end, final } = start.failure;
      return final ? this.stop(end) : this.#startFailed(end);
    }
    this.#prepared = how === 'ahead' && this.#state === 'alerting';
    if (this.#prepared) leg.prepare(start.value);
    else leg.agent(start.value);
  }

  #ask(): Promise<Result<Briefing, Ending>> {
    const { briefing, variables, learned } = this.#parts;
    this.#asked ??= (briefing?.() ?? Promise.resolve(ok({ variables }))).then(asked => {
      if (!asked.ok) return asked;
      this.#briefing = asked.value;
      for (const [name, value] of tellable(asked.value)) learned?.(name, value);
      return asked;
    });
    return this.#asked;
  }

  /** The agent goes on with whoever speaks now, and should know that it may be somebody else. */
  #replaced(sipCallId: string): void {
    const { events, party, leg } = this.#parts;
    // What one caller has proved to be, the next one is not.
    this.verified.forget();
    this.#control.replaced();
    const caller = maskNumber(party.facts.callerId);
    events.emit({ type: 'call-replaced', call: this.key, sipCallId, caller });
    leg.tell(replacedNotice, 'context');
  }

  #agentReady(metadata: AgentMetadata): void {
    const { events, clock, learned } = this.#parts;
    this.transcript.begin();
    this.#tools.conversation += 1;
    this.#control.unhold();
    this.#arm('accepted', acceptedMs, () => this.#agents.accepted());
    learned?.('conversation_id', metadata.conversationId);
    events.emit({
      type: 'agent-ready',
      call: this.key,
      conversationId: metadata.conversationId,
      input: metadata.inputFormat,
      output: metadata.outputFormat,
      setupMs: clock.now() - (this.#recovery.lostAt ?? this.#begun),
    });
    this.#take('agent-ready');
  }

  #agentQueue(status: QueueStatus): void {
    // The conversation has not begun: what queue it would be in means nothing yet.
    if (beforeAnswer.has(this.#state)) return;
    if (status === 'admitted') return this.#take('admitted');
    // A conversation that is begun anew has its own deadline, and where its close leads the policy says.
    if (this.#state === 'reconnecting') return;
    if (status === 'timed_out') return this.stop(ending('agent-queue-timeout'));
    const { queuePolicy, queueWaitMs } = this.#parts.options;
    // Once the answer is on its way there is nothing left to decide: the caller hears what the queue plays.
    if (!unanswered.has(this.#state)) {
      this.#arm('queue', queueWaitMs, () => this.stop(ending('agent-queue-timeout')));
      return;
    }
    if (queuePolicy === 'busy') this.#end ??= ending('agent-busy');
    this.#take(`queued-${queuePolicy}`);
  }

  #agentEnded(end: Ending): void {
    if (beforeAnswer.has(this.#state)) {
      // It was only held ready: the answer gets a new one, with all its tries.
      this.#starts = 0;
      if (this.#state === 'alerting') this.#take('unprepared');
      return;
    }
    if (leaving.has(this.#state)) {
      return this.#handovers.agentEnded(end);
    }
    const { state } = this;
    if ((state === 'talking' || state === 'young') && end.result === 'success') {
      this.#end ??= end;
      return this.#take('agent-ended');
    }
    if (state === 'parting') return this.#take('agent-ended');
    if (state === 'talking') return this.#take(this.#lost(end));
    if (state === 'reconnecting') return this.#startFailed(end);
    const answered = !unanswered.has(state);
    const told = answered || end.result === 'success' ? ending('agent-start-failed', end.reason) : end;
    this.#startFailed(told, end);
  }

  /** `cause` is what the agent itself gave as the reason, where that is called otherwise here. */
  #startFailed(end: Ending, cause: Ending = end): void {
    const { state } = this;
    if (state === 'ended') return;
    this.#disarm('settle');
    const conceded = this.#agents.concede(cause);
    if (conceded && state === 'reconnecting') return this.#take('again');
    if (state === 'reconnecting') return this.#take(this.#recovery.failed(end));
    if (conceded) this.#starts -= 1;
    if (conceded || this.#starts < startsPerCall) {
      this.#parts.events.emit({ type: 'agent-retry', call: this.key, end });
      return this.#take('agent-failed');
    }
    if (survivable.has(state)) return this.#take(this.#recovery.giveUp(end));
    this.#end ??= end;
    this.#take('agent-failed-again');
  }

  /** What the loss of an agent in the middle of the call is for the table. */
  #lost(end: Ending): CallInput {
    // A conversation that has just begun may have been refused for what it began with.
    const again = this.#agents.concede(end) && this.#parts.options.survival.policy === 'reconnect';
    return this.#recovery.lose(again ? ending('agent-start-failed', end.reason) : end);
  }

  #grownUp(): void {
    this.#take('grown-up');
    if (this.#parts.options.survival.policy === 'reconnect') this.#keepSpare();
  }

  /** A signed URL is there for the agent that may be lost, as long as the call lasts. */
  #keepSpare(): void {
    const { tickets, agentId } = this.#parts;
    tickets.keepSpare?.(agentId);
    if (tickets.keepSpare !== undefined) this.#arm('spare', spareEveryMs, () => this.#keepSpare());
  }

  async #accept(): Promise<void> {
    const { party, clock, events, leg } = this.#parts;
    this.#disarm('ring');
    const accepted = await party.accept();
    // A failure also settles `party.ended`, which carries the reason.
    if (!accepted.ok || this.#state === 'ended') return;
    this.#answeredAt = clock.now();
    events.emit({ type: 'call-answered', call: this.key, setupMs: clock.now() - this.#begun, leg: leg.id });
    this.#take('accepted');
  }

  async #finish(): Promise<void> {
    this.#stopping.abort(over);
    this.#control.close();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#recovery.close();
    this.#tools.hush();
    const { leg, events, clock } = this.#parts;
    const end = this.#end ?? ending('internal-error');
    const answered = this.#answeredAt !== undefined;
    const now = clock.now();
    const seconds = (now - (this.#answeredAt ?? now)) / 1000;
    await this.#handovers.stop(end);
    const stats = await leg.close();
    events.emit({ type: 'call-ended', call: this.key, end, answered, seconds, stats });
    this.#settle({ end, answered, stats });
  }

  #arm(name: string, ms: number, fire: () => void): void {
    this.#timers.get(name)?.cancel();
    this.#timers.set(name, this.#parts.clock.timer(ms, fire));
  }

  #disarm(name: string): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }

  #takeIf(state: CallState, input: CallInput): void {
    if (this.#state === state) this.#take(input);
  }
}
