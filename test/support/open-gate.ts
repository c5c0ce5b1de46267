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
} from '../../src/tools/sending/gate.ts';
import type { ToolContext, ToolResult } from '../../src/tools/tool.ts';

/** A gate that lets everything through and writes down what passed; with `closed` it lets nothing through. */
export class OpenGate implements SendingGate {
  closed: ToolResult | undefined;
  readonly sends: Send[] = [];
  readonly outcomes: SendOutcome[] = [];
  readonly readings: Reading[] = [];
  /** Readings that were given back. */
  givenBack = 0;
  readonly #performers = new Map<SendKind, Perform>();

  register(kind: SendKind, perform: Perform): void {
    this.#performers.set(kind, perform);
  }

  async send(send: Send, context: ToolContext, signal: AbortSignal): Promise<ToolResult> {
    this.sends.push(send);
    if (this.closed !== undefined) return this.closed;
    return this.perform(send, signal, context);
  }

  /** What an operator's approval does to a send that was held. */
  async perform(send: Send, signal: AbortSignal, context?: ToolContext): Promise<ToolResult> {
    const outcome = await this.#performers.get(send.kind)?.(send, signal, context);
    if (outcome === undefined) throw new Error(`nobody sends ${send.kind}`);
    this.outcomes.push(outcome);
    return outcome.result;
  }

  async ask(send: Send): Promise<GateAnswer> {
    this.sends.push(send);
    if (this.closed !== undefined) return { go: false, why: 'refused', result: this.closed, decisions: [] };
    return { go: true, ticket: { id: '1' }, decisions: [] };
  }

  async settle(_ticket: SendTicket, outcome: SendOutcome): Promise<ToolResult> {
    this.outcomes.push(outcome);
    return outcome.result;
  }

  async read(reading: Reading): Promise<ReadAnswer> {
    this.readings.push(reading);
    if (this.closed !== undefined) return { go: false, result: this.closed };
    return {
      go: true,
      giveBack: async () => {
        this.givenBack += 1;
      },
    };
  }
}
