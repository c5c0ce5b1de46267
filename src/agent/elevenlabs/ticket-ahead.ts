import type { Result } from '../../core/errors.ts';
import type { AgentTickets } from '../agent.ts';

/**
 * The tickets of one call, the first of which is asked for at once: it comes while ports are opened, and the caller waits
 * for the longer of the two only.
 */
export class TicketAhead implements AgentTickets {
  readonly #tickets: AgentTickets;
  readonly #agentId: string;
  #first: Promise<Result<string>> | undefined;

  constructor(tickets: AgentTickets, agentId: string) {
    this.#tickets = tickets;
    this.#agentId = agentId;
    this.#first = tickets.signedUrl(agentId);
  }

  signedUrl(agentId: string): Promise<Result<string>> {
    const first = agentId === this.#agentId ? this.#first : undefined;
    this.#first = undefined;
    return first ?? this.#tickets.signedUrl(agentId);
  }

  spare(agentId: string): string | undefined {
    return this.#tickets.spare?.(agentId);
  }

  keepSpare(agentId: string): void {
    this.#tickets.keepSpare?.(agentId);
  }
}
