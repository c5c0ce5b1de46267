/** Every limit of the Twilio client, with the value it has unless the options say otherwise. */
export const twilioLimits = {
  /** Longest time one HTTP request may take, from its start to the last byte of the answer, ms. */
  timeoutMs: 6_000,
  /** Longest time one call into the client may take, retries and waits included, ms. A caller is waiting on the line. */
  budgetMs: 12_000,
  /** How often a request that was not processed is sent again. */
  retries: 3,
  /** First back-off, ms; it doubles with each retry. */
  backoffMs: 200,
  /** Longest back-off of our own making, ms. */
  backoffCapMs: 2_000,
  /** Longest Retry-After that is waited out; a longer one is handed to the caller at once, ms. */
  retryAfterCapMs: 4_000,
  /** Largest answer that is read, bytes. */
  answerBytes: 2 * 1024 * 1024,
  /** Connections to one host. */
  sockets: 20,
} as const;

/** Limits of the connection: how soon a node knows what another one was told. Times in ms. */
export const connectionLimits = {
  /** How often the store is asked whether somebody changed the connection or a number. */
  refreshMs: 3_000,
  /** How often credentials that were not taken are tried again. */
  recheckMs: 60_000,
  /** How often the account is asked for a number that can text, where TWILIO_PHONE_NUMBER is `auto`. */
  searchMs: 60_000,
  /** Numbers of the account that are looked at for that. */
  searched: 1_000,
} as const;

export type TwilioLimits = { readonly [Name in keyof typeof twilioLimits]: number };
