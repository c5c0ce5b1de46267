import type { Clock } from '../../core/clock.ts';
import type { Result } from '../../core/errors.ts';
import type { AgentTickets } from '../agent.ts';

export const spareTicketLimits = {
  /** A signed URL opens a socket for 15 minutes; what is older than this is fetched anew, ms. */
  freshMs: 600_000,
  /** Agents for which one is kept. */
  agents: 1_000,
} as const;

interface Spare {
  url: string | undefined;
  since: number;
  fetching: boolean;
}

/**
 * Keeps one signed URL ahead for each agent that has calls, so that a conversation that is lost can be begun anew without
 * asking first. It is shared by the calls of the agent: whoever needs it takes it, and the next one is fetched.
 */
export class SpareTickets implements AgentTickets {
  readonly #office: AgentTickets;
  readonly #clock: Clock;
  readonly #spares = new Map<string, Spare>();

  constructor(office: AgentTickets, clock: Clock) {
    this.#office = office;
    this.#clock = clock;
  }

  signedUrl(agentId: string): Promise<Result<string>> {
    return this.#office.signedUrl(agentId);
  }

  spare(agentId: string): string | undefined {
    const spare = this.#spares.get(agentId);
    if (spare === undefined || !this.#isFresh(spare)) return undefined;
    const { url } = spare;
    spare.url = undefined;
    this.keepSpare(agentId);
    return url;
  }

  keepSpare(agentId: string): void {
    const spare = this.#spares.get(agentId) ?? { url: undefined, since: 0, fetching: false };
    if (spare.fetching || this.#isFresh(spare)) return;
    this.#spares.delete(agentId);
    this.#spares.set(agentId, spare);
    if (this.#spares.size > spareTicketLimits.agents) {
      const [oldest = ''] = this.#spares.keys();
      this.#spares.delete(oldest);
    }
    spare.fetching = true;
    void this.#fetch(agentId, spare);
  }

  async #fetch(agentId: string, spare: Spare): Promise<void> {
    const since = this.#clock.now();
    const ticket = await this.#office.signedUrl(agentId);
    spare.fetching = false;
    spare.since = since;
    spare.url = ticket.ok ? ticket.value : undefined;
  }

  #isFresh({ url, since }: Spare): boolean {
    return url !== undefined && this.#clock.now() - since < spareTicketLimits.freshMs;
  }
}
