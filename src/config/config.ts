import type { RefusedOverridesPolicy } from '../call/agent-starts.ts';
import type { SurvivalOptions } from '../call/survival.ts';
import type { WaitingOptions } from '../call/waiting.ts';
import type { Prompt } from '../core/prompt.ts';
import type { ApiKey } from '../http/keys.ts';
import type { ActionPolicy } from '../tools/operator/policy.ts';
import type { SendingPolicy } from '../tools/sending/policy.ts';
import type { TransferDestination } from '../tools/transfer/destination.ts';
import type { OutboundTrunk } from '../trunks/outbound.ts';
import type { NumberConfig, TrunkConfig } from '../trunks/trunk.ts';
import type { Menu } from '../twilio/menu.ts';
import type { InitiationSettings, PostCallSettings } from '../webhooks/settings.ts';
import type { ClientCertificate, HostPort, SipListen } from './listen.ts';
import type { PortRange } from './readers.ts';
import type { Secrets } from './secrets.ts';
import type { TwilioSection } from './twilio-settings.ts';
import type { VerifySection } from './verify-settings.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevelName = (typeof logLevels)[number];

/** What is done about SRTP, in ElevenLabs' words. */
export const mediaEncryptions = ['disabled', 'allowed', 'required'] as const;
export type MediaEncryption = (typeof mediaEncryptions)[number];

/** Whether keys are looked for in the sound of a telephone. */
export const keyTones = ['off', 'auto', 'on'] as const;
export type KeyTones = (typeof keyTones)[number];

/** What to do with a caller whom the agent's own queue makes wait. */
export const queuePolicies = ['busy', 'ring', 'answer'] as const;
export type QueuePolicy = (typeof queuePolicies)[number];

/** Who speaks SIP. */
export const sipBackends = ['embedded', 'drachtio'] as const;

/** Who connects to whom, of a drachtio-server and us. */
export const drachtioModes = ['inbound', 'outbound'] as const;

export type SipBackend =
  | { readonly kind: 'embedded' }
  /** The secret is in `secrets.drachtio`. */
  | { readonly kind: 'drachtio'; readonly mode: 'inbound'; readonly host: string; readonly port: number }
  | {
      readonly kind: 'drachtio';
      readonly mode: 'outbound';
      readonly listen: HostPort;
      /** CIDRs. */
      readonly allow: readonly string[];
    };

/** The way out over a trunk, without its secret. */
export type ConfiguredOutbound = Omit<
  OutboundTrunk,
  'name' | 'credentials' | 'attributesToHeaders' | 'tones'
> & {
  readonly username?: string;
  readonly realm?: string;
};

/** A trunk without its secrets. */
export type ConfiguredTrunk = Omit<TrunkConfig, 'credentials'> & {
  readonly username?: string;
  readonly outbound?: ConfiguredOutbound;
  /** It came with a number over the API: the implicit trunk stays beside it. */
  readonly imported?: true;
  /** There is no `inbound_trunk_config`: nobody calls over it. */
  readonly outboundOnly?: true;
};

/** A certificate for clients that ask for one of its names. */
export interface NamedCertificate {
  readonly names: readonly string[];
  /** PEM text. */
  readonly cert: string;
}

/** Files of certificates and keys; absent where PEM text stood in the configuration itself. */
export interface TlsPaths {
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  /** Index for index those of `tlsNamed`. */
  readonly named: readonly { readonly cert?: string; readonly key?: string }[];
}

/**
 * The whole configuration after every check: what is here is usable as it stands. Names are the YAML keys in camel
 * case; `settings.ts` has the meaning, unit and default of each. Secrets are in `secrets` and nowhere else.
 */
export interface Config {
  readonly elevenlabs: {
    /** The agent of numbers without an entry in `numbers`; present when there are no entries. */
    readonly agentId?: string;
    /** http(s) base without a trailing slash; plain http only on loopback. */
    readonly baseUrl: string;
  };
  readonly sip: {
    readonly backend: SipBackend;
    /** Never empty. */
    readonly listen: readonly SipListen[];
    /** PEM text; present whenever a `tls` address is listened on. The key is in `secrets`. */
    readonly tlsCert?: string;
    /** PEM text of the authorities that peers' certificates are checked with. */
    readonly tlsCa?: string;
    /** For listeners that do not say otherwise. */
    readonly tlsClientCertificate: ClientCertificate;
    /** Certificates by the names that clients ask for; the keys are in `secrets.sipTlsNamedKeys`. */
    readonly tlsNamed: readonly NamedCertificate[];
    /** Where the PEM texts came from, so that they can be read again. */
    readonly tlsPaths: TlsPaths;
    /** Realm of digest authentication. */
    readonly realm: string;
    /** CIDRs of the implicit trunk `default`, which exists while `trunks` is empty. */
    readonly allow: readonly string[];
    /** Limits of the SIP stack that the file overrides, by their names there. */
    readonly limits: Readonly<Record<string, number>>;
  };
  /** Passwords are in `secrets.trunkPasswords`. */
  readonly trunks: readonly ConfiguredTrunk[];
  readonly numbers: readonly NumberConfig[];
  /** Whom agents may transfer callers to. */
  readonly transfers: readonly TransferDestination[];
  /** What callers of Twilio numbers may key before there is an agent. */
  readonly menus: readonly Menu[];
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
    /** SRTP on calls of the implicit trunk. */
    readonly encryption: MediaEncryption;
    /** Whether keys for SRTP may travel over signalling without TLS. */
    readonly sdesOverCleartext: boolean;
    /** Where a number does not say otherwise. */
    readonly dtmfInBand: KeyTones;
  };
  readonly agent: {
    readonly settleMs: number;
    readonly startTimeoutMs: number;
    readonly inputChunkMs: number;
    readonly queuePolicy: QueuePolicy;
    readonly queueWaitSeconds: number;
    readonly refusedOverrides: RefusedOverridesPolicy;
  };
  /** What becomes of a caller whose agent is lost. */
  readonly survival: SurvivalOptions;
  /** What is heard while a tool is at work. */
  readonly waiting: WaitingOptions;
  readonly call: {
    readonly maxSeconds: number;
    readonly ringSeconds: number;
    readonly maxCalls: number;
  };
  readonly recording: {
    readonly enabled: boolean;
    readonly consentPrompt: Prompt | 'off';
    readonly encrypt: boolean;
    /** Undefined: `recordings` below the data directory. */
    readonly folder: string | undefined;
    readonly minFreeBytes: number;
  };
  readonly tools: {
    readonly killSwitch: boolean;
    /** ISO 3166 two-letter code for numbers without a country. */
    readonly defaultCountry?: string;
  };
  /** What is allowed of one-time codes. */
  readonly verify: VerifySection;
  /** What is allowed of sending, and of looking at what is not the caller's own. */
  readonly sending: SendingPolicy;
  /** What the operator's own programs may use of the Twilio account. */
  readonly actions: ActionPolicy;
  readonly twilio: TwilioSection;
  readonly http: {
    readonly listen: HostPort;
    /** Where only what others call is served: the webhook tools of agents. */
    readonly publicListen?: HostPort;
    /** The https base that it is reached by from outside, without a trailing slash. */
    readonly publicUrl?: string;
    /** Where the first media worker takes media streams itself; each other one has the port after the one before it. */
    readonly streamListen?: HostPort;
  };
  /** Secret and header fields are in `secrets`. */
  readonly webhooks: {
    /** CIDRs that webhooks may go to besides the public Internet. */
    readonly allowedNetworks: readonly string[];
    /** PEM text. */
    readonly tlsCa?: string;
    readonly initiation?: InitiationSettings;
    readonly postCall?: PostCallSettings;
  };
  /** The URL of the database and the keys are in `secrets`. */
  readonly store: {
    /** Undefined: everything is forgotten with the process. */
    readonly dataDir?: string;
    readonly nodeId?: string;
    /** 0 keeps calls for ever. */
    readonly keepDays: number;
  };
  readonly drain: { readonly deadlineSeconds: number };
  readonly log: { readonly level: LogLevelName };
  readonly secrets: Secrets;
}

export type { ApiKey, HostPort, PortRange, Secrets, SipListen };
