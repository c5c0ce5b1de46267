import type { AgentTickets, Briefing } from '../agent/agent.ts';
import type { Clock } from '../core/clock.ts';
import type { Ending } from '../core/ending.ts';
import type { Result } from '../core/errors.ts';
import type { EventSink } from '../core/events.ts';
import type { CallKey } from '../core/ids.ts';
import type { Logger } from '../core/logger.ts';
import type { Toolbox } from '../tools/tool.ts';
import type { KeyTones, Leg, LegStats } from '../worker/legs.ts';
import type { RefusedOverridesPolicy } from './agent-starts.ts';
import type { SecondLegs, TransferWay } from './control.ts';
import type { Party, TransferTarget } from './party.ts';
import type { RecordingPolicy } from './recording.ts';
import type { SurvivalOptions } from './survival.ts';
import type { WaitingOptions } from './waiting.ts';

/** What a call does when the agent puts its caller in a queue. */
export type QueuePolicy = 'busy' | 'ring' | 'answer';

export interface CallOptions extends RecordingPolicy {
  /** From the agent's metadata to the answer, ms: refusals often come just after it. */
  readonly settleMs: number;
  /** Conversation start, from connecting to metadata, ms. */
  readonly startTimeoutMs: number;
  readonly inputChunkMs: number;
  readonly queuePolicy: QueuePolicy;
  readonly queueWaitMs: number;
  /** From INVITE to answer, ms. */
  readonly ringMs: number;
  /** From answer to end, ms. */
  readonly longestMs: number;
  /** Whether keys are looked for in the sound of the party; `auto` unless given. */
  readonly tones?: KeyTones;
  readonly refusedOverrides: RefusedOverridesPolicy;
  readonly survival: SurvivalOptions;
  readonly waiting: WaitingOptions;
}

/** Where a caller goes when there is no agent any more. */
export interface Fallback {
  readonly target: TransferTarget;
  readonly way: TransferWay;
}

/** What one call is made of. */
export interface CallParts {
  readonly key: CallKey;
  readonly party: Party;
  readonly leg: Leg;
  readonly agentId: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Variables that only the agent may get: they go into no header of ours and into no record. */
  readonly agentSecrets?: Readonly<Record<string, string>>;
  /** Asked once, while the agent is first dialled; absent: the variables are all there is. A failure ends the call. */
  readonly briefing?: () => Promise<Result<Briefing, Ending>>;
  /** Told what becomes known of the call while it is up, under the names of variables. */
  readonly learned?: (name: string, value: string) => void;
  readonly tickets: AgentTickets;
  readonly toolbox: Toolbox;
  /** Opens legs to those whom callers are transferred to; absent where nobody can be called. */
  readonly second?: SecondLegs;
  /** Absent where the number has none. */
  readonly fallback?: Fallback | undefined;
  readonly options: CallOptions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
}

/** A call that is over. */
export interface CallSummary {
  readonly end: Ending;
  readonly answered: boolean;
  readonly stats: LegStats;
}
