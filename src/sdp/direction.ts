import { isUnspecified } from './address.ts';
import type { MediaDescription, SessionDescription } from './description.ts';
import type { Direction } from './plan.ts';

const directions: ReadonlySet<string> = new Set<Direction>(['sendrecv', 'sendonly', 'recvonly', 'inactive']);

const mirror: Readonly<Record<Direction, Direction>> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

function isDirection(text: string): text is Direction {
  return directions.has(text);
}

function fromParts(send: boolean, receive: boolean): Direction {
  if (send) return receive ? 'sendrecv' : 'sendonly';
  return receive ? 'recvonly' : 'inactive';
}

const sends = (direction: Direction) => direction === 'sendrecv' || direction === 'sendonly';
const receives = (direction: Direction) => direction === 'sendrecv' || direction === 'recvonly';

/** A direction of the peer as seen from this bridge (RFC 3264 section 6.1). */
export function mirrored(direction: Direction): Direction {
  return mirror[direction];
}

/** What is left of `possible` when no more than `wanted` is wanted. */
export function allows(possible: Direction, wanted: Direction): Direction {
  return fromParts(sends(possible) && sends(wanted), receives(possible) && receives(wanted));
}

/**
 * Direction of a media line as the peer means it: its own attribute, else the session's, else sendrecv (RFC 8866
 * section 6.7). The unspecified address is the old way to hold: the peer then wants nothing sent (RFC 3264 section 8.4).
 */
export function offeredDirection(sdp: SessionDescription, media: MediaDescription): Direction {
  const own = media.attributes.find(each => isDirection(each.name))?.name;
  const common = sdp.attributes.find(each => isDirection(each.name))?.name;
  const named = own ?? common ?? 'sendrecv';
  const direction = isDirection(named) ? named : 'sendrecv';
  const address = (media.connection ?? sdp.connection)?.address;
  return address !== undefined && isUnspecified(address) ? fromParts(sends(direction), false) : direction;
}
