import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Network = ReturnType<typeof ipaddr.parseCIDR>;

/** A set of networks that addresses are looked up in. */
export interface NetworkSet {
  has(address: string): boolean;
}

/**
 * Compiles CIDRs (or bare addresses). An IPv4-mapped IPv6 address, which is what a dual-stack socket reports for an
 * IPv4 peer, counts as the IPv4 address that it is (RFC 4291 section 2.5.5.2), in the list and in the question.
 */
export function networkSet(cidrs: readonly string[]): NetworkSet {
  const networks = cidrs.map(parseNetwork);
  return {
    has(address) {
      // A link-local peer is reported with its zone (RFC 4007 section 11): the zone is ours, not part of the address.
      const [bare = ''] = address.split('%');
      // Stricter than the library, which also reads `1.2.3` and octal numbers.
      if (isIP(bare) === 0) return false;
      const parsed = ipaddr.process(bare);
      return networks.some(
        ([network, bits]) => network.kind() === parsed.kind() && parsed.match(network, bits),
      );
    },
  };
}

function parseNetwork(text: string): Network {
  if (!text.includes('/')) {
    const address = ipaddr.process(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  }
  const [address, bits] = ipaddr.parseCIDR(text);
  if (address.kind() === 'ipv6' && bits >= 96 && (address as ipaddr.IPv6).isIPv4MappedAddress()) {
    return [(address as ipaddr.IPv6).toIPv4Address(), bits - 96];
  }
  return [address, bits];
}
