import type { ZodType } from 'zod';
import type { CallControl } from '../call/control.ts';
import type { PartyFacts } from '../call/party.ts';
import type { Clock } from '../core/clock.ts';
import type { CallKey } from '../core/ids.ts';
import type { Logger } from '../core/logger.ts';
import type { ToolRunFacts } from '../core/tool-facts.ts';
import type { VerifiedNumbers } from '../core/verified.ts';

/** What a result may hold: whatever JSON can. */
export type ToolValue =
  | string
  | number
  | boolean
  | readonly ToolValue[]
  | { readonly [field: string]: ToolValue | undefined };

/** What a tool answers the agent: `status` is a word to branch on, `message` one sentence it may say or act on. */
export interface ToolResult {
  readonly status: string;
  readonly message: string;
  /** What the gates said, where they were asked. For the record: the agent is not told. */
  readonly gate?: string;
  readonly [field: string]: ToolValue | undefined;
}

/** What a tool may know and use of the call it runs in. */
export interface ToolContext {
  readonly call: CallKey;
  /** The agent that asks. */
  readonly agentId: string;
  readonly facts: PartyFacts;
  /** E.164 number that the operator's initiation webhook wants verified before anything sensitive is done; absent: it named none. */
  readonly verifyNumber?: string;
  /** Whom the caller has proved to be. */
  readonly verified: VerifiedNumbers;
  readonly clock: Clock;
  readonly log: Logger;
  readonly control: CallControl;
  /** Adds what is known of this run for log and record; what is given later replaces what was there. */
  note(facts: ToolRunFacts): void;
}

/** A thing the agent can have done. A failure that the agent can act on is a result, not an exception. */
export interface Tool<Input = unknown> {
  readonly name: string;
  readonly description: string;
  /** Parameters by the names the agent uses; what does not fit is answered as an error, never run. */
  readonly input: ZodType<Input>;
  run(input: Input, context: ToolContext, signal: AbortSignal): Promise<ToolResult>;
}

/** A tool's outcome as it goes back to the agent: JSON text of a `ToolResult`. */
export interface ToolAnswer {
  readonly result: string;
  readonly isError: boolean;
  /** `status` of the result, for the log and the metric. */
  readonly status: string;
  /** What the gates said, for the record. */
  readonly gate?: string;
}

export interface Toolbox {
  /** Never rejects: unknown names, bad parameters and faults are answers with `isError`. */
  run(name: string, parameters: unknown, context: ToolContext, signal: AbortSignal): Promise<ToolAnswer>;
}
