import { randomBytes } from 'node:crypto';

/** Signatures that were given out and not used; the oldest go first. */
const keptTickets = 10_000;

/** The signatures of signed URLs: each opens one WebSocket, for the agent it was given out for. */
export class Tickets {
  readonly #agents = new Map<string, string>();

  issue(agentId: string): string {
    const signature = `sim_${randomBytes(12).toString('hex')}`;
    this.#agents.set(signature, agentId);
    if (this.#agents.size > keptTickets) {
      const oldest = this.#agents.keys().next();
      if (oldest.done !== true) this.#agents.delete(oldest.value);
    }
    return signature;
  }

  /** True once, for the right agent. */
  redeem(signature: string, agentId: string): boolean {
    const known = this.#agents.get(signature) === agentId;
    this.#agents.delete(signature);
    return known;
  }
}
