import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../../src/core/logger.ts';
import { EmbeddedSignalling } from '../../../../../src/sip/embedded/stack.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';
import { FakeWire } from '../fake-wire.ts';
import { request } from '../messages.ts';

function setUp() {
  const clock = new ManualClock();
  const refused: string[] = [];
  const stack = new EmbeddedSignalling({
    listen: [],
    admit: () => true,
    contactFor: () => ({ host: '203.0.113.5', port: 5060 }),
    clock,
    log: silentLogger,
    onInvite: () => undefined,
    onRefused: cause => void refused.push(cause),
    limits: { messageMs: 10_000_000, idleMs: 10_000_000 },
  });
  const wire = new FakeWire();
  stack.attach(wire).keepAlive();
  const written = () => Buffer.concat(wire.written).toString();
  /** Moves on to the next ping; gives how long that took. */
  const nextPing = () => {
    const before = wire.written.length;
    const start = clock.now();
    while (wire.written.length === before && clock.now() - start < 200_000) clock.advance(100);
    expect(wire.written.at(-1)?.toString()).toBe('\r\n\r\n');
    return clock.now() - start;
  };
  return { clock, refused, wire, written, nextPing };
}

describe('a connection that we opened', () => {
  it('pings every 95 to 120 s, each time anew', () => {
    const { nextPing, wire } = setUp();
    const waits = Array.from({ length: 10 }, () => {
      const ms = nextPing();
      wire.receive('\r\n');
      return ms;
    });
    for (const ms of waits) {
      expect(ms).toBeGreaterThanOrEqual(94_900);
      expect(ms).toBeLessThanOrEqual(120_100);
    }
    expect(new Set(waits).size).toBeGreaterThan(1);
  });

  it('is dead 10 s after a ping that a peer which answers pings does not answer', () => {
    const { clock, nextPing, refused, wire } = setUp();
    nextPing();
    wire.receive('\r\n');
    nextPing();
    clock.advance(9_800);
    expect(wire.gone).toBe(false);
    clock.advance(200);
    expect([wire.gone, refused]).toEqual([true, ['no-pong']]);
    expect(clock.pending).toBe(0);
  });

  it('outlives a peer that knows nothing of pings', () => {
    const { clock, nextPing, wire } = setUp();
    for (let i = 0; i < 5; i++) {
      nextPing();
      clock.advance(10_000);
    }
    expect(wire.gone).toBe(false);
  });

  it('takes any message for a sign of life, and reads the one behind a pong', () => {
    const { clock, nextPing, wire } = setUp();
    nextPing();
    wire.receive(`\r\n${request('OPTIONS')}`);
    expect(wire.response().status).toBe(200);
    nextPing();
    wire.receive(request('OPTIONS', { branch: 'z9hG4bK2' }));
    expect(wire.response().status).toBe(200);
    clock.advance(20_000);
    expect(wire.gone).toBe(false);
  });

  it('does not take two pongs for a ping, nor half a message for one', () => {
    const { nextPing, wire, written } = setUp();
    nextPing();
    wire.receive('\r\n');
    nextPing();
    wire.receive('\r\n');
    expect(written()).toBe('\r\n\r\n'.repeat(2));
    const options = request('OPTIONS');
    const cut = options.indexOf('\r\n');
    wire.receive(options.slice(0, cut));
    nextPing();
    wire.receive(options.slice(cut));
    expect(written()).toContain('SIP/2.0 200 OK');
  });
});
