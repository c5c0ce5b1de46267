import type { Clock } from '../../core/clock.ts';
import type { EventSink } from '../../core/events.ts';
import type { Logger } from '../../core/logger.ts';
import { maskArguments } from '../../core/mask.ts';
import type { ToolRunFacts } from '../../core/tool-facts.ts';
import type { Executions } from '../../store/sends.ts';

export interface ActionLogParts {
  readonly executions: Pick<Executions, 'add'>;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Something that is being done for a program of the operator's. */
export interface ActionBegun {
  readonly action: string;
  /** Who holds the API key. */
  readonly by: string;
  /** What was asked for, as it came. */
  readonly given: unknown;
}

/** It is over. Never rejects. */
export type ActionOver = (status: string, isError: boolean, facts: ToolRunFacts) => Promise<void>;

/** What programs of the operator's had done: each run is told of, counted, and kept in the list of executions. */
export class ActionLog {
  readonly #parts: ActionLogParts;

  constructor(parts: ActionLogParts) {
    this.#parts = parts;
  }

  begin({ action, by, given }: ActionBegun): ActionOver {
    const { executions, events, clock, log } = this.#parts;
    const begun = clock.now();
    const at = clock.wall();
    return async (status, isError, facts) => {
      const ms = clock.now() - begun;
      events.emit({ type: 'action-run', action, by, status, isError, ms, facts });
      try {
        await executions.add({
          ...{ call: '', agentId: '', tool: action, at, ms, status, isError },
          arguments: maskArguments(given),
          ...facts,
        });
      } catch {
        log.warn('an action of the operator could not be recorded', { action });
      }
    };
  }
}
