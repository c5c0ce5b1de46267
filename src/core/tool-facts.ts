/** Who is calling, as far as it is certain; each may do what the ones before it may. */
export const callerTiers = ['anyone', 'known', 'verified', 'internal'] as const;
export type CallerTier = (typeof callerTiers)[number];

/** What one gate said of one run of a tool. */
export interface GateDecision {
  /** Name of the gate, for instance `allow_sends`. */
  readonly gate: string;
  readonly decision: 'pass' | 'flag' | 'hold' | 'refuse';
  /** A closed word that says why, for instance `off`; never a number, a text or a code. */
  readonly detail?: string;
}

/** An amount of money, in millionths of the currency, so that sums stay whole numbers. */
export interface Money {
  readonly micros: number;
  /** ISO 4217. */
  readonly currency: string;
}

/** What becomes known of one run of a tool besides its answer: for log and record, the agent is not told. */
export interface ToolRunFacts {
  /** What of several things the tool did: `list_recent`. A closed word. */
  readonly action?: string;
  readonly tier?: CallerTier;
  /** In the order they were asked. */
  readonly gates?: readonly GateDecision[];
  /** Twilio's id of the request (RQ…). */
  readonly requestId?: string;
  readonly cost?: Money;
}

/** Gates and what they said as one line for the log: `allow_sends=pass content=hold:link`. */
export function gatesLine(gates: readonly GateDecision[]): string {
  return gates
    .map(({ gate, decision, detail }) => `${gate}=${decision}${detail === undefined ? '' : `:${detail}`}`)
    .join(' ');
}
