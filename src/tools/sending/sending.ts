import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { maskNumber } from '../../core/mask.ts';
import type { GateDecision, Money } from '../../core/tool-facts.ts';
import type { HeldSends, OptOuts } from '../../store/sends.ts';
import type { Counters } from '../../store/store.ts';
import type { GateState, Gates } from '../gates.ts';
import type { ToolContext, ToolResult } from '../tool.ts';
import { accessDecision, tierOf } from './access.ts';
import { answerOf, held, refusals } from './answers.ts';
import { agentBudgets, agentMoney, takeOf } from './budget.ts';
import { costOf, priceOf } from './costs.ts';
import { decide, heldFor, type Question, quietMs, refusalIn } from './decisions.ts';
import type {
  GateAnswer,
  Perform,
  ReadAnswer,
  Reading,
  Send,
  SendingGate,
  SendKind,
  SendOutcome,
  SendTicket,
} from './gate.ts';
import type { HeldWatch } from './held-watch.ts';
import { sendingLimits } from './limits.ts';
import type { SendingPolicy } from './policy.ts';
import type { RealPrices } from './real-prices.ts';
import { Repeats, repeatKey } from './repeats.ts';

export interface SendingParts {
  readonly gates: Gates;
  /** Asked for each send: a reload gives another. */
  readonly policy: () => SendingPolicy;
  readonly counters: Pick<Counters, 'take' | 'giveBack'>;
  readonly optOuts: Pick<OptOuts, 'has' | 'add'>;
  readonly heldSends: Pick<HeldSends, 'hold'>;
  /** Tells the call what became of what is held. */
  readonly watch: Pick<HeldWatch, 'add'>;
  /** Learns what was sent has really cost. */
  readonly prices: Pick<RealPrices, 'note'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Country of numbers without a country code: ISO 3166, two letters. */
  readonly country: string | undefined;
}

/** A send that was let go and is not settled yet. */
interface OpenSend {
  readonly send: Send;
  readonly receipt: string;
  readonly cost: Money;
  /** Absent where a person has approved it. */
  readonly asker?: { readonly context: ToolContext; readonly repeat: string };
}

/** What of a send is let go: its ticket, or why not. */
type Release =
  | { readonly ticket: SendTicket; readonly decision: GateDecision }
  | { readonly ticket: undefined; readonly decision: GateDecision; readonly result: ToolResult };

type Stopped = Extract<GateAnswer, { go: false }>;

/** The gate that every send passes, and every look at what is not the caller's own. */
export class Sending implements SendingGate {
  readonly #parts: SendingParts;
  readonly #performers = new Map<SendKind, Perform>();
  readonly #open = new Map<string, OpenSend>();
  readonly #repeats: Repeats;

  constructor(parts: SendingParts) {
    this.#parts = parts;
    this.#repeats = new Repeats(parts.clock);
  }

  register(kind: SendKind, perform: Perform): void {
    if (this.#performers.has(kind)) throw new Error(`two tools send ${kind}`);
    this.#performers.set(kind, perform);
  }

  async send(send: Send, context: ToolContext, signal: AbortSignal): Promise<ToolResult> {
    const answer = await this.ask(send, context, signal);
    if (!answer.go) return answer.result;
    return this.settle(answer.ticket, await this.perform(send, signal, context));
  }

  /** Sends what was let go. A performer that rejects has perhaps sent it. */
  async perform(send: Send, signal: AbortSignal, context?: ToolContext): Promise<SendOutcome> {
    const perform = this.#performers.get(send.kind);
    if (perform === undefined) throw new Error(`no tool sends ${send.kind}`);
    try {
      return await perform(send, signal, context);
    } catch (error) {
      const { log } = this.#parts;
      log.error('a send threw', {
        tool: send.tool,
        error: error instanceof Error ? error.name : typeof error,
      });
      return { done: 'unknown', result: refusals.unknown };
    }
  }

  async ask(send: Send, context: ToolContext, signal: AbortSignal): Promise<GateAnswer> {
    const policy = this.#parts.policy();
    const repeat = repeatKey(context.call, send);
    const earlier = this.#repeats.begin(repeat, policy.repeatMs);
    if (earlier !== undefined) return repeated(earlier, context, signal);
    try {
      const answer = await this.#ask(send, context, policy, repeat, signal);
      const keeps = !answer.go && answer.why === 'held';
      if (!answer.go) this.#repeats.end(repeat, answer.result, keeps);
      return answer;
    } catch (error) {
      this.#parts.log.error('what may be sent cannot be looked up', { error: messageOf(error) });
      this.#repeats.end(repeat, refusals.down);
      return stopped(context, 'refused', refusals.down, [
        { gate: 'store', decision: 'refuse', detail: 'down' },
      ]);
    }
  }

  async #ask(
    send: Send,
    context: ToolContext,
    policy: SendingPolicy,
    repeat: string,
    signal: AbortSignal,
  ): Promise<GateAnswer> {
    const tier = tierOf(context, policy, this.#parts.country);
    context.note({ tier });
    const question = { ...(await this.question(send, policy)), asker: { context, tier } };
    const decisions = decide(question);
    const refusal = refusalIn(decisions);
    if (refusal !== undefined)
      return stopped(context, 'refused', refusalAnswer(refusal, question), decisions);
    if (signal.aborted) return stopped(context, 'refused', refusals.aborted, decisions);
    const findings = heldFor(decisions);
    if (findings.length > 0 && !policy.dryRun) return this.#hold(send, context, findings, decisions);
    const released = await this.release(send, context.call, policy, { context, repeat });
    const all = [...decisions, released.decision];
    if (released.ticket === undefined) return stopped(context, 'refused', released.result, all);
    const late = await this.#late(released.ticket, policy, signal);
    if (late !== undefined) return stopped(context, late.why, late.result, [...all, late.decision]);
    context.note({ gates: all });
    return { go: true, ticket: released.ticket, decisions: all };
  }

  /** Everything that a send is decided from. Rejects when the store is down. */
  async question(send: Send, policy: SendingPolicy): Promise<Question> {
    const { gates, optOuts, clock, country } = this.#parts;
    const senders = [send.sender, ...(send.alsoFrom ?? [])];
    const [state, ...wants] = await Promise.all([
      gates.read(),
      ...senders.map(sender => optOuts.has({ number: send.to, sender })),
    ]);
    return { send, policy, gates: state, optedOut: wants.includes(true), now: clock.wall(), country };
  }

  async #hold(
    send: Send,
    context: ToolContext,
    findings: readonly string[],
    decisions: readonly GateDecision[],
  ): Promise<GateAnswer> {
    const { call, agentId } = context;
    const { tool, kind, to } = send;
    const id = await this.#parts.heldSends.hold({
      ...{ call, agentId, tool, kind, findings },
      recipient: maskNumber(to),
      body: JSON.stringify(send),
      lifeMs: sendingLimits.heldMs,
    });
    if (id === undefined) {
      const full: GateDecision = { gate: 'held', decision: 'refuse', detail: 'full' };
      return stopped(context, 'refused', refusals.full, [...decisions, full]);
    }
    this.#parts.watch.add(id, to, context);
    return stopped(context, 'held', held(id), decisions);
  }

  /** Takes what a send costs of the budgets. */
  async release(
    send: Send,
    call: string,
    policy: SendingPolicy,
    asker?: OpenSend['asker'],
  ): Promise<Release> {
    const cost = costOf(send, policy);
    const taken = await takeOf(this.#parts.counters, agentBudgets({ call, to: send.to, cost }, policy));
    if (taken.receipt === undefined) {
      const { decision, retryAfterMs } = taken;
      return { ticket: undefined, decision, result: answerOf(decision, retryAfterMs) };
    }
    const ticket = { id: randomUUID() };
    this.#open.set(ticket.id, {
      send,
      receipt: taken.receipt,
      cost,
      ...(asker === undefined ? {} : { asker }),
    });
    return { ticket, decision: taken.decision };
  }

  /** What has the last word: a dry run, the end of the call, a switch that was turned meanwhile. */
  async #late(
    ticket: SendTicket,
    { dryRun }: SendingPolicy,
    signal: AbortSignal,
  ): Promise<(Pick<Stopped, 'why' | 'result'> & { readonly decision: GateDecision }) | undefined> {
    const { killSwitch, allowAutonomousSends } = await this.#switches(ticket);
    const say = (gate: string, why: Stopped['why'], result: ToolResult) => ({
      ...{ why, result },
      decision: { gate, decision: 'refuse' as const, detail: 'late' },
    });
    const late = killSwitch
      ? say('kill_switch', 'refused', refusals.killed)
      : !allowAutonomousSends
        ? say('allow_sends', 'refused', refusals.off)
        : signal.aborted
          ? say('call', 'refused', refusals.aborted)
          : dryRun
            ? say('dry_run', 'dry-run', refusals.dryRun)
            : undefined;
    if (late !== undefined) await this.#takeBack(ticket);
    return late;
  }

  /** The switches as they are now; a send that cannot ask is taken back. */
  async #switches(ticket: SendTicket): Promise<GateState> {
    try {
      return await this.#parts.gates.read();
    } catch (error) {
      await this.#takeBack(ticket);
      throw error;
    }
  }

  /** What was let go is not sent after all. */
  async #takeBack(ticket: SendTicket): Promise<void> {
    const open = this.#open.get(ticket.id);
    this.#open.delete(ticket.id);
    if (open !== undefined) await this.#giveBack(open.receipt);
  }

  async settle(ticket: SendTicket, outcome: SendOutcome): Promise<ToolResult> {
    const open = this.#open.get(ticket.id);
    if (open === undefined) throw new Error('a send was settled twice');
    this.#open.delete(ticket.id);
    const { done, result, requestId, sid } = outcome;
    const nothing = done === 'unprocessed' || done === 'opted-out';
    const cost = outcome.cost ?? (done === 'sent' || done === 'unknown' ? open.cost : undefined);
    open.asker?.context.note({
      ...(requestId === undefined ? {} : { requestId }),
      ...(cost === undefined ? {} : { cost }),
    });
    if (done === 'sent' && sid !== undefined && outcome.cost === undefined) {
      const { receipt, cost: estimate } = open;
      const bought = { what: 'message', sid, receipt, counters: agentMoney, estimate, requestId } as const;
      this.#parts.prices.note(bought);
    }
    if (open.asker !== undefined) this.#repeats.end(open.asker.repeat, result, !nothing);
    if (nothing) await this.#giveBack(open.receipt);
    if (done === 'opted-out') await this.#optOut(open.send);
    return result;
  }

  /** One that is not given back costs a message of the day, and nothing else. */
  async #giveBack(receipt: string): Promise<void> {
    await this.#parts.counters.giveBack(receipt).catch(() => undefined);
  }

  async #optOut({ to, sender }: Send): Promise<void> {
    try {
      await this.#parts.optOuts.add({ number: to, sender }, 'refused');
    } catch (error) {
      // Twilio remembers it as well.
      this.#parts.log.warn('an opt-out cannot be kept', { error: messageOf(error) });
    }
  }

  async read(
    { tool, action, numbers = [], charges = [] }: Reading,
    context: ToolContext,
  ): Promise<ReadAnswer> {
    const { country } = this.#parts;
    const policy = this.#parts.policy();
    const tier = tierOf(context, policy, country);
    context.note({ tier, ...(action === undefined ? {} : { action }) });
    const decisions = [accessDecision({ tool, numbers }, context, tier, policy.access, country)];
    const refuse = (decision: GateDecision, retryAfterMs?: number): ReadAnswer => {
      context.note({ gates: [...decisions.filter(each => each !== decision), decision] });
      return { go: false, result: answerOf(decision, retryAfterMs) };
    };
    const denied = refusalIn(decisions);
    if (denied !== undefined) return refuse(denied);
    context.note({ gates: decisions });
    if (charges.length === 0) return { go: true, giveBack: async () => undefined };
    try {
      const { killSwitch } = await this.#parts.gates.read();
      if (killSwitch) return refuse({ gate: 'kill_switch', decision: 'refuse', detail: 'on' });
      const micros = charges.reduce((sum, item) => sum + priceOf(item, numbers[0] ?? '', policy.costs), 0);
      const cost = { micros, currency: policy.currency };
      const taken = await takeOf(this.#parts.counters, agentBudgets({ call: context.call, cost }, policy));
      if (taken.receipt === undefined) return refuse(taken.decision, taken.retryAfterMs);
      context.note({ gates: [...decisions, taken.decision], cost });
      const { receipt } = taken;
      return { go: true, giveBack: () => this.#giveBack(receipt) };
    } catch (error) {
      this.#parts.log.error('what may be looked up is not known', { error: messageOf(error) });
      return refuse({ gate: 'store', decision: 'refuse', detail: 'down' });
    }
  }
}

/** The answer of the same send a moment ago, once it is there. */
async function repeated(
  earlier: Promise<ToolResult>,
  context: ToolContext,
  signal: AbortSignal,
): Promise<GateAnswer> {
  const given = new Promise<ToolResult>(resolve =>
    signal.addEventListener('abort', () => resolve(refusals.aborted), { once: true }),
  );
  const result = await Promise.race([earlier, given]);
  return stopped(context, 'repeated', result, [{ gate: 'repeat', decision: 'refuse', detail: 'same' }]);
}

function stopped(
  context: ToolContext,
  why: Stopped['why'],
  result: ToolResult,
  decisions: readonly GateDecision[],
): Stopped {
  context.note({ gates: decisions });
  return { go: false, why, result, decisions };
}

export function refusalAnswer(refusal: GateDecision, question: Question): ToolResult {
  return answerOf(refusal, refusal.gate === 'quiet_hours' ? quietMs(question) : undefined);
}
