import type { AgentMetadata, AgentTickets, AgentToolCall, Briefing, QueueStatus } from '../agent/agent.ts';
import type { Clock, Timer } from '../core/clock.ts';
import { type Ending, type EndingReason, ending, endings } from '../core/ending.ts';
import { Failure, fail, messageOf, ok, type Result } from '../core/errors.ts';
import type { EventSink } from '../core/events.ts';
import type { CallKey } from '../core/ids.ts';
import type { KeyedDigits } from '../core/keyed-digits.ts';
import type { Logger } from '../core/logger.ts';
import { maskNumber } from '../core/mask.ts';
import { VerifiedNumbers } from '../core/verified.ts';
import type { Toolbox } from '../tools/tool.ts';
import type { KeyForm, Leg, LegStats } from '../worker/legs.ts';
import { agentStart, tellable } from './agent-start.ts';
import type { CallControl, SecondLegs, TransferWay } from './control.ts';
import type { Party, TransferTarget } from './party.ts';
import { type CallAction, type CallInput, type CallState, callStates, step } from './states.ts';
import { Transcript } from './transcript.ts';
import { Transfer, transferLimits } from './transfer.ts';

/** What a call does when the agent puts its caller in a queue. */
export type QueuePolicy = 'busy' | 'ring' | 'answer';

export interface CallOptions {
  /** From the agent's metadata to the answer, ms: refusals often come just after it. */
  readonly settleMs: number;
  /** Conversation start, from connecting to metadata, ms. */
  readonly startTimeoutMs: number;
  readonly inputChunkMs: number;
  readonly queuePolicy: QueuePolicy;
  readonly queueWaitMs: number;
  /** From INVITE to answer, ms. */
  readonly ringMs: number;
  /** From answer to end, ms. */
  readonly longestMs: number;
}

/** How long after the answer the end of a conversation still counts as a failed start, ms. */
const youthMs = 1000;
/** Starts of a conversation that one call may make, the first one included. */
const startsPerCall = 2;

/** States in which no answer has been sent. */
const unanswered: ReadonlySet<CallState> = new Set([
  'opening',
  'starting',
  'waiting',
  'waiting-ready',
  'settling',
]);

/** States of a call of ours whose party has not answered. */
const beforeAnswer: ReadonlySet<CallState> = new Set(['calling', 'alerting', 'alerting-alone']);

/** States of a call whose caller is being handed over, or was. */
const leaving: ReadonlySet<CallState> = new Set(['transferring', 'transferring-alone', 'bridged']);

/** Why what ran for a call was stopped: made once, because an AbortController would make an error for each. */
const over = new Failure('gone', 'the call is over');

/** What one call is made of. */
export interface CallParts {
  readonly key: CallKey;
  readonly party: Party;
  readonly leg: Leg;
  readonly agentId: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Asked once, while the agent is first dialled; absent: the variables are all there is. A failure ends the call. */
  readonly briefing?: () => Promise<Result<Briefing, Ending>>;
  /** Told what becomes known of the call while it is up, under the names of variables. */
  readonly learned?: (name: string, value: string) => void;
  readonly tickets: AgentTickets;
  readonly toolbox: Toolbox;
  /** Opens legs to those whom callers are transferred to; absent where nobody can be called. */
  readonly second?: SecondLegs;
  readonly options: CallOptions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
}

/** A call that is over. */
export interface CallSummary {
  readonly end: Ending;
  readonly answered: boolean;
  readonly stats: LegStats;
}

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
  #answeredAt: number | undefined;
  /** Why the call is ending, once it is known. */
  #end: Ending | undefined;
  /** Why the agent left while its caller was handed over. */
  #agentEnd: Ending | undefined;
  #transfer: Transfer | undefined;
  #transfers = 0;
  /** The leg that the caller was connected with. */
  #bridged: Leg | undefined;
  /** Who gets what is keyed in secure mode. */
  #keyed: ((digits: KeyedDigits) => void) | undefined;
  /** What tools may have done with this call. */
  readonly #control: CallControl = {
    transfer: (target, way) => this.#handOver(target, way),
    digits: (keys, form) => this.#press(keys, form),
    hold: on => this.#hold(on),
    secure: take => this.#secure(take),
    tell: (text, how) => {
      if (this.#state !== 'ended') this.#parts.leg.tell(text, how);
    },
    withhold: on => this.transcript.withhold(on),
  };

  constructor(parts: CallParts) {
    this.#parts = parts;
    this.key = parts.key;
    this.transcript = new Transcript(parts.clock);
    this.#begun = parts.clock.now();
    this.verified = new VerifiedNumbers(parts.clock);
    this.ended = new Promise(resolve => {
      this.#settle = resolve;
    });
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
      toolCall: call => void this.#runTool(call),
      keyed: digits => (this.#keyed === undefined ? digits.wipe() : this.#keyed(digits)),
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
        return void this.#startAgent(false);
      case 'prepare-agent':
        return void this.#startAgent(true);
      case 'begin-agent':
        // Without it the ticket is still on its way, and what it opens begins at once.
        if (this.#prepared) leg.begin();
        return;
      case 'arm-settle':
        return this.#arm('settle', options.settleMs, () => this.#takeIf('settling', 'settled'));
      case 'arm-youth':
        return this.#arm('youth', youthMs, () => this.#take('grown-up'));
      case 'arm-longest':
        return this.#arm('longest', options.longestMs, () => this.stop(ending('max-call-time')));
      case 'arm-queue':
        return this.#arm('queue', options.queueWaitMs, () => this.stop(ending('agent-queue-timeout')));
      case 'disarm-queue':
        return this.#disarm('queue');
      case 'accept':
        return void this.#accept();
      case 'open':
        return leg.open();
      case 'ringback':
        return leg.tone('ringback');
      case 'ringback-off':
        return leg.tone('off');
      case 'join':
        return this.#join();
      case 'end-party':
        this.#parts.learned?.('end_reason', this.#end?.reason ?? 'internal-error');
        return party.end(this.#end ?? ending('internal-error'));
      case 'finish':
        return void this.#finish();
    }
  }

  async #startAgent(ahead: boolean): Promise<void> {
    this.#starts += 1;
    this.#disarm('settle');
    const attempt = this.#starts;
    const { tickets, agentId, leg, options, party } = this.#parts;
    const [ticket, briefing] = await Promise.all([tickets.signedUrl(agentId), this.#ask()]);
    if (this.#state === 'ended' || attempt !== this.#starts) return;
    if (!briefing.ok) return this.stop(briefing.failure);
    if (!ticket.ok) {
      const reason =
        ticket.failure.code in endings ? (ticket.failure.code as EndingReason) : 'agent-unreachable';
      this.#startFailed(ending(reason));
      return;
    }
    const start = agentStart(ticket.value, briefing.value, party.facts, options);
    this.#prepared = ahead && this.#state === 'alerting';
    if (this.#prepared) leg.prepare(start);
    else leg.agent(start);
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
    const caller = maskNumber(party.facts.callerId);
    events.emit({ type: 'call-replaced', call: this.key, sipCallId, caller });
    leg.tell(replacedNotice, 'context');
  }

  #agentReady(metadata: AgentMetadata): void {
    const { events, clock, learned } = this.#parts;
    this.transcript.begin();
    learned?.('conversation_id', metadata.conversationId);
    events.emit({
      type: 'agent-ready',
      call: this.key,
      conversationId: metadata.conversationId,
      input: metadata.inputFormat,
      output: metadata.outputFormat,
      setupMs: clock.now() - this.#begun,
    });
    this.#take('agent-ready');
  }

  #agentQueue(status: QueueStatus): void {
    // The conversation has not begun: what queue it would be in means nothing yet.
    if (beforeAnswer.has(this.#state)) return;
    if (status === 'admitted') return this.#take('admitted');
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
      this.#agentEnd ??= end;
      return this.#take('agent-ended');
    }
    const answered = !unanswered.has(this.#state);
    if (this.#state === 'talking' || (this.#state === 'young' && end.result === 'success')) {
      this.#end ??= end;
      this.#take('agent-ended');
      return;
    }
    this.#startFailed(answered || end.result === 'success' ? ending('agent-start-failed', end.reason) : end);
  }

  #startFailed(end: Ending): void {
    if (this.#state === 'ended') return;
    this.#disarm('settle');
    if (this.#starts < startsPerCall) {
      this.#parts.events.emit({ type: 'agent-retry', call: this.key, end });
      this.#take('agent-failed');
      return;
    }
    this.#end ??= end;
    this.#take('agent-failed-again');
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

  async #runTool(call: AgentToolCall): Promise<void> {
    if (this.#state === 'ended') return;
    const { toolbox, party, clock, log, events, leg } = this.#parts;
    const begun = clock.now();
    const verifyNumber = this.#briefing?.verifyNumber;
    const context = {
      call: this.key,
      facts: party.facts,
      ...(verifyNumber === undefined ? {} : { verifyNumber }),
      verified: this.verified,
      clock,
      log,
      control: this.#control,
    };
    const answer = await toolbox.run(call.name, call.parameters, context, this.#stopping.signal);
    const { status, isError } = answer;
    const ms = clock.now() - begun;
    this.transcript.ran({ tool: call.name, status, isError, ms });
    events.emit({ type: 'tool-run', call: this.key, tool: call.name, status, isError, ms });
    if (call.expectsResponse && !this.#stopping.signal.aborted) {
      leg.answerTool({ id: call.id, result: answer.result, isError });
    }
  }

  async #handOver(target: TransferTarget, way: TransferWay): Promise<Result<void, Ending>> {
    if (callStates[this.#state].transfer === undefined) {
      const why = leaving.has(this.#state) ? 'another transfer is under way' : 'the call is not up';
      return fail(ending('transfer-failed', why));
    }
    this.#transfers += 1;
    if (this.#transfers > transferLimits.perCall)
      return fail(ending('transfer-failed', 'it was tried too often'));
    const { party, leg, second, clock, events } = this.#parts;
    const begun = clock.now();
    const transfer = new Transfer({
      call: this.key,
      party,
      leg,
      second,
      farEnded: end => this.#farEnded(end),
    });
    this.#transfer = transfer;
    this.#take('transfer');
    const outcome = await transfer.run(target, way);
    const end = outcome.ok ? ending('transferred') : outcome.failure;
    events.emit({ type: 'transfer', call: this.key, way: transfer.way, end, ms: clock.now() - begun });
    if (!leaving.has(this.#state)) return outcome.ok ? ok(undefined) : outcome;
    if (!outcome.ok) {
      if (this.#state === 'transferring-alone') this.#end ??= this.#agentEnd;
      this.#take('transfer-failed');
      return outcome;
    }
    if (outcome.value.way === 'bridge') {
      this.#bridged = outcome.value.second.leg;
      this.#take('bridged');
      if (transfer.gone !== undefined) this.#farEnded(transfer.gone);
    } else {
      this.#end ??= end;
      this.#take('transferred');
    }
    return ok(undefined);
  }

  #join(): void {
    if (this.#bridged === undefined) throw new Error('there is no second leg to join with');
    this.#parts.leg.join(this.#bridged, 'full');
  }

  #farEnded(end: Ending): void {
    if (this.#state !== 'bridged') return;
    this.#end ??= end;
    this.#take('far-ended');
  }

  async #press(keys: string, form: KeyForm): Promise<Result<void>> {
    const { leg } = this.#parts;
    await leg.quiet(transferLimits.keysQuietMs);
    if (this.#state === 'ended') return fail(new Failure('gone', 'the call is over'));
    const pressed = await leg.digits(keys, form);
    return pressed ? ok(undefined) : fail(new Failure('busy', 'too many keys wait already'));
  }

  #secure(take: ((digits: KeyedDigits) => void) | undefined): Promise<boolean> {
    this.#keyed = take;
    return this.#state === 'ended' ? Promise.resolve(false) : this.#parts.leg.secure(take !== undefined);
  }

  async #hold(on: boolean): Promise<Result<void>> {
    const { party } = this.#parts;
    return (await party.hold?.(on)) ?? fail(new Failure('unsupported', 'this kind of call cannot be held'));
  }

  async #finish(): Promise<void> {
    this.#stopping.abort(over);
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    const { leg, events, clock } = this.#parts;
    const end = this.#end ?? ending('internal-error');
    const answered = this.#answeredAt !== undefined;
    const seconds = (clock.now() - (this.#answeredAt ?? clock.now())) / 1000;
    await this.#transfer?.stop(end);
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
