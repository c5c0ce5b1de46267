import type { NaptrRecord, SrvRecord } from 'node:dns';
import dns from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { Failure, fail, messageOf, ok, type Result } from '../core/errors.ts';
import type { NextHop } from './signalling.ts';

/** Limits of looking a trunk up. Times in ms. */
export const resolverLimits = {
  /** Until the whole answer has to be there. */
  totalMs: 8_000,
  /** Hops of one answer. */
  hops: 8,
  /** Names that are looked up for one answer. */
  names: 12,
  /** How long an answer serves again; addresses of trunks move slowly, and calls come in bursts. */
  keepMs: 30_000,
  kept: 256,
} as const;

/** The questions of RFC 3263. Each settles with nothing when the name has no such record, and rejects otherwise. */
export interface Dns {
  naptr(name: string): Promise<readonly NaptrRecord[]>;
  srv(name: string): Promise<readonly SrvRecord[]>;
  /** IP literals, in the order in which they are to be tried. */
  addresses(name: string): Promise<readonly string[]>;
}

/** Where a trunk is, as it was configured. */
export interface Target {
  readonly host: string;
  readonly port?: number;
  readonly transport: 'auto' | 'tcp' | 'tls';
}

type Transport = NextHop['transport'];

const defaultPorts: Readonly<Record<Transport, number>> = { tcp: 5060, tls: 5061 };
const services: Readonly<Record<Transport, string>> = { tcp: '_sip._tcp', tls: '_sips._tcp' };
/** RFC 3263 section 4.1: what NAPTR may name, as far as it is spoken here. */
const naptrServices: Readonly<Record<string, Transport>> = { 'SIP+D2T': 'tcp', 'SIPS+D2T': 'tls' };

/** Finds the hops of a trunk (RFC 3263 section 4): NAPTR, SRV, then addresses. */
export class Resolver {
  readonly #dns: Dns;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #kept = new Map<string, { readonly until: number; readonly hops: readonly NextHop[] }>();

  constructor(clock: Clock, source: Dns = systemDns, random: () => number = Math.random) {
    this.#clock = clock;
    this.#dns = source;
    this.#random = random;
  }

  /** Hops in the order in which they are to be tried; never none. Fails with code `not-found` or `dns-failed`. */
  async resolve(target: Target): Promise<Result<readonly NextHop[]>> {
    const key = `${target.transport} ${target.host.toLowerCase()} ${target.port ?? ''}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.until > this.#clock.now()) return ok(kept.hops);
    try {
      const hops = await this.#inTime(new Lookup(this.#dns, this.#random).hops(target));
      if (hops.length === 0)
        return fail(new Failure('not-found', `${target.host} has no address that SIP can be sent to`));
      this.#keep(key, hops);
      return ok(hops);
    } catch (error) {
      return fail(new Failure('dns-failed', `${target.host} could not be looked up: ${messageOf(error)}`));
    }
  }

  #inTime<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`no answer in ${resolverLimits.totalMs} ms`));
      const timer = this.#clock.timer(resolverLimits.totalMs, late);
      work.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  #keep(key: string, hops: readonly NextHop[]): void {
    this.#kept.delete(key);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size < resolverLimits.kept) break;
      this.#kept.delete(oldest);
    }
    this.#kept.set(key, { until: this.#clock.now() + resolverLimits.keepMs, hops });
  }
}

/** One look-up, with its budget of names. */
class Lookup {
  readonly #dns: Dns;
  readonly #random: () => number;
  #names = 0;

  constructor(source: Dns, random: () => number) {
    this.#dns = source;
    this.#random = random;
  }

  async hops({ host, port, transport }: Target): Promise<NextHop[]> {
    const fixed = transport === 'auto' ? undefined : transport;
    // RFC 3263 section 4.2: an address, or a name with a port, is looked up no further than its address.
    if (isIP(host) !== 0 || port !== undefined) {
      const chosen = fixed ?? (port === defaultPorts.tls ? 'tls' : 'tcp');
      return this.#addresses(host, port ?? defaultPorts[chosen], chosen, host);
    }
    const found: NextHop[] = [];
    for (const { name, over } of await this.#serviceNames(host, fixed)) {
      found.push(...(await this.#service(name, over, host)));
      if (found.length >= resolverLimits.hops) break;
    }
    if (found.length > 0) return found.slice(0, resolverLimits.hops);
    const over = fixed ?? 'tcp';
    return this.#addresses(host, defaultPorts[over], over, host);
  }

  /** Names of SRV records to ask for, best first (RFC 3263 section 4.1). */
  async #serviceNames(
    host: string,
    fixed: Transport | undefined,
  ): Promise<{ readonly name: string; readonly over: Transport }[]> {
    if (fixed !== undefined) return [{ name: `${services[fixed]}.${host}`, over: fixed }];
    const named = [...(await this.#ask(() => orNone(this.#dns.naptr(host))))]
      .sort((a, b) => a.order - b.order || a.preference - b.preference)
      .map(({ service, replacement }) => ({ name: replacement, over: naptrServices[service.toUpperCase()] }))
      .filter(entry => entry.over !== undefined && entry.name !== '');
    if (named.length > 0) return named as { name: string; over: Transport }[];
    const both: readonly Transport[] = ['tls', 'tcp'];
    return both.map(over => ({ name: `${services[over]}.${host}`, over }));
  }

  async #service(name: string, over: Transport, host: string): Promise<NextHop[]> {
    const records = await this.#ask(() => orNone(this.#dns.srv(name)));
    const hops: NextHop[] = [];
    for (const record of ordered(records, this.#random)) {
      // RFC 2782: a target of "." says that the service is not there.
      if (record.name === '' || record.name === '.') continue;
      hops.push(...(await this.#addresses(record.name, record.port, over, host)));
      if (hops.length >= resolverLimits.hops) break;
    }
    return hops;
  }

  /** RFC 5922 section 7.1: the certificate is checked against the name that was configured, not what DNS made of it. */
  async #addresses(name: string, port: number, transport: Transport, host: string): Promise<NextHop[]> {
    const addresses = isIP(name) === 0 ? await this.#ask(() => this.#dns.addresses(name)) : [name];
    const server = transport === 'tls' && isIP(host) === 0 ? { serverName: host } : {};
    return addresses.map(address => ({ transport, address, port, ...server }));
  }

  async #ask<T>(question: () => Promise<readonly T[]>): Promise<readonly T[]> {
    this.#names++;
    return this.#names > resolverLimits.names ? [] : question();
  }
}

/** RFC 2782: by priority; among equals at random, by weight. */
export function ordered(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const left = [...records].sort((a, b) => a.priority - b.priority || a.weight - b.weight);
  const result: SrvRecord[] = [];
  while (left.length > 0) {
    const equal = left.filter(({ priority }) => priority === left[0]?.priority);
    const total = equal.reduce((sum, { weight }) => sum + weight, 0);
    const drawn = random() * total;
    let sum = 0;
    const chosen =
      equal.find(({ weight }) => {
        sum += weight;
        return sum >= drawn;
      }) ?? equal[0];
    if (chosen === undefined) break;
    left.splice(left.indexOf(chosen), 1);
    result.push(chosen);
  }
  return result;
}

/** Name servers that know no NAPTR or SRV refuse the question in every way there is: the address will do then. */
async function orNone<T>(question: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await question;
  } catch (error) {
    if (error instanceof Error) return [];
    throw error;
  }
}

const absent = new Set(['ENOTFOUND', 'ENODATA', 'ENONAME']);

async function orNothing<T>(question: Promise<T[]>): Promise<T[]> {
  try {
    return await question;
  } catch (error) {
    if (absent.has((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

const resolver = new dns.Resolver({ timeout: 2_000, tries: 2 });

/** The name servers of this machine, and for addresses its hosts file. */
export const systemDns: Dns = {
  naptr: name => orNothing(resolver.resolveNaptr(name)),
  srv: name => orNothing(resolver.resolveSrv(name)),
  async addresses(name) {
    const found = await orNothing(dns.lookup(name, { all: true, order: 'ipv4first' }));
    return found.map(({ address }) => address);
  },
};
