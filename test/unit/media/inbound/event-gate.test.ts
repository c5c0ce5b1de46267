import { describe, expect, it } from 'vitest';
import { EventGate } from '../../../../src/media/inbound/event-gate.ts';
import { inboundLimits as limits } from '../../../../src/media/inbound/limits.ts';
import { TelephoneEventView } from '../../../../src/media/rtp/telephone-event.ts';

function event(number: number, duration: number, end = false): TelephoneEventView {
  return Object.assign(new TelephoneEventView(), { event: number, duration, end });
}

describe('EventGate', () => {
  it('opens once for a press, whichever of its packets comes first', () => {
    const gate = new EventGate();
    expect(gate.opens(1000, event(5, 800, true))).toBe(true);
    expect(gate.opens(1000, event(5, 160))).toBe(false);
    expect(gate.opens(1000, event(5, 800, true))).toBe(false);
  });

  it('opens for the same key pressed again and for another key', () => {
    const gate = new EventGate();
    expect(gate.opens(1000, event(5, 160))).toBe(true);
    expect(gate.opens(3000, event(5, 160))).toBe(true);
    expect(gate.opens(3000, event(6, 160))).toBe(true);
  });

  it('stays shut for late packets of a press when others have come since', () => {
    const gate = new EventGate();
    for (let press = 0; press < limits.eventsRemembered; press++) gate.opens(press * 1600, event(press, 160));
    for (let press = 0; press < limits.eventsRemembered; press++) {
      expect(gate.opens(press * 1600, event(press, 800, true))).toBe(false);
    }
  });

  it('takes the segments of a very long press for one press', () => {
    const gate = new EventGate();
    expect(gate.opens(0, event(1, 160))).toBe(true);
    expect(gate.opens(0, event(1, 0xff60))).toBe(false);
    expect(gate.opens(0xff60, event(1, 160))).toBe(false);
    expect(gate.opens(0xff60, event(1, 0xffff))).toBe(false);
    expect(gate.opens(0xff60 + 0xffff, event(1, 160, true))).toBe(false);
    expect(gate.opens(0xff60 + 0x20000, event(1, 160))).toBe(true);
  });

  it('opens again for another source that uses the same timestamp', () => {
    const gate = new EventGate();
    expect(gate.opens(0xffff_ffff, event(1, 160))).toBe(true);
    gate.reset();
    expect(gate.opens(0xffff_ffff, event(1, 160))).toBe(true);
  });
});
