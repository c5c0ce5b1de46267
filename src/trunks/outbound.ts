import type { CodecName } from '../sdp/plan.ts';
import type { HeaderField } from '../sip/signalling.ts';
import type { ClientCredentials } from './digest-client.ts';
import type { KeyTones } from './policy.ts';
import type { SpendingLimits } from './spending.ts';
import type { MediaEncryption } from './trunk.ts';

/** How a trunk wants to be reached, in ElevenLabs' words. */
export const outboundTransports = ['auto', 'tcp', 'tls'] as const;
export type OutboundTransport = (typeof outboundTransports)[number];

/** The way out over a trunk: `outbound_trunk_config`. */
export interface OutboundTrunk {
  readonly name: string;
  /** Host name or IP literal, and a port where one was given. */
  readonly host: string;
  readonly port?: number;
  readonly transport: OutboundTransport;
  /** Fields of every INVITE. */
  readonly headers: readonly HeaderField[];
  readonly credentials?: ClientCredentials;
  readonly mediaEncryption: MediaEncryption;
  /** Whether keys are looked for in the sound of its calls; absent: what holds for all. */
  readonly tones?: KeyTones;
  /** Variable to the header that it leaves with on our BYE. */
  readonly attributesToHeaders: Readonly<Record<string, string>>;
  /** In the order of the offer. */
  readonly codecs: readonly CodecName[];
  /** Number or name that calls come from unless they say otherwise. */
  readonly from?: string;
  /** E.164 prefixes that may be called; empty: all. */
  readonly allowedPrefixes: readonly string[];
  /** E.164 prefixes that may not, whatever is allowed. */
  readonly deniedPrefixes: readonly string[];
  /** What it may cost. */
  readonly spending: SpendingLimits;
  /** PEM of the roots that its certificate has to come from, in the place of the system's. */
  readonly tlsCa?: string;
  /** False takes any certificate. */
  readonly tlsVerify: boolean;
  readonly ringSeconds?: number;
  /** Registers with the trunk, and how often, s. */
  readonly register?: { readonly seconds: number };
}
