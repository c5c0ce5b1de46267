import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { Failure } from '../core/errors.ts';
import type { AddressGuard } from './address-guard.ts';
import { webhookLimits } from './limits.ts';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Every address of a name, as the system knows it. */
export type Resolve = (hostname: string) => Promise<readonly Address[]>;

const systemResolve: Resolve = async hostname => {
  const found = await systemLookup(hostname, { all: true, order: 'verbatim' });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

interface Known {
  readonly until: number;
  readonly addresses: Promise<readonly Address[]>;
}

/**
 * Looks a name up for a connection, and hands on only addresses that were checked: it is those that are connected to, so a
 * name server that answers differently the next time changes nothing. One bad address among good ones refuses them all.
 */
export class NameLookup {
  readonly #clock: Clock;
  readonly #resolve: Resolve;
  readonly #known = new Map<string, Known>();

  constructor(clock: Clock, resolve: Resolve = systemResolve) {
    this.#clock = clock;
    this.#resolve = resolve;
  }

  /** For the `lookup` of a socket. Fails with a `Failure` when the guard objects. */
  checked(guard: () => AddressGuard, secure: boolean): LookupFunction {
    return (hostname, options, callback) => {
      void this.#addresses(hostname).then(
        addresses => {
          const [first] = addresses;
          const objection = objectionTo(addresses, guard(), secure);
          if (objection !== undefined)
            return callback(new Failure('webhook-forbidden-address', objection), '');
          if (first === undefined)
            return callback(new Failure('webhook-unresolved', 'its name has no address'), '');
          if (options.all === true) return callback(null, [...addresses]);
          callback(null, first.address, first.family);
        },
        () => callback(new Failure('webhook-unresolved', 'its name cannot be looked up'), ''),
      );
    };
  }

  /** Concurrent questions for one name are asked once, and the answer holds for a few seconds. */
  #addresses(hostname: string): Promise<readonly Address[]> {
    const now = this.#clock.now();
    const known = this.#known.get(hostname);
    if (known !== undefined && known.until > now) return known.addresses;
    if (this.#known.size >= webhookLimits.names) this.#known.clear();
    const addresses = this.#resolve(hostname);
    this.#known.set(hostname, { until: now + webhookLimits.lookupMs, addresses });
    addresses.catch(() => this.#known.delete(hostname));
    return addresses;
  }
}

function objectionTo(
  addresses: readonly Address[],
  guard: AddressGuard,
  secure: boolean,
): string | undefined {
  return addresses.map(({ address }) => guard.objection(address, secure)).find(text => text !== undefined);
}

/** Why a host that is an address itself, for which no socket asks a name server, must not be connected to. */
export function literalObjection(hostname: string, guard: AddressGuard, secure: boolean): string | undefined {
  const bare = hostname.replace(/^\[|\]$/g, '');
  return isIP(bare) === 0 ? undefined : guard.objection(bare, secure);
}
