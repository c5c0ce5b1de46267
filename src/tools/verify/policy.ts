/** Whom codes may go to: the caller's own number, those of a list as well, anybody. */
export type VerifyDestinations = 'own' | 'listed' | 'any';

/** What the operator allows of one-time codes. An agent cannot change any of it, whatever it is talked into. */
export interface VerifyPolicy {
  readonly destinations: VerifyDestinations;
  /** E.164 numbers for `listed`. */
  readonly listedNumbers: readonly string[];
  /** Beginnings of E.164 numbers; empty allows every country. */
  readonly allowedPrefixes: readonly string[];
  readonly deniedPrefixes: readonly string[];
  readonly sendsPerCall: number;
  readonly checksPerCall: number;
  readonly sendsPerNumberHour: number;
  readonly sendsPerNumberDay: number;
  readonly sendsPerHour: number;
  readonly sendsPerDay: number;
  /** A send that is repeated within this time (same call, number and channel) does not send again. */
  readonly resendAfterMs: number;
  /** Whether a landline is called with the code where a text was asked for. */
  readonly landlineCall: boolean;
  /** Whether keyed digits go straight to the check, past the agent. */
  readonly secureKeypad: boolean;
  /** Everything but the request to Twilio. */
  readonly dryRun: boolean;
}

/** What holds where nothing is configured. */
export const defaultVerifyPolicy: VerifyPolicy = {
  destinations: 'own',
  listedNumbers: [],
  allowedPrefixes: [],
  // Satellite, international networks, and what the ITU gives to services that cost more (E.164 lists).
  deniedPrefixes: ['+870', '+878', '+881', '+882', '+883', '+979'],
  sendsPerCall: 5,
  checksPerCall: 15,
  sendsPerNumberHour: 5,
  sendsPerNumberDay: 10,
  sendsPerHour: 200,
  sendsPerDay: 1000,
  resendAfterMs: 30_000,
  landlineCall: true,
  secureKeypad: true,
  dryRun: false,
};
