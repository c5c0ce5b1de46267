import type { CallKey } from '../core/ids.ts';
import type { ToolAnswer } from '../tools/tool.ts';

/** A call as far as a tool that comes from outside needs it. */
export interface CallWithTools {
  readonly key: CallKey;
  /** The caller's own number, E.164; undefined when it is withheld or nobody vouches for it. */
  readonly trustedNumber: string | undefined;
  /** Country of numbers without one in it. */
  readonly country: string | undefined;
  /** Runs a tool as if the agent had asked for it over its socket. */
  useTool(name: string, parameters: unknown): Promise<ToolAnswer>;
}

export interface ToolDoorParts {
  /** Calls that are up. */
  readonly calls: () => Iterable<CallWithTools>;
  /** The call that a token was made for; undefined for a token that nobody here made. */
  readonly callOf: (token: string) => CallKey | undefined;
  /** A number as agents write it in a call of that country, made E.164; undefined when it is none. */
  readonly e164: (text: string, country: string | undefined) => string | undefined;
  /** Names of the tools that may be run from outside. */
  readonly names: readonly string[];
}

/** Why a tool was not run. */
export type DoorRefusal = 'unknown-tool' | 'wrong-token' | 'call-over' | 'which-call';

export type DoorOutcome =
  | { readonly ran: true; readonly answer: ToolAnswer }
  | { readonly ran: false; readonly why: DoorRefusal };

/**
 * Lets an agent's webhook tools into the call they are run for. A token says which call that is. Without one it is the
 * only call whose trusted caller has the number in `To`, read as in that call; where there is none, or two, nothing is run.
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
    const call = token === undefined ? this.#byNumber(parameters['To']) : this.#byToken(token);
    if (typeof call === 'string') return { ran: false, why: call };
    return { ran: true, answer: await call.useTool(name, parameters) };
  }

  #byToken(token: string): CallWithTools | DoorRefusal {
    const key = this.#parts.callOf(token);
    if (key === undefined) return 'wrong-token';
    for (const call of this.#parts.calls()) if (call.key === key) return call;
    return 'call-over';
  }

  #byNumber(to: unknown): CallWithTools | DoorRefusal {
    if (typeof to !== 'string') return 'which-call';
    const [call, ...others] = [...this.#parts.calls()].filter(
      ({ trustedNumber, country }) =>
        trustedNumber !== undefined && trustedNumber === this.#parts.e164(to, country),
    );
    return call === undefined || others.length > 0 ? 'which-call' : call;
  }
}
