import ipaddr from 'ipaddr.js';
import { type NetworkSet, networkSet } from '../trunks/match.ts';

/** What the ranges of `ipaddr.js` are called in a sentence; those that are not here are "reserved". */
const kinds: Readonly<Record<string, string>> = {
  loopback: 'this machine',
  private: 'a private network',
  uniqueLocal: 'a private network',
  linkLocal: 'link-local, where clouds keep their credentials',
  carrierGradeNat: 'the network of a carrier (CGNAT)',
  multicast: 'multicast',
  unspecified: 'no address at all',
};

/** RFC 4291 section 2.4 and the registry of IANA: everything that is global unicast lies in here. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Which addresses the operator's URLs may lead to: public ones, and the networks that the configuration allows. Plain http
 * only within the latter, because secrets must not cross the Internet in the clear.
 */
export class AddressGuard {
  readonly #allowed: NetworkSet;

  /** CIDRs of `webhooks.allowed_networks`. */
  constructor(allowed: readonly string[]) {
    this.#allowed = networkSet(allowed);
  }

  /** Why nothing may be sent to the address; undefined when it may. */
  objection(address: string, secure: boolean): string | undefined {
    if (this.#allowed.has(address)) return undefined;
    const kind = kindOf(address);
    if (kind !== undefined) return `it leads to ${kind}, which webhooks.allowed_networks does not list`;
    return secure ? undefined : 'it is http, which goes only to webhooks.allowed_networks: make it https';
  }
}

/** What an address is when it is not somebody's on the Internet. */
function kindOf(text: string): string | undefined {
  const [bare = ''] = text.split('%');
  if (!ipaddr.isValid(bare)) return 'no address at all';
  // An IPv4 address in its IPv6 form is the IPv4 address.
  const address = ipaddr.process(bare);
  const range = address.range();
  const reachable =
    range === 'unicast' && (address.kind() === 'ipv4' || (address as ipaddr.IPv6).match(globalUnicast));
  return reachable ? undefined : (kinds[range] ?? 'a reserved range');
}
