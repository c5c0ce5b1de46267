/** What the operator allows right now. */
export interface GateState {
  /** `allow_autonomous_sends`: the agent may write to others than the trusted caller. Off by default. */
  readonly allowAutonomousSends: boolean;
  /** Stops every write, to the caller's own number too. */
  readonly killSwitch: boolean;
}

/** Read anew before each write, so that a switch that is thrown counts at once. When it rejects, nothing is written. */
export interface Gates {
  read(): GateState | Promise<GateState>;
}
