import { BlockList, isIPv4, isIPv6 } from 'node:net';

// An IPv4 rule holds for the IPv4-mapped IPv6 form of its addresses too.
const unspecified = new BlockList();
unspecified.addAddress('0.0.0.0');
unspecified.addAddress('::', 'ipv6');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/** IPv6 addresses that no single host has; IPv4 ones in their mapped form too. */
const notUnicast = new BlockList();
notUnicast.addSubnet('0.0.0.0', 8);
notUnicast.addSubnet('224.0.0.0', 3);
notUnicast.addSubnet('ff00::', 8, 'ipv6');

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

/** Family of an IP literal that one host can have, or that is unspecified; `undefined` for everything else. */
export function unicastFamily(address: string): 4 | 6 | undefined {
  if (isIPv4(address)) return isUnicast4(address) || isUnspecified(address) ? 4 : undefined;
  if (!isIPv6(address) || address.includes('%')) return undefined;
  return isIn(notUnicast, address) && !isUnspecified(address) ? undefined : 6;
}

/** False for "this network", multicast, reserved and broadcast (RFC 6890, RFC 5771): a list takes ten times as long. */
function isUnicast4(address: string): boolean {
  const first = Number.parseInt(address, 10);
  return first > 0 && first < 224;
}

/** True for 0.0.0.0 and ::, however written. */
export function isUnspecified(address: string): boolean {
  return address.includes(':') ? isIn(unspecified, address) : address === '0.0.0.0';
}

export function isLoopback(address: string): boolean {
  return isIn(loopback, address);
}
