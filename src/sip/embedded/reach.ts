import type { Result } from '../../core/errors.ts';
import type { NextHop } from '../signalling.ts';
import type { Connection } from './transport/connection.ts';
import { type Found, placeOf } from './transport/pool.ts';

/** The peer of a dialogue whose connection is gone, as far as it is known where it is. */
export interface Absent {
  /** The hop that our INVITE went to. */
  readonly hop?: NextHop | undefined;
  /** What the peer's own Contact and Record-Route name. */
  readonly named: NextHop | undefined;
  /** The trunk of its call. */
  readonly trunk: string | undefined;
}

export interface ReachOptions {
  readonly connect: (hop: NextHop) => Promise<Result<Found>>;
  /** Whether an address that a peer has named may be connected to. */
  readonly mayDial: (address: string) => boolean;
  /** Where a trunk is by the configuration; empty when that does not say. */
  readonly wayTo: (trunk: string) => Promise<readonly NextHop[]>;
  /** How many places are tried. */
  readonly mostHops: number;
}

/**
 * Finds a connection to the peer of a dialogue whose own is gone (RFC 3261 section 18: a dialogue is no connection's):
 * where the call went out to, else where the peer says that it is, as far as it may be believed, else where the
 * configuration has its trunk.
 */
export async function reach(
  { hop, named, trunk }: Absent,
  { connect, mayDial, wayTo, mostHops }: ReachOptions,
): Promise<Connection | undefined> {
  const tried = new Set<string>();
  const attempt = async (next: NextHop): Promise<Connection | undefined> => {
    const place = placeOf(next);
    if (tried.has(place) || tried.size >= mostHops) return undefined;
    tried.add(place);
    const found = await connect(next);
    return found.ok ? found.value.connection : undefined;
  };
  const first = hop === undefined ? undefined : await attempt(hop);
  if (first !== undefined) return first;
  const believed = named !== undefined && mayDial(named.address) ? named : undefined;
  if (believed?.transport === 'tcp') {
    const second = await attempt(believed);
    if (second !== undefined) return second;
  }
  const configured = trunk === undefined ? [] : await wayTo(trunk);
  const others = believed === undefined ? configured : [withIdentity(believed, configured), ...configured];
  for (const other of others) {
    const found = await attempt(other);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Over TLS the certificate is held against the name and the roots that the configuration has for the trunk. */
function withIdentity(hop: NextHop, configured: readonly NextHop[]): NextHop {
  const secure = configured.find(({ transport }) => transport === 'tls');
  return hop.transport === 'tls' && secure !== undefined ? { ...secure, ...hop } : hop;
}
