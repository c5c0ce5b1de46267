import { randomUUID } from 'node:crypto';
import type { GateDecision } from '../../core/tool-facts.ts';
import type { Gates } from '../gates.ts';
import type { ToolContext, ToolResult } from '../tool.ts';
import { refusals } from './answers.ts';
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
import type { SendingPolicy } from './policy.ts';

export interface SendingParts {
  readonly gates: Gates;
  /** Asked for each send: a reload gives another. */
  readonly policy: () => SendingPolicy;
}

/** A send that was let go and is not settled yet. */
interface OpenSend {
  readonly context: ToolContext;
  readonly decisions: readonly GateDecision[];
}

/** The gate that every send of an agent passes, and every look at what is not the caller's own. */
export class Sending implements SendingGate {
  readonly #parts: SendingParts;
  readonly #performers = new Map<SendKind, Perform>();
  readonly #open = new Map<string, OpenSend>();

  constructor(parts: SendingParts) {
    this.#parts = parts;
  }

  register(kind: SendKind, perform: Perform): void {
    if (this.#performers.has(kind)) throw new Error(`two tools send ${kind}`);
    this.#performers.set(kind, perform);
  }

  async send(send: Send, context: ToolContext, signal: AbortSignal): Promise<ToolResult> {
    const perform = this.#performers.get(send.kind);
    if (perform === undefined) throw new Error(`no tool sends ${send.kind}`);
    const answer = await this.ask(send, context, signal);
    if (!answer.go) return answer.result;
    return this.settle(answer.ticket, await perform(send, signal, context));
  }

  async ask(_send: Send, context: ToolContext, signal: AbortSignal): Promise<GateAnswer> {
    const decisions: GateDecision[] = [];
    const stopped = (why: 'refused' | 'dry-run', result: ToolResult): GateAnswer => {
      context.note({ gates: decisions });
      return { go: false, why, result, decisions };
    };
    try {
      const { allowAutonomousSends, killSwitch } = await this.#parts.gates.read();
      decisions.push({ gate: 'kill_switch', decision: killSwitch ? 'refuse' : 'pass' });
      if (killSwitch) return stopped('refused', refusals.killed);
      decisions.push({ gate: 'allow_sends', decision: allowAutonomousSends ? 'pass' : 'refuse' });
      if (!allowAutonomousSends) return stopped('refused', refusals.off);
    } catch {
      decisions.push({ gate: 'store', decision: 'refuse', detail: 'down' });
      return stopped('refused', refusals.down);
    }
    if (this.#parts.policy().dryRun) return stopped('dry-run', refusals.dryRun);
    if (signal.aborted) return stopped('refused', refusals.aborted);
    const ticket = { id: randomUUID() };
    this.#open.set(ticket.id, { context, decisions });
    context.note({ gates: decisions });
    return { go: true, ticket, decisions };
  }

  async settle(ticket: SendTicket, { result, requestId, cost }: SendOutcome): Promise<ToolResult> {
    const open = this.#open.get(ticket.id);
    if (open === undefined) throw new Error('a send was settled twice');
    this.#open.delete(ticket.id);
    open.context.note({
      ...(requestId === undefined ? {} : { requestId }),
      ...(cost === undefined ? {} : { cost }),
    });
    return result;
  }

  async read(reading: Reading, context: ToolContext): Promise<ReadAnswer> {
    const { action } = reading;
    if (action !== undefined) context.note({ action });
    return { go: true, giveBack: async () => undefined };
  }
}
