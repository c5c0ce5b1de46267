import { describe, expect, it } from 'vitest';
import { type StackLimits, stackLimits } from '../../../../../src/sip/embedded/limits.ts';
import { messageLimits } from '../../../../../src/sip/embedded/message/limits.ts';
import type { SipMessage } from '../../../../../src/sip/embedded/message/message.ts';
import { Connection } from '../../../../../src/sip/embedded/transport/connection.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';
import { FakeWire } from '../fake-wire.ts';
import { invite, request } from '../messages.ts';

function setup(options: { limits?: Partial<StackLimits>; onMessage?: (message: SipMessage) => void } = {}) {
  const clock = new ManualClock();
  const wire = new FakeWire();
  const heard: string[] = [];
  const connection = new Connection(wire, {
    clock,
    limits: { ...stackLimits, ...options.limits },
    messageLimits,
    listener: {
      message: (_connection, message) => {
        options.onMessage?.(message);
        heard.push(message.kind === 'request' ? message.method : String(message.status));
      },
      fault: (_connection, fault) => void heard.push(`fault ${fault.status}`),
      refused: (cause, address) => void heard.push(`refused ${cause} ${address}`),
      crashed: () => void heard.push('crashed'),
      closed: () => void heard.push('closed'),
    },
  });
  return { clock, wire, connection, heard };
}

/** As much as a socket is read at once. */
const full = request('OPTIONS').repeat(Math.ceil(65_536 / request('OPTIONS').length));

const timedOut = ['refused message-timeout 192.0.2.10', 'closed'];

describe('a connection', () => {
  it('hears the same messages however the bytes are cut', () => {
    const text = `${invite()}${request('OPTIONS')}\r\n\r\n${request('ACK')}`;
    for (const size of [1, 7, 100, text.length]) {
      const { wire, heard } = setup();
      for (let at = 0; at < text.length; at += size) wire.receive(text.slice(at, at + size));
      expect(heard).toEqual(['INVITE', 'OPTIONS', 'ACK']);
    }
  });

  it('is closed when no message comes, or half of one', () => {
    const silent = setup();
    silent.clock.advance(10_000);
    expect(silent.heard).toEqual(timedOut);
    const half = setup();
    half.wire.receive(request('OPTIONS') + invite().slice(0, 200));
    half.clock.advance(9_999);
    expect(half.heard).toEqual(['OPTIONS']);
    half.clock.advance(1);
    expect(half.heard).toEqual(['OPTIONS', ...timedOut]);
    expect(half.clock.pending).toBe(0);
  });

  it('gives a message no more time for every byte of it', () => {
    const { clock, wire, heard } = setup();
    wire.receive(request('OPTIONS'));
    const text = invite();
    for (let second = 0; second < 10; second++) {
      wire.receive(text.slice(second, second + 1));
      clock.advance(1_000);
    }
    expect(heard).toEqual(['OPTIONS', ...timedOut]);
  });

  it('starts the time anew for the next message', () => {
    const { clock, wire, heard } = setup();
    const text = invite();
    wire.receive(text.slice(0, 100));
    for (let i = 0; i < 5; i++) {
      clock.advance(8_000);
      wire.receive(text.slice(100) + text.slice(0, 100));
    }
    expect(heard).toEqual(Array(5).fill('INVITE'));
  });

  it('takes so many messages and then lets others have their turn, without losing or turning round any', () => {
    const { clock, wire, heard } = setup({ limits: { messagesPerTurn: 3 } });
    const methods = ['OPTIONS', 'BYE', 'INFO', 'ACK', 'UPDATE', 'CANCEL', 'INVITE'];
    wire.receive(methods.map(method => (method === 'INVITE' ? invite() : request(method))).join(''));
    expect([heard, wire.held]).toEqual([methods.slice(0, 3), true]);
    // What was under way when reading stopped.
    wire.receive(request('PRACK').slice(0, 40));
    expect(heard).toEqual(methods.slice(0, 3));
    clock.advance(1);
    expect([heard, wire.held]).toEqual([methods.slice(0, 6), true]);
    clock.advance(1);
    expect([heard, wire.held]).toEqual([methods, false]);
    wire.receive(request('PRACK').slice(40));
    expect(heard).toEqual([...methods, 'PRACK']);
  });

  it('knows for how long it has had more than was taken of it', () => {
    const { clock, wire, connection } = setup({ limits: { messagesPerTurn: 1 } });
    expect(connection.behindMs).toBe(0);
    wire.receive(request('OPTIONS').repeat(3));
    clock.advance(1);
    expect(connection.behindMs).toBe(1);
    clock.advance(10);
    expect(connection.behindMs).toBe(0);
  });

  it('is behind for as long as its socket is read in pieces that fill the buffer', () => {
    const { clock, wire, connection } = setup({ limits: { messagesPerTurn: 1_000 } });
    wire.receive(full);
    clock.advance(5);
    expect(connection.behindMs).toBe(5);
    wire.receive(full);
    clock.advance(5);
    expect(connection.behindMs).toBe(10);
    wire.receive(request('OPTIONS'));
    expect(connection.behindMs).toBe(0);
  });

  it('is not behind because a buffer was full once, long ago', () => {
    const { clock, wire, connection } = setup({ limits: { messagesPerTurn: 1 } });
    wire.receive(full);
    clock.advance(5_000);
    wire.receive(request('OPTIONS').repeat(2));
    expect(connection.behindMs).toBe(0);
  });

  it('forgets what waits for its turn when it ends', () => {
    const { clock, wire, heard } = setup({ limits: { messagesPerTurn: 1 } });
    wire.receive(request('OPTIONS') + request('BYE'));
    wire.reset();
    clock.advance(10_000);
    expect(heard).toEqual(['OPTIONS', 'closed']);
    expect(clock.pending).toBe(0);
  });

  it('answers a ping with one CRLF, ten a second, and ends above a hundred', () => {
    const { clock, wire, heard } = setup();
    for (let i = 0; i < 100; i++) wire.receive('\r\n\r\n');
    expect(wire.written.map(String)).toEqual(Array(10).fill('\r\n'));
    clock.advance(1_000);
    wire.receive('\r\n\r\n');
    expect(wire.written).toHaveLength(11);
    for (let i = 0; i < 100; i++) wire.receive('\r\n\r\n');
    expect(heard).toEqual(['refused too-many-pings 192.0.2.10', 'closed']);
  });

  it('ends for a peer that does not read', () => {
    const { wire, connection, heard } = setup();
    expect(connection.send(Buffer.from('x'))).toBe(true);
    wire.backlog = 1_048_577;
    expect(connection.send(Buffer.from('x'))).toBe(false);
    expect(heard).toEqual(['refused slow-reader 192.0.2.10', 'closed']);
    expect(connection.send(Buffer.from('x'))).toBe(false);
    expect(wire.written).toHaveLength(2);
  });

  const bad = request('OPTIONS', { cseqMethod: 'INVITE' });

  it('ends after too many messages that are not SIP, unless it carries a call', () => {
    const alone = setup({ limits: { badMessagesPerMinute: 3 } });
    for (let i = 0; i < 5; i++) alone.wire.receive(bad);
    expect(alone.heard).toEqual([
      ...Array(4).fill('fault 400'),
      'refused too-many-bad-messages 192.0.2.10',
      'closed',
    ]);
    const carrying = setup({ limits: { badMessagesPerMinute: 3 } });
    carrying.connection.pin();
    for (let i = 0; i < 5; i++) carrying.wire.receive(bad);
    expect(carrying.heard).toEqual(Array(5).fill('fault 400'));
  });

  it('forgives what is a minute old', () => {
    const { wire, clock, heard } = setup({ limits: { badMessagesPerMinute: 3 } });
    for (let i = 0; i < 3; i++) wire.receive(bad);
    clock.advance(60_000);
    for (let i = 0; i < 3; i++) wire.receive(bad);
    expect(heard).toEqual(Array(6).fill('fault 400'));
  });

  it('ends for a Content-Length of 10 MB, and reads nothing behind it', () => {
    const { wire, heard, clock } = setup();
    wire.receive(invite().replace(/Content-Length: \d+/, 'Content-Length: 10000000'));
    wire.receive(request('OPTIONS'));
    expect(heard).toEqual(['fault 413', 'refused framing-error 192.0.2.10', 'closed']);
    expect(wire.ended).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('is closed when it is idle, but not while a dialogue needs it', () => {
    const { wire, clock, connection, heard } = setup();
    wire.receive(request('OPTIONS'));
    connection.pin();
    clock.advance(3_600_000);
    expect(connection.open).toBe(true);
    connection.unpin();
    clock.advance(1_200_000);
    expect(heard).toEqual(['OPTIONS', 'refused idle 192.0.2.10', 'closed']);
  });

  it('stays open as long as something comes', () => {
    const { wire, clock, heard } = setup();
    for (let i = 0; i < 10; i++) {
      wire.receive('\r\n\r\n');
      clock.advance(599_000);
    }
    expect(heard).toEqual([]);
  });

  it('tells of its end once, and of nothing afterwards', () => {
    const { wire, connection, heard, clock } = setup();
    wire.reset();
    connection.close();
    connection.destroy();
    wire.receive(request('OPTIONS'));
    expect(heard).toEqual(['closed']);
    expect(clock.pending).toBe(0);
  });

  it('survives a fault of ours by closing', () => {
    const { wire, heard } = setup({
      onMessage: () => {
        throw new Error('planted');
      },
    });
    wire.receive(request('OPTIONS'));
    expect(heard).toEqual(['crashed', 'closed']);
  });
});
