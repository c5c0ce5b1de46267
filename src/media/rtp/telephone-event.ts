/*
 * RFC 4733 section 2.3:
 *
 *   |     event     |E|R| volume    |          duration             |
 */

/** Bytes of a telephone-event payload. */
export const telephoneEventBytes = 4;

/** The keys of events 0 to 15 (RFC 4733 section 3.2, table 3). */
const keys = '0123456789*#ABCD';

/** What `readTelephoneEvent` found; one object is reused. */
export class TelephoneEventView {
  event = 0;
  /** The event is over; sent three times (section 2.5.1.4). */
  end = false;
  /** Power of the tone in dBm0 with its sign dropped, 0..63. */
  volume = 0;
  /** How long the event has lasted since the packet's timestamp, in clock units. */
  duration = 0;
}

/** Reads the first event of a payload of `length` bytes at `at`. False when it is too short to hold one. */
export function readTelephoneEvent(
  packet: Uint8Array,
  at: number,
  length: number,
  view: TelephoneEventView,
): boolean {
  if (length < telephoneEventBytes) return false;
  view.event = packet[at]!;
  view.end = packet[at + 1]! >= 0x80;
  view.volume = packet[at + 1]! & 0x3f;
  view.duration = (packet[at + 2]! << 8) | packet[at + 3]!;
  return true;
}

/** Writes an event's four bytes at `at`. `volume` is 0..63 (dBm0 below zero), `duration` 0..65535 clock units. */
export function writeTelephoneEvent(
  packet: Uint8Array,
  at: number,
  event: number,
  end: boolean,
  volume: number,
  duration: number,
): void {
  packet[at] = event;
  packet[at + 1] = (end ? 0x80 : 0) | (volume & 0x3f);
  packet[at + 2] = duration >> 8;
  packet[at + 3] = duration & 0xff;
}

/** The key of an event number: `0`..`9`, `*`, `#`, `A`..`D`; undefined for every other event. */
export function keyOfEvent(event: number): string | undefined {
  return keys[event];
}

/** The event number of a key; undefined when there is no such key. */
export function eventOfKey(key: string): number | undefined {
  const event = key.length === 1 ? keys.indexOf(key.toUpperCase()) : -1;
  return event < 0 ? undefined : event;
}
