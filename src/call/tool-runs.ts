import { setMaxListeners } from 'node:events';
import type { AgentToolCall } from '../agent/agent.ts';
import type { CallKey } from '../core/ids.ts';
import { maskArguments, toolName } from '../core/mask.ts';
import type { ToolRunFacts } from '../core/tool-facts.ts';
import type { VerifiedNumbers } from '../core/verified.ts';
import type { ToolAnswer } from '../tools/tool.ts';
import type { CallControl } from './control.ts';
import type { CallParts } from './parts.ts';
import { lateAnswer } from './resumption.ts';
import type { Transcript } from './transcript.ts';
import { Waiting } from './waiting.ts';

export interface ToolRunsParts {
  readonly call: {
    readonly key: CallKey;
    readonly verified: VerifiedNumbers;
    readonly transcript: Transcript;
  };
  readonly parts: CallParts;
  readonly control: CallControl;
  /** Aborted at the end of the call. */
  readonly signal: AbortSignal;
  readonly verifyNumber: () => string | undefined;
  /** Whether the caller is with the agent and with nobody else. */
  readonly alone: () => boolean;
}

/** Runs the tools of one call for whichever agent it has at the time. */
export class ToolRuns {
  /** Conversations that have begun: what an earlier one asked for is no answer to the agent of now. */
  conversation = 0;
  readonly #parts: ToolRunsParts;
  readonly #waiting: Waiting;

  constructor(parts: ToolRunsParts) {
    const { clock, leg, options } = parts.parts;
    this.#parts = parts;
    // Each tool at work listens for the end of the call, and an agent may ask for many at once: Node would warn of ten.
    setMaxListeners(0, parts.signal);
    this.#waiting = new Waiting(clock, leg, options.waiting, parts.alone);
  }

  async run(asked: AgentToolCall): Promise<void> {
    const { parts, signal } = this.#parts;
    if (signal.aborted) return;
    const { conversation } = this;
    const { result, isError, status } = await this.use(asked.name, asked.parameters);
    if (!asked.expectsResponse || signal.aborted) return;
    if (conversation === this.conversation) return parts.leg.answerTool({ id: asked.id, result, isError });
    // The agent of now did not ask for it, and was told that it was still at work.
    parts.leg.tell(lateAnswer(toolName(asked.name), status), 'context');
  }

  /** Runs a tool for the agent, whichever way it asked. Never rejects. */
  async use(name: string, parameters: unknown): Promise<ToolAnswer> {
    const { call, parts, control, signal } = this.#parts;
    const { toolbox, party, agentId, clock, log, events } = parts;
    const begun = clock.now();
    const verifyNumber = this.#parts.verifyNumber();
    let facts: ToolRunFacts | undefined;
    const context = {
      call: call.key,
      agentId,
      facts: party.facts,
      ...(verifyNumber === undefined ? {} : { verifyNumber }),
      verified: call.verified,
      clock,
      log,
      control,
      note: (more: ToolRunFacts) => {
        facts = { ...facts, ...more };
      },
    };
    const waited = this.#waiting.begin();
    const answer = await toolbox.run(name, parameters, context, signal);
    waited();
    const { status, isError, gate } = answer;
    const ms = clock.now() - begun;
    call.transcript.ran({ tool: name, status, isError, ms });
    const shown = maskArguments(parameters);
    events.emit({
      type: 'tool-run',
      call: call.key,
      tool: name,
      status,
      isError,
      ms,
      arguments: shown,
      ...(gate === undefined ? {} : { gate }),
      ...(facts === undefined ? {} : { facts }),
    });
    return answer;
  }

  /** The sound of waiting is not heard for what is at work now. */
  hush(): void {
    this.#waiting.hush();
  }
}
