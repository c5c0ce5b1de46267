/** What the operator's own programs may use of the account in any 24 hours, whatever agents use. */
export interface ActionPolicy {
  readonly messagesPerDay: number;
  readonly callsPerDay: number;
  /** Millionths of the currency of sending. */
  readonly moneyPerDay: number;
}

/** What holds where nothing is configured: a key that was stolen cannot spend without end. */
export const defaultActionPolicy: ActionPolicy = {
  messagesPerDay: 1_000,
  callsPerDay: 500,
  moneyPerDay: 100_000_000,
};
