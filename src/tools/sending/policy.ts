import type { AccessRule } from './access.ts';
import { type CostTable, defaultCosts } from './costs.ts';
import type { QuietHours } from './quiet-hours.ts';

/** What may be found in a text that is to leave. */
export const findingKinds = ['card', 'iban', 'national_id', 'secret', 'code', 'link'] as const;
export type FindingKind = (typeof findingKinds)[number];

/** What is done then: nothing, a note in the log, a person is asked, or it is not sent. */
export const findingPolicies = ['allow', 'flag', 'hold', 'block'] as const;
export type FindingPolicy = (typeof findingPolicies)[number];

export type FindingRules = { readonly [Kind in FindingKind]: FindingPolicy };

/** What the operator allows of sending and looking. An agent cannot change any of it, whatever it is talked into. */
export interface SendingPolicy {
  /** Numbers, or beginnings with a `*` behind: `+4930*`. Empty allows everybody who is not denied. */
  readonly allowedRecipients: readonly string[];
  readonly deniedRecipients: readonly string[];
  /** ISO 3166, two letters; empty allows every country. */
  readonly allowedCountries: readonly string[];
  readonly deniedCountries: readonly string[];
  readonly messagesPerCall: number;
  readonly messagesPerRecipientDay: number;
  readonly messagesPerDay: number;
  /** Millionths of the currency. */
  readonly moneyPerCall: number;
  readonly moneyPerDay: number;
  readonly currency: string;
  readonly costs: CostTable;
  /** Absent: at every hour. */
  readonly quiet?: QuietHours;
  /** A send that is repeated within this time in a call gets the same answer, and is not sent again. */
  readonly repeatMs: number;
  /** Everything but the request to Twilio. */
  readonly dryRun: boolean;
  readonly findings: FindingRules;
  /** Links to these domains and what is below them are no finding. */
  readonly allowedDomains: readonly string[];
  /** Whose calls are of the tier `known`, and `internal`. As recipients above, or names of extensions. */
  readonly knownNumbers: readonly string[];
  readonly internalNumbers: readonly string[];
  /** The first that fits decides; behind them come the defaults. */
  readonly access: readonly AccessRule[];
}

/** What holds where nothing is configured. */
export const defaultSendingPolicy: SendingPolicy = {
  allowedRecipients: [],
  // Satellite, international networks, and what the ITU gives to services that cost more (E.164 lists).
  deniedRecipients: ['+870*', '+878*', '+881*', '+882*', '+883*', '+979*'],
  allowedCountries: [],
  deniedCountries: [],
  messagesPerCall: 5,
  messagesPerRecipientDay: 10,
  messagesPerDay: 500,
  moneyPerCall: 1_000_000,
  moneyPerDay: 50_000_000,
  currency: 'USD',
  costs: defaultCosts,
  repeatMs: 120_000,
  dryRun: false,
  findings: { card: 'block', iban: 'hold', national_id: 'hold', secret: 'block', code: 'hold', link: 'hold' },
  allowedDomains: [],
  knownNumbers: [],
  internalNumbers: [],
  access: [],
};
