import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { maskNumber } from '../../core/mask.ts';
import type { GateDecision } from '../../core/tool-facts.ts';
import type { HeldSends, OptOuts } from '../../store/sends.ts';
import type { Counters } from '../../store/store.ts';
import type { GateState, Gates } from '../gates.ts';
import type { ToolContext, ToolResult } from '../tool.ts';
import { tierOf } from './access.ts';
import { held, refusals } from './answers.ts';
import { decide, heldFor, type Question, refusalAnswer, refusalIn } from './decisions.ts';
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
import { OpenSends, type Release, type SendAsker } from './open-sends.ts';
import type { SendingPolicy } from './policy.ts';
import { mayRead } from './reading-gate.ts';
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

type Stopped = Extract<GateAnswer, { go: false }>;

/** The gate that every send passes, and every look at what is not the caller's own. */
export class Sending implements SendingGate {
  readonly #parts: SendingParts;
  readonly #performers = new Map<SendKind, Perform>();
  readonly #open: OpenSends;
  readonly #repeats: Repeats;

  constructor(parts: SendingParts) {
    this.#parts = parts;
    this.#repeats = new Repeats(parts.clock);
    this.#open = new OpenSends({ ...parts, repeats: this.#repeats });
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

  /** Takes what a send costs of the budgets; what was let go is to be settled. */
  release(send: Send, call: string, policy: SendingPolicy, asker?: SendAsker): Promise<Release> {
    return this.#open.release(send, call, policy, asker);
  }

  settle(ticket: SendTicket, outcome: SendOutcome): Promise<ToolResult> {
    return this.#open.settle(ticket, outcome);
  }

  read(reading: Reading, context: ToolContext): Promise<ReadAnswer> {
    return mayRead(this.#parts, reading, context);
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
    if (late !== undefined) await this.#open.takeBack(ticket);
    return late;
  }

  /** The switches as they are now; a send that cannot ask is taken back. */
  async #switches(ticket: SendTicket): Promise<GateState> {
    try {
      return await this.#parts.gates.read();
    } catch (error) {
      await this.#open.takeBack(ticket);
      throw error;
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
