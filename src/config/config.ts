import type { ApiKey } from '../http/keys.ts';
import type { HostPort, SipListen } from './listen.ts';
import type { PortRange } from './readers.ts';
import type { Secrets } from './secrets.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevelName = (typeof logLevels)[number];

/** What to do with a caller whom the agent's own queue makes wait. */
export const queuePolicies = ['busy', 'ring', 'answer'] as const;
export type QueuePolicy = (typeof queuePolicies)[number];

/**
 * The whole configuration after every check: what is here is usable as it stands. Names are the YAML keys in camel
 * case; `settings.ts` has the meaning, unit and default of each. Secrets are in `secrets` and nowhere else.
 */
export interface Config {
  readonly elevenlabs: {
    readonly agentId: string;
    /** http(s) base without a trailing slash; plain http only on loopback. */
    readonly baseUrl: string;
  };
  readonly sip: {
    /** Never empty. */
    readonly listen: readonly SipListen[];
    /** PEM text; present whenever a `tls` address is listened on. The key is in `secrets`. */
    readonly tlsCert?: string;
    /** CIDRs of the implicit trunk `default`. */
    readonly allow: readonly string[];
    /** Limits of the SIP stack that the file overrides, by their names there. */
    readonly limits: Readonly<Record<string, number>>;
  };
  readonly network: {
    /** IP literal in Contact and SDP for peers outside the local networks. */
    readonly publicAddress?: string;
    /** CIDRs. */
    readonly localNetworks: readonly string[];
  };
  readonly media: {
    readonly rtpPorts: PortRange;
    /** Number of worker threads, `auto` already resolved. */
    readonly workers: number;
    readonly timeoutSeconds: number;
  };
  readonly agent: {
    readonly settleMs: number;
    readonly startTimeoutMs: number;
    readonly inputChunkMs: number;
    readonly queuePolicy: QueuePolicy;
    readonly queueWaitSeconds: number;
  };
  readonly call: {
    readonly maxSeconds: number;
    readonly ringSeconds: number;
    readonly maxCalls: number;
  };
  readonly tools: {
    readonly allowAutonomousSends: boolean;
    readonly killSwitch: boolean;
    /** ISO 3166 two-letter code for numbers without a country. */
    readonly defaultCountry?: string;
  };
  /** Present once an account SID is configured; the credentials are in `secrets.twilio`. */
  readonly twilio?: {
    readonly accountSid: string;
    readonly verifyServiceSid?: string;
    /** Stand-in that takes the requests to every Twilio host; loopback only. */
    readonly baseUrl?: string;
  };
  readonly http: {
    readonly listen: HostPort;
  };
  readonly drain: { readonly deadlineSeconds: number };
  readonly log: { readonly level: LogLevelName };
  readonly secrets: Secrets;
}

export type { ApiKey, HostPort, PortRange, Secrets, SipListen };
