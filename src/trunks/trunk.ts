import type { ClientData } from '../agent/elevenlabs/protocol/client-data.ts';
import type { DigestAlgorithm } from './digest.ts';
import type { CallPolicy, InitiationChoice, KeyTones } from './policy.ts';

/** Whether sound is encrypted on a trunk, in ElevenLabs' words. */
export const mediaEncryptions = ['disabled', 'allowed', 'required'] as const;
export type MediaEncryption = (typeof mediaEncryptions)[number];

/** One trunk as it is configured; every check that is set has to hold. */
export interface TrunkConfig {
  readonly name: string;
  /** CIDRs. Empty: any address, which needs credentials or remote domains. */
  readonly allowedAddresses: readonly string[];
  /** Numbers or prefixes (`+4930*`) of callers. Empty: any. */
  readonly allowedNumbers: readonly string[];
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Those that its peers are challenged with; absent: all there are. */
  readonly digestAlgorithms?: readonly DigestAlgorithm[];
  /** Names of which the peer's TLS certificate must hold one. Empty: no certificate is needed. */
  readonly remoteDomains: readonly string[];
  readonly mediaEncryption: MediaEncryption;
  /** Header name to the attribute it gives: `call_id`, `caller_id` or a variable. */
  readonly headersToAttributes: Readonly<Record<string, string>>;
  /** Variable to the header that it leaves with on our BYE. */
  readonly attributesToHeaders: Readonly<Record<string, string>>;
  /** Absent: true unless a password is all there is. */
  readonly trustIdentity?: boolean;
  /** Twilio account that X-Twilio-AccountSid must name. */
  readonly accountSid?: string;
  /** Whether keys are looked for in the sound of its calls; absent: what holds for all. */
  readonly tones?: KeyTones;
  /** Country (ISO 3166) of numbers that come over it without one; absent: what holds for all. */
  readonly defaultCountry?: string;
  /** Of the way out over it, what matters for calls that come in. */
  readonly outbound?: { readonly username?: string; readonly register?: object };
  readonly limits: { readonly calls?: number; readonly invitesPerSecond?: number };
}

/** Which called numbers an entry of `numbers` means. */
export type NumberPattern =
  | { readonly kind: 'number'; readonly number: string }
  /** Both ends included, digits without plus and of the same length. */
  | { readonly kind: 'range'; readonly first: string; readonly last: string }
  /** Digits without plus. */
  | { readonly kind: 'prefix'; readonly prefix: string }
  | { readonly kind: 'any' };

/** One entry of `numbers`: which agent answers, and what is different for its calls. */
export interface NumberConfig {
  readonly pattern: NumberPattern;
  readonly agentId: string;
  /** Holds for calls over this trunk alone. */
  readonly trunk?: string;
  readonly label?: string;
  /** Country (ISO 3166) of numbers without one in its calls; absent: that of the trunk. */
  readonly defaultCountry?: string;
  readonly policy: CallPolicy;
  /** What its conversations begin with. */
  readonly clientData?: ClientData;
  /** What holds of the initiation webhook here; absent: what holds in general. */
  readonly initiation?: InitiationChoice;
}
