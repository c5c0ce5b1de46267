/** What the operator allows of sending. An agent cannot change any of it, whatever it is talked into. */
export interface SendingPolicy {
  /** Everything but the request to Twilio. */
  readonly dryRun: boolean;
}

/** What holds where nothing is configured. */
export const defaultSendingPolicy: SendingPolicy = { dryRun: false };
