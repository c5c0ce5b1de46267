/** What came of an action of the operator's programs: what Twilio says of it, or a word with a sentence why not. */
export type ActionOutcome = {
  /** It was done when it was asked for before, under the same key. */
  readonly replayed?: true;
} & (
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
  | {
      readonly ok: false;
      readonly status: string;
      readonly message: string;
      readonly errorCode?: number;
      readonly retryAfterSeconds?: number;
    }
);
