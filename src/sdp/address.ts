import { BlockList, isIPv4, isIPv6 } from 'node:net';

// An IPv4 rule holds for the IPv4-mapped IPv6 form of its addresses too.
const unspecified = new BlockList();
unspecified.addAddress('0.0.0.0');
unspecified.addAddress('::', 'ipv6');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/** "This network", multicast, reserved and broadcast (RFC 6890, RFC 5771). */
const notUnicast = new BlockList();
notUnicast.addSubnet('0.0.0.0', 8);
notUnicast.addSubnet('224.0.0.0', 3);
notUnicast.addSubnet('ff00::', 8, 'ipv6');

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

/** Family of an IP literal that one host can have, or that is unspecified; `undefined` for everything else. */
export function unicastFamily(address: string): 4 | 6 | undefined {
  if (isIPv4(address)) return isIn(notUnicast, address) && !isUnspecified(address) ? undefined : 4;
  if (!isIPv6(address) || address.includes('%')) return undefined;
  return isIn(notUnicast, address) && !isUnspecified(address) ? undefined : 6;
}

/** True for 0.0.0.0 and ::, however written. */
export function isUnspecified(address: string): boolean {
  return isIn(unspecified, address);
}

export function isLoopback(address: string): boolean {
  return isIn(loopback, address);
}
