import type { ClientData } from '../agent/elevenlabs/protocol/client-data.ts';
import { type DigestAccount, digestAccount } from './digest.ts';
import { Recent } from './limits.ts';
import { type NetworkSet, networkSet } from './match.ts';
import { spellings } from './number.ts';
import { CallerList, NumberTable } from './number-table.ts';
import type { CallPolicy, InitiationChoice, KeyTones } from './policy.ts';
import type { MediaEncryption, NumberConfig, TrunkConfig } from './trunk.ts';

/** One trunk: who may call over it, and what holds for its calls. */
export interface Trunk {
  readonly name: string;
  /** Whether its word on who calls counts. */
  readonly trustIdentity: boolean;
  /** Present when only these addresses may call. */
  readonly addresses: NetworkSet | undefined;
  readonly account: DigestAccount | undefined;
  /** Lower case; empty when no certificate is needed. */
  readonly remoteDomains: readonly string[];
  readonly callers: CallerList;
  /** User name that we register with on it, if we do. */
  readonly registeredAs: string | undefined;
  readonly accountSid: string | undefined;
  readonly tones: KeyTones | undefined;
  readonly mediaEncryption: MediaEncryption;
  readonly defaultCountry: string | undefined;
  /** By lower-case header name. */
  readonly headersToAttributes: ReadonlyMap<string, string>;
  readonly attributesToHeaders: Readonly<Record<string, string>>;
  readonly limits: { readonly calls?: number; readonly invitesPerSecond?: number };
}

/** Where a call goes. */
export interface NumberRoute {
  readonly agentId: string;
  readonly label?: string;
  readonly defaultCountry?: string;
  readonly policy: CallPolicy;
  readonly clientData?: ClientData;
  readonly initiation?: InitiationChoice;
}

/** Where a request came from, as far as the network shows it. */
export interface Origin {
  /** IP literal. */
  readonly address: string;
  /** Names in the verified TLS certificate of the peer, lower case. */
  readonly certificateNames?: readonly string[];
}

export interface RoutingOptions {
  readonly trunks: readonly TrunkConfig[];
  readonly numbers: readonly NumberConfig[];
  /** ElevenLabs id of the agent that every number without an entry reaches; absent: such a number does not exist. */
  readonly agentId?: string;
  /** Country of numbers without one, where neither number nor trunk has another. */
  readonly defaultCountry?: string | undefined;
  /** Realm of digest authentication. */
  readonly realm: string;
}

/** Name of the trunk that exists while no other is configured. */
export const defaultTrunk = 'default';

/** The implicit trunk: everyone in `allow` calls over it, and is trusted on identity because an address matched. */
export function implicitTrunk(allow: readonly string[], mediaEncryption: MediaEncryption): TrunkConfig {
  return {
    name: defaultTrunk,
    allowedAddresses: allow,
    allowedNumbers: [],
    remoteDomains: [],
    mediaEncryption,
    headersToAttributes: {},
    attributesToHeaders: {},
    limits: {},
  };
}

/** What an address may do by itself. */
interface Standing {
  /** Those that it may use as far as addresses go. */
  readonly trunks: readonly Trunk[];
  /** One of them names it. */
  readonly listed: boolean;
}

/** Addresses whose standing is remembered. */
const addressesKept = 10_000;

/** Which trunk a request may use, and which agent a called number reaches. It never changes: a reload makes another. */
export class Routing {
  readonly trunks: readonly Trunk[];
  readonly #byName: ReadonlyMap<string, Trunk>;
  readonly #numbers: NumberTable;
  /** Trunks that entries of `numbers` name. */
  readonly #owners: ReadonlySet<string | undefined>;
  readonly #agentId: string | undefined;
  readonly #country: string | undefined;
  /** What addresses were found to be: they come again and again, and parsing one costs more than all the rest. */
  readonly #addresses = new Recent<Standing>(addressesKept);

  constructor({ trunks, numbers, agentId, realm, defaultCountry }: RoutingOptions) {
    this.trunks = trunks.map(config => trunkOf(config, realm));
    this.#byName = new Map(this.trunks.map(trunk => [trunk.name, trunk]));
    this.#country = defaultCountry;
    this.#numbers = new NumberTable(numbers, (number, entry) =>
      spellings(number, entry.defaultCountry, this.countryOf(entry.trunk)),
    );
    this.#owners = new Set(numbers.map(({ trunk }) => trunk));
    this.#agentId = agentId;
  }

  /** True when a number may be this trunk's alone. */
  ownsNumbers({ name }: Trunk): boolean {
    return this.#owners.has(name);
  }

  trunk(name: string): Trunk | undefined {
    return this.#byName.get(name);
  }

  /** Country of numbers that come over a trunk without one. */
  countryOf(trunk: string | undefined): string | undefined {
    return (trunk === undefined ? undefined : this.#byName.get(trunk)?.defaultCountry) ?? this.#country;
  }

  /** True when a trunk names the address: it is no stranger, and may be connected to. */
  lists(address: string): boolean {
    return this.#standing(address).listed;
  }

  /** True when the address may become a caller: it is listed, or some trunk asks for something else instead. */
  admits(address: string): boolean {
    return this.#standing(address).trunks.length > 0;
  }

  /** Trunks whose demands on address and certificate the origin meets. */
  candidates({ address, certificateNames = [] }: Origin): Trunk[] {
    return this.#standing(address).trunks.filter(
      ({ remoteDomains }) =>
        remoteDomains.length === 0 || remoteDomains.some(domain => certificateNames.includes(domain)),
    );
  }

  /** True when the origin by itself shows that it is this trunk: its address, or the names in its certificate. */
  isOf(name: string, origin: Origin): boolean {
    const trunk = this.#byName.get(name);
    if (trunk === undefined || (trunk.addresses === undefined && trunk.remoteDomains.length === 0))
      return false;
    return this.candidates(origin).includes(trunk);
  }

  #standing(address: string): Standing {
    return this.#addresses.touch(address, () => {
      const trunks = this.trunks.filter(({ addresses }) => addresses?.has(address) ?? true);
      return { trunks, listed: trunks.some(({ addresses }) => addresses !== undefined) };
    });
  }

  /** The agent for a number called over a trunk; undefined when there is none. */
  route(trunk: string, calledNumber: string): NumberRoute | undefined {
    const entry = this.entry(trunk, calledNumber);
    if (entry !== undefined) return entry;
    return this.#agentId === undefined ? undefined : { agentId: this.#agentId, policy: {} };
  }

  /** The entry of `numbers` alone. */
  entry(trunk: string, calledNumber: string): NumberConfig | undefined {
    return this.#numbers.find(trunk, calledNumber);
  }
}

function trunkOf(config: TrunkConfig, realm: string): Trunk {
  const { allowedAddresses, credentials, remoteDomains } = config;
  const demands = credentials !== undefined || remoteDomains.length > 0;
  const proved = allowedAddresses.length > 0 || remoteDomains.length > 0;
  return {
    name: config.name,
    trustIdentity: config.trustIdentity ?? proved,
    // A trunk that demands nothing would be everybody's: it is nobody's.
    addresses: allowedAddresses.length > 0 || !demands ? networkSet(allowedAddresses) : undefined,
    account:
      credentials === undefined
        ? undefined
        : digestAccount(credentials.username, realm, credentials.password, config.digestAlgorithms),
    remoteDomains: remoteDomains.map(domain => domain.toLowerCase()),
    registeredAs: config.outbound?.register === undefined ? undefined : config.outbound.username,
    callers: new CallerList(config.allowedNumbers),
    accountSid: config.accountSid,
    tones: config.tones,
    mediaEncryption: config.mediaEncryption,
    defaultCountry: config.defaultCountry,
    headersToAttributes: new Map(
      Object.entries(config.headersToAttributes).map(([header, name]) => [header.toLowerCase(), name]),
    ),
    attributesToHeaders: config.attributesToHeaders,
    limits: config.limits,
  };
}
