import type { AgentStart, AgentTickets, Briefing, ConversationOverrides } from '../agent/agent.ts';
import { type Ending, type EndingReason, ending, endings } from '../core/ending.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { agentStart } from './agent-start.ts';
import type { PartyFacts } from './party.ts';
import { firstVariables } from './resumption.ts';

/** What is done when an agent refuses an override: go on without it, or let the start fail. */
export const refusedOverridesPolicies = ['drop', 'fail'] as const;
export type RefusedOverridesPolicy = (typeof refusedOverridesPolicies)[number];

export interface AgentStartsParts {
  readonly tickets: AgentTickets;
  readonly agentId: string;
  readonly facts: PartyFacts;
  /** Variables that only the agent may get. */
  readonly secrets?: Readonly<Record<string, string>> | undefined;
  /** What the operator has to say of the call; asked once. */
  readonly briefing: () => Promise<Result<Briefing, Ending>>;
  readonly options: Pick<AgentStart, 'startTimeoutMs' | 'inputChunkMs'> & {
    readonly refusedOverrides: RefusedOverridesPolicy;
  };
  readonly log: Logger;
}

/** What is different for a conversation that goes on with a call. */
export interface Resuming {
  readonly variables: Readonly<Record<string, string>>;
  /** Empty: the first message is the agent's own. */
  readonly line: string;
  readonly startTimeoutMs: number;
}

/** Reasons by which an agent lets it be known that it does not allow an override; the second one only may mean that. */
const refusals: ReadonlySet<EndingReason> = new Set(['agent-override-refused', 'agent-contract-violation']);

/**
 * Makes what the conversations of one call begin with: ticket, briefing, variables and overrides. It remembers which
 * overrides the agent has refused, and that a spare ticket did not work.
 */
export class AgentStarts {
  readonly #parts: AgentStartsParts;
  #count = 0;
  /** Overrides that are left out because they were refused: the resumption line first, then everything. */
  #without: 'nothing' | 'line' | 'all' = 'nothing';
  /** What the last start had that a refusal may have been about. */
  #sent: { readonly line: boolean; readonly overrides: boolean; readonly spare: boolean } | undefined;
  #fresh = false;

  constructor(parts: AgentStartsParts) {
    this.#parts = parts;
  }

  /** Undefined when another start was asked for meanwhile. A failure is final when the operator does not want the call. */
  async next(resuming?: Resuming): Promise<Result<AgentStart, { end: Ending; final: boolean }> | undefined> {
    this.#count += 1;
    const turn = this.#count;
    const [ticket, briefing] = await Promise.all([this.#ticket(resuming), this.#parts.briefing()]);
    if (turn !== this.#count) return undefined;
    if (!briefing.ok) return fail({ end: briefing.failure, final: true });
    if (!ticket.ok) return fail({ end: ending(ticket.failure), final: false });
    const { facts, options, secrets } = this.#parts;
    const start = agentStart(ticket.value.url, briefing.value, facts, {
      ...options,
      startTimeoutMs: resuming?.startTimeoutMs ?? options.startTimeoutMs,
    });
    const { overrides: wanted, ...rest } = start;
    const line = this.#without === 'nothing' && resuming !== undefined && resuming.line !== '';
    const overrides = this.#without === 'all' ? undefined : withLine(wanted, line ? resuming.line : '');
    this.#sent = { line, overrides: overrides !== undefined, spare: ticket.value.spare };
    this.#fresh = false;
    return ok({
      ...rest,
      dynamicVariables: { ...firstVariables, ...start.dynamicVariables, ...secrets, ...resuming?.variables },
      ...(overrides === undefined ? {} : { overrides }),
    });
  }

  /** The conversation goes well: a later failure is not about what it began with. */
  accepted(): void {
    this.#sent = undefined;
  }

  /** Whoever waits for a ticket is not waited for any more. */
  abandon(): void {
    this.#count += 1;
  }

  /**
   * Whether the start that failed is worth another one that is not counted, because that will leave out what was
   * refused, or has a ticket that was not kept.
   */
  concede(end: Ending): boolean {
    const sent = this.#sent;
    if (sent === undefined) return false;
    if (sent.spare && (end.reason === 'agent-unauthorized' || end.reason === 'agent-unreachable')) {
      this.#sent = undefined;
      this.#fresh = true;
      return true;
    }
    if (!sent.overrides || !refusals.has(end.reason)) return false;
    if (!sent.line && this.#parts.options.refusedOverrides === 'fail') return false;
    this.#without = sent.line ? 'line' : 'all';
    this.#sent = undefined;
    const left = sent.line ? 'agent.first_message' : 'all of them';
    this.#parts.log.warn('the agent refused overrides, and is started without', {
      left_out: left,
      named: end.detail ?? 'none',
    });
    return true;
  }

  async #ticket(
    resuming: Resuming | undefined,
  ): Promise<Result<{ url: string; spare: boolean }, EndingReason>> {
    const { tickets, agentId } = this.#parts;
    const spare = resuming === undefined || this.#fresh ? undefined : tickets.spare?.(agentId);
    if (spare !== undefined) return ok({ url: spare, spare: true });
    const ticket = await tickets.signedUrl(agentId);
    if (ticket.ok) return ok({ url: ticket.value, spare: false });
    const { code } = ticket.failure;
    return fail(code in endings ? (code as EndingReason) : 'agent-unreachable');
  }
}

/** The overrides with another first message; undefined when there are none. */
function withLine(
  overrides: ConversationOverrides | undefined,
  line: string,
): ConversationOverrides | undefined {
  if (line === '') return overrides;
  return { ...overrides, agent: { ...overrides?.agent, first_message: line } };
}
