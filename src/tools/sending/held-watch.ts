import type { Clock, Timer } from '../../core/clock.ts';
import type { HeldSends, HeldState } from '../../store/sends.ts';
import type { ToolContext } from '../tool.ts';
import { spoken } from '../verify/destination.ts';
import { sendingLimits } from './limits.ts';

export interface HeldWatchParts {
  readonly heldSends: Pick<HeldSends, 'find'>;
  readonly clock: Clock;
}

interface Watched {
  readonly to: string;
  readonly context: Pick<ToolContext, 'control'>;
  readonly until: number;
}

/** What the agent is told of each end; `to` is how the number may be spoken of. */
const notices: Readonly<Partial<Record<HeldState, (to: string) => string>>> = {
  sent: to => `The message to ${to} that waited for approval was approved and is on its way.`,
  failed: to => `The message to ${to} that waited for approval was approved, but could not be sent.`,
  unknown: to =>
    `The message to ${to} was approved; it is not known whether it was sent. Do not send it again.`,
  refused: to => `A person has decided that the message to ${to} is not sent. Do not send it again.`,
  expired: to =>
    `Nobody has looked at the message to ${to} in time: it was not sent. Offer to hand over to a person.`,
};

/**
 * Tells agents what became of the held sends of their calls, whichever node it happened on: what is watched is looked up
 * every two seconds, and at once where it was decided here. Watches nothing when nothing is held.
 */
export class HeldWatch {
  readonly #parts: HeldWatchParts;
  readonly #watched = new Map<string, Watched>();
  #timer: Timer | undefined;

  constructor(parts: HeldWatchParts) {
    this.#parts = parts;
  }

  add(id: string, to: string, context: Pick<ToolContext, 'control'>): void {
    const until = this.#parts.clock.now() + sendingLimits.heldMs + sendingLimits.watchOverMs;
    this.#watched.set(id, { to, context, until });
    this.#arm();
  }

  /** Looks at one now, because it was decided here. */
  async look(id: string): Promise<void> {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    const now = await this.#parts.heldSends.find(id);
    const over = this.#parts.clock.now() > watched.until;
    const notice = now === undefined ? undefined : notices[now.state];
    if (notice === undefined && now !== undefined && !over) return;
    // Another look may have been faster.
    if (!this.#watched.delete(id) || notice === undefined) return;
    watched.context.control.tell(notice(spoken(watched.to)), 'context');
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#watched.clear();
  }

  #arm(): void {
    this.#timer ??= this.#parts.clock.timer(sendingLimits.watchMs, () => void this.#lookAtAll());
  }

  async #lookAtAll(): Promise<void> {
    for (const id of [...this.#watched.keys()]) {
      // While the store is down nothing is known: the next look tells.
      await this.look(id).catch(() => undefined);
    }
    this.#timer = undefined;
    if (this.#watched.size > 0) this.#arm();
  }
}
