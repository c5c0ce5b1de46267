import type { CallKey } from '../core/ids.ts';
import type { ToolAnswer } from '../tools/tool.ts';

/** A call as far as a tool that comes from outside needs it. */
export interface CallWithTools {
  readonly key: CallKey;
  /** Runs a tool as if the agent had asked for it over its socket. */
  useTool(name: string, parameters: unknown): Promise<ToolAnswer>;
}

export interface ToolDoorParts {
  /** Calls that are up. */
  readonly calls: () => Iterable<CallWithTools>;
  /** The call that a token was made for; undefined for a token that nobody here made. */
  readonly callOf: (token: string) => CallKey | undefined;
  /** Names of the tools that may be run from outside. */
  readonly names: readonly string[];
}

/** Why a tool was not run. */
export type DoorRefusal = 'unknown-tool' | 'wrong-token' | 'call-over' | 'which-call';

export type DoorOutcome =
  | { readonly ran: true; readonly answer: ToolAnswer }
  | { readonly ran: false; readonly why: DoorRefusal };

/**
 * Lets an agent's webhook tools into the call they are run for, and a token alone says which one that is. No parameter can: the
 * model writes those, so whoever talks to it could name another caller's number, and have what that one has proved.
 */
export class ToolDoor {
  readonly #parts: ToolDoorParts;

  constructor(parts: ToolDoorParts) {
    this.#parts = parts;
  }

  async run(
    name: string,
    parameters: Readonly<Record<string, unknown>>,
    token: string | undefined,
  ): Promise<DoorOutcome> {
    if (!this.#parts.names.includes(name)) return { ran: false, why: 'unknown-tool' };
    const call = token === undefined ? 'which-call' : this.#callOf(token);
    if (typeof call === 'string') return { ran: false, why: call };
    return { ran: true, answer: await call.useTool(name, parameters) };
  }

  #callOf(token: string): CallWithTools | DoorRefusal {
    const key = this.#parts.callOf(token);
    if (key === undefined) return 'wrong-token';
    for (const call of this.#parts.calls()) if (call.key === key) return call;
    return 'call-over';
  }
}
