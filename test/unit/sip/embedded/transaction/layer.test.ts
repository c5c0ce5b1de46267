import { describe, expect, it } from 'vitest';
import { stackLimits } from '../../../../../src/sip/embedded/limits.ts';
import { messageLimits } from '../../../../../src/sip/embedded/message/limits.ts';
import type { RequestOutcome } from '../../../../../src/sip/embedded/transaction/client.ts';
import { CountingClock } from '../../../../../src/sip/embedded/transaction/counting-clock.ts';
import { mergeKey, serverKey, tagOf } from '../../../../../src/sip/embedded/transaction/key.ts';
import { TransactionLayer } from '../../../../../src/sip/embedded/transaction/layer.ts';
import { Connection } from '../../../../../src/sip/embedded/transport/connection.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';
import { FakeWire } from '../fake-wire.ts';
import { answerTo, invite, parse, parseRequest, request } from '../messages.ts';

function setup() {
  const clock = new ManualClock();
  const layer = new TransactionLayer(clock);
  const connect = (port = 40_000) => {
    const wire = new FakeWire({ port });
    const connection = new Connection(wire, {
      clock,
      limits: stackLimits,
      messageLimits,
      listener: {
        message: () => undefined,
        fault: () => undefined,
        refused: () => undefined,
        crashed: () => undefined,
        closed: closed => layer.connectionClosed(closed),
      },
    });
    // A first message, so that the time for one does not end the connection.
    wire.receive(request('OPTIONS'));
    return { wire, connection };
  };
  return { clock, layer, connect, ...connect() };
}

describe('the key of a server transaction', () => {
  const key = (text: string, address = '192.0.2.10') => serverKey(parseRequest(text), address);
  const same = key(invite());

  it('is the same for an INVITE and the ACK to its refusal', () => {
    expect(key(request('ACK', { toTag: 'x' }))).toBe(same);
    expect(key(request('OPTIONS'))).not.toBe(same);
  });

  it('differs by branch, by sent-by and by the address of the peer', () => {
    expect(key(invite({ branch: 'z9hG4bKelse' }))).not.toBe(same);
    expect(key(invite({ via: 'Via: SIP/2.0/TCP 192.0.2.10:5063;branch=z9hG4bKinvite' }))).not.toBe(same);
    expect(key(invite(), '198.51.100.66')).not.toBe(same);
  });

  it('takes the cookie in any case, and a bare cookie for none', () => {
    const via = (branch: string) => `Via: SIP/2.0/TCP 192.0.2.10:5062;branch=${branch}`;
    expect(key(invite({ via: via('Z9HG4BKinvite'), callId: 'a' }))).toBe(
      key(invite({ via: via('Z9HG4BKinvite'), callId: 'b' })),
    );
    expect(key(invite({ via: via('z9hG4bK'), callId: 'a' }))).not.toBe(
      key(invite({ via: via('z9hG4bK'), callId: 'b' })),
    );
  });

  it('of an RFC 2543 peer is made of the fields that name the request', () => {
    const old = 'Via: SIP/2.0/TCP 192.0.2.10:5062';
    expect(key(invite({ via: old }))).toBe(key(request('ACK', { via: old, toTag: 'x' })));
    expect(key(invite({ via: old, cseq: 2 }))).not.toBe(key(invite({ via: old })));
  });

  it('finds the tag behind any URI', () => {
    expect(tagOf('"x;tag=no" <sip:a@b;tag=no>;tag=yes')).toBe('yes');
    expect(tagOf('<sip:a@b>')).toBeUndefined();
    expect(tagOf(undefined)).toBeUndefined();
  });

  it('of merging leaves the path out', () => {
    expect(mergeKey(parseRequest(invite({ branch: 'z9hG4bKa' })))).toBe(mergeKey(parseRequest(invite())));
    expect(mergeKey(parseRequest(invite({ cseq: 2 })))).not.toBe(mergeKey(parseRequest(invite())));
  });
});

describe('a server transaction', () => {
  it('gives one final response, whatever is said afterwards', () => {
    const { layer, connection, wire } = setup();
    const transaction = layer.createServer(parseRequest(invite()), connection);
    transaction.respond({ status: 180 });
    transaction.respond({ status: 486 });
    transaction.respond({ status: 200 });
    transaction.respond({ status: 503 });
    expect(wire.statuses()).toEqual([180, 486]);
    transaction.receive(parseRequest(invite()), connection);
    expect(wire.statuses()).toEqual([486]);
  });

  it('that is refused is kept 32 s for an ACK that never comes', () => {
    const { layer, connection, clock } = setup();
    layer.createServer(parseRequest(invite()), connection).respond({ status: 486 });
    clock.advance(31_999);
    expect(layer.size).toBe(1);
    clock.advance(1);
    expect(layer.size).toBe(0);
  });

  it('that is accepted absorbs copies of the INVITE for 32 s, then is gone', () => {
    const { layer, connection, clock, wire } = setup();
    const transaction = layer.createServer(parseRequest(invite()), connection);
    transaction.respond({ status: 200 });
    wire.take();
    layer.match(parseRequest(invite()), connection)?.receive(parseRequest(invite()), connection);
    expect(wire.take()).toEqual([]);
    clock.advance(32_000);
    expect(layer.size).toBe(0);
  });

  it('that is not INVITE is over with its final response', () => {
    const { layer, connection } = setup();
    layer.createServer(parseRequest(request('OPTIONS')), connection).respond({ status: 200 });
    expect(layer.size).toBe(0);
  });

  it('repeats Record-Route in what makes a dialogue, and nowhere else', () => {
    const { layer, connection, wire } = setup();
    const routed = invite({ headers: ['Record-Route: <sip:192.0.2.20;lr>'] });
    const transaction = layer.createServer(parseRequest(routed), connection);
    for (const status of [100, 180, 200]) transaction.respond({ status });
    expect(wire.take().map(message => message.headers.all('Record-Route').length)).toEqual([0, 1, 1]);
  });

  it('answers a copy over the connection it came on once the first is gone', () => {
    const { layer, connection, connect } = setup();
    const transaction = layer.createServer(parseRequest(invite()), connection);
    transaction.respond({ status: 180 });
    connection.destroy();
    const second = connect(40_001);
    layer
      .match(parseRequest(invite()), second.connection)
      ?.receive(parseRequest(invite()), second.connection);
    expect(second.wire.statuses()).toEqual([180]);
  });

  it('tells its user that the connection is gone', () => {
    const { layer, connection } = setup();
    const transaction = layer.createServer(parseRequest(invite()), connection);
    let lost = 0;
    transaction.onLost = () => void lost++;
    connection.destroy();
    transaction.respond({ status: 180 });
    expect(lost).toBe(2);
    expect(transaction.pending).toBe(true);
  });
});

describe('a client transaction', () => {
  function bye(world: ReturnType<typeof setup>) {
    const outcomes: RequestOutcome[] = [];
    const branch = world.layer.newBranch();
    const via = `Via: SIP/2.0/TCP 192.0.2.1;branch=${branch}`;
    const text = request('BYE', { via, toTag: 'x' });
    world.layer.request(world.connection, branch, Buffer.from(text), outcome => void outcomes.push(outcome));
    return { outcomes, ours: parseRequest(text) };
  }

  it('ends with the first final response, and only its own', () => {
    const world = setup();
    const { outcomes, ours } = bye(world);
    const respond = (status: number, change = (text: string) => text) => {
      const message = parse(change(answerTo(ours, status)));
      return message.kind === 'response' && world.layer.response(message, world.connection);
    };
    expect(respond(200, text => text.replace(/branch=\S+/, 'branch=z9hG4bKstolen'))).toBe(false);
    expect(respond(200, text => text.replace('CSeq: 1 BYE', 'CSeq: 1 INVITE'))).toBe(false);
    expect(respond(200, text => text.replace('From:', 'Via: SIP/2.0/TCP 1.2.3.4\r\nFrom:'))).toBe(false);
    expect(respond(100)).toBe(true);
    expect(outcomes).toEqual([]);
    expect(respond(481)).toBe(true);
    expect(respond(200)).toBe(false);
    expect(outcomes.map(outcome => typeof outcome === 'object' && outcome.status)).toEqual([481]);
    expect(world.layer.size).toBe(0);
  });

  it('times out after 32 s, and a lost connection ends it at once', () => {
    const world = setup();
    const first = bye(world);
    world.clock.advance(32_000);
    expect(first.outcomes).toEqual(['timeout']);
    const second = setup();
    const { outcomes } = bye(second);
    second.connection.destroy();
    expect(outcomes).toEqual(['lost']);
    expect(bye(second).outcomes).toEqual(['lost']);
    expect(second.layer.size).toBe(0);
  });

  it('has a branch that nobody guesses', () => {
    const { layer } = setup();
    const branches = new Set(Array.from({ length: 1_000 }, () => layer.newBranch()));
    expect(branches.size).toBe(1_000);
    for (const branch of branches) expect(branch).toMatch(/^z9hG4bK[0-9a-f]{20}\.[0-9a-f]{20}$/);
  });
});

describe('the counting clock', () => {
  it('counts timers until they fire or are cancelled, once each', () => {
    const manual = new ManualClock();
    const clock = new CountingClock(manual, () => undefined);
    const first = clock.timer(10, () => undefined);
    clock.timer(20, () => undefined);
    expect(clock.running).toBe(2);
    first.cancel();
    first.cancel();
    expect(clock.running).toBe(1);
    manual.advance(20);
    expect(clock.running).toBe(0);
  });

  it('keeps a fault in a timer away from the process', () => {
    const manual = new ManualClock();
    const faults: unknown[] = [];
    const clock = new CountingClock(manual, error => void faults.push(error));
    const planted = new Error('planted');
    clock.timer(1, () => {
      throw planted;
    });
    expect(() => manual.advance(1)).not.toThrow();
    expect(faults).toEqual([planted]);
  });
});
