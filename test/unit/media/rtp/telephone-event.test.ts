import { describe, expect, it } from 'vitest';
import {
  eventOfKey,
  keyOfEvent,
  readTelephoneEvent,
  TelephoneEventView,
  telephoneEventBytes,
  writeTelephoneEvent,
} from '../../../../src/media/rtp/telephone-event.ts';

describe('telephone events', () => {
  it('are read as they were written', () => {
    const bytes = Buffer.alloc(8);
    const view = new TelephoneEventView();
    writeTelephoneEvent(bytes, 3, 11, true, 10, 0xfedc);
    expect(readTelephoneEvent(bytes, 3, telephoneEventBytes, view)).toBe(true);
    expect({ ...view }).toEqual({ event: 11, end: true, volume: 10, duration: 0xfedc });
    writeTelephoneEvent(bytes, 3, 1, false, 63, 160);
    readTelephoneEvent(bytes, 3, 4, view);
    expect({ ...view }).toEqual({ event: 1, end: false, volume: 63, duration: 160 });
  });

  it('are not read from a payload that is too short', () => {
    expect(readTelephoneEvent(Buffer.alloc(3), 0, 3, new TelephoneEventView())).toBe(false);
  });

  it('do not take the reserved bit for volume', () => {
    const view = new TelephoneEventView();
    readTelephoneEvent(Buffer.from([5, 0x4a, 0, 160]), 0, 4, view);
    expect(view.volume).toBe(10);
    expect(view.end).toBe(false);
  });

  it('have a key for 0 to 15 and for nothing else', () => {
    const keys = Array.from({ length: 256 }, (_, event) => keyOfEvent(event));
    expect(keys.slice(0, 16).join('')).toBe('0123456789*#ABCD');
    expect(keys.slice(16).every(key => key === undefined)).toBe(true);
    for (const key of '0123456789*#ABCDabcd') expect(keyOfEvent(eventOfKey(key)!)).toBe(key.toUpperCase());
    for (const none of ['', 'E', '12', '+']) expect(eventOfKey(none)).toBeUndefined();
  });
});
