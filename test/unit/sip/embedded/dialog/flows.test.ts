import { afterEach, describe, expect, it } from 'vitest';
import { ending } from '../../../../../src/core/ending.ts';
import { ok } from '../../../../../src/core/errors.ts';
import type { SipMessage, SipRequest } from '../../../../../src/sip/embedded/message/message.ts';
import type { EmbeddedOptions } from '../../../../../src/sip/embedded/stack.ts';
import type { NextHop, OutboundDialogue } from '../../../../../src/sip/signalling.ts';
import { FakeWire } from '../fake-wire.ts';
import { answerTo, invite, type RequestSpec, request, toTagOf } from '../messages.ts';
import { answerSdp, settle, World } from '../world.ts';
import { Calling, endOf, hop, nothingHeld, reply, settled, theirAnswer } from './calling.ts';

const over = ending('agent-ended-call');
const requestOf = (messages: readonly SipMessage[], method: string): SipRequest => {
  const found = messages.find(message => message.kind === 'request' && message.method === method);
  if (found?.kind !== 'request') throw new Error(`no ${method} was sent`);
  return found;
};

describe('a call of ours', () => {
  let world: Calling;
  afterEach(async () => {
    expect(await world.close()).toEqual(nothingHeld);
  });

  interface Up {
    readonly call: OutboundDialogue;
    readonly invite: SipRequest;
    readonly wire: FakeWire;
  }

  async function calling(route: readonly NextHop[] = [hop('192.0.2.10')]): Promise<Up> {
    const call = await world.call({ route });
    const { wire } = world;
    return { call, invite: requestOf(wire.take(), 'INVITE'), wire };
  }

  async function up(route?: readonly NextHop[], contact?: string): Promise<Up> {
    const placed = await calling(route);
    const spec = contact === undefined ? {} : { contact };
    placed.wire.receive(reply(placed.invite, 200, { body: theirAnswer, ...spec }));
    expect(placed.wire.statuses()).toEqual(['ACK']);
    await settled();
    return placed;
  }

  /** Another connection of the one who was called, which it has opened itself. */
  function theirWire(): FakeWire {
    const wire = new FakeWire({ port: 41_000 });
    world.stack.attach(wire);
    return wire;
  }

  const secure: NextHop = {
    transport: 'tls',
    address: '192.0.2.10',
    port: 5061,
    serverName: 'sbc.example',
    ca: 'a root',
    verify: false,
  };

  it('is hung up where it went out to, whatever may be dialled for what a peer names', async () => {
    world = new Calling({ mayDial: () => false });
    const { call, wire } = await up([secure], '<sip:callee@node7.sbc.example>');
    wire.reset();
    call.hangup(over);
    await settled();
    expect(world.hops).toEqual([secure, secure]);
    const bye = requestOf(world.wire.take(), 'BYE');
    expect(bye.uri).toBe('sip:callee@node7.sbc.example');
    world.wire.receive(reply(bye, 200));
    expect(await endOf(call)).toEqual(over);
  });

  it('shares the new connection with all others that were lost with it', async () => {
    world = new Calling();
    const calls: OutboundDialogue[] = [];
    for (let i = 0; i < 50; i++) calls.push((await up()).call);
    world.wire.reset();
    for (const call of calls) call.hangup(over);
    await settled();
    expect(world.wires).toHaveLength(2);
    expect(world.wire.statuses()).toEqual(Array(50).fill('BYE'));
  });

  it('is acknowledged over the connection that the answer came over', async () => {
    world = new Calling();
    const { invite, wire } = await calling();
    const other = theirWire();
    other.receive(reply(invite, 200, { body: theirAnswer }));
    expect(other.statuses()).toEqual(['ACK']);
    expect(wire.statuses()).toEqual([]);
    other.receive(reply(invite, 200, { body: theirAnswer }));
    expect(other.statuses()).toEqual(['ACK']);
  });

  it('goes on over the connection that its peer speaks over, although the old one is open', async () => {
    world = new Calling();
    const { call, invite, wire } = await up();
    const other = theirWire();
    const tag = /;tag=([^;]+)/.exec(invite.headers.get('From') ?? '')?.[1];
    const callId = invite.headers.get('Call-ID') ?? '';
    other.receive(request('OPTIONS', { callId, fromTag: 'callee', toTag: tag, branch: 'z9hG4bKo' }));
    expect(other.statuses()).toEqual([200]);
    call.hangup(over);
    expect([wire.statuses(), other.statuses()]).toEqual([[], ['BYE']]);
  });

  it('is hung up once more, over a new connection, when the one of its BYE breaks', async () => {
    world = new Calling();
    const { call, wire } = await up();
    call.hangup(over);
    const first = requestOf(wire.take(), 'BYE');
    wire.reset();
    await settled();
    const again = requestOf(world.wire.take(), 'BYE');
    expect(again.headers.get('Via')).not.toBe(first.headers.get('Via'));
    expect([first, again].map(bye => bye.headers.get('CSeq'))).toEqual(['2 BYE', '3 BYE']);
    expect(await endOf(call)).toBe('still up');
    world.wire.reset();
    expect(await endOf(call)).toEqual(over);
    expect(world.wires).toHaveLength(2);
  });

  it('is hung up over the address that its peer names, once nobody answers where it went out to', async () => {
    world = new Calling();
    const { call, wire } = await up(undefined, '<sip:callee@192.0.2.77:5070;transport=tcp>');
    world.deaf = ['192.0.2.10'];
    wire.reset();
    call.hangup(over);
    await settled();
    expect(world.hops.slice(1)).toEqual([
      hop('192.0.2.10'),
      { transport: 'tcp', address: '192.0.2.77', port: 5070 },
    ]);
    requestOf(world.wire.take(), 'BYE');
  });
});

describe('a call of ours whose connection is gone', () => {
  let world: Calling;
  afterEach(async () => {
    expect(await world.close()).toEqual(nothingHeld);
  });

  async function up(): Promise<{ readonly call: OutboundDialogue; readonly wire: FakeWire }> {
    const call = await world.call();
    const { wire } = world;
    wire.receive(reply(requestOf(wire.take(), 'INVITE'), 200, { body: theirAnswer }));
    wire.take();
    await settled();
    return { call, wire };
  }

  /** Answers the OPTIONS that the newest wire has got. */
  async function heard(status: number): Promise<FakeWire> {
    await settled();
    const { wire } = world;
    wire.receive(reply(requestOf(wire.take(), 'OPTIONS'), status));
    await settled();
    return wire;
  }

  it.each([200, 405, 503])('goes on over a new one once its peer has answered %d there', async status => {
    world = new Calling();
    const { call, wire } = await up();
    wire.reset();
    const second = await heard(status);
    expect(world.wires).toHaveLength(2);
    world.clock.advance(60_000);
    expect(await endOf(call)).toBe('still up');
    call.hangup(over);
    await settled();
    second.receive(reply(requestOf(second.take(), 'BYE'), 200));
    expect(await endOf(call)).toEqual(over);
  });

  it.each([481, 408])('ends when its peer answers %d: the call is not known there', async status => {
    world = new Calling();
    const { call, wire } = await up();
    wire.reset();
    const second = await heard(status);
    second.receive(reply(requestOf(second.take(), 'BYE'), 481));
    expect((await call.ended).reason).toBe('connection-lost');
  });

  it('shares the new one with all that were lost with it, which begin one after the other', async () => {
    world = new Calling();
    for (let i = 0; i < 50; i++) await up();
    world.wire.reset();
    await settled();
    expect(world.wire.statuses()).toEqual(['OPTIONS']);
    for (let ms = 0; ms < 500; ms += 10) {
      world.clock.advance(10);
      await settled();
    }
    expect(world.wire.statuses()).toEqual(Array(49).fill('OPTIONS'));
    expect(world.wires).toHaveLength(2);
  });

  it('is not asked after again and again by a peer that closes behind each answer', async () => {
    world = new Calling();
    const { wire } = await up();
    wire.reset();
    for (const pause of [1_000, 2_000, 4_000]) {
      (await heard(200)).reset();
      const before = world.wires.length;
      world.clock.advance(pause - 1);
      await settled();
      expect(world.wires).toHaveLength(before);
      world.clock.advance(1);
    }
    await heard(200);
  });

  it('is looked for with longer and longer pauses, for as long as the end of its sound would end it', async () => {
    world = new Calling();
    const { call, wire } = await up();
    let watched = true;
    call.outlives = () => watched;
    world.deaf = ['192.0.2.10'];
    wire.reset();
    for (let second = 0; second < 300; second++) {
      world.clock.advance(1_000);
      await settled();
    }
    expect(await endOf(call)).toBe('still up');
    // At once, after 1, 3, 7, 15 and 31 s, and every 32 s from then on.
    expect(world.dialled).toHaveLength(1 + 6 + Math.floor((300 - 31) / 32));
    watched = false;
    world.clock.advance(32_000);
    expect(await endOf(call)).toEqual(ending('connection-lost'));
  });
});

describe('a connection whose peer says nothing any more', () => {
  const route = [hop('192.0.2.10'), hop('192.0.2.11')];
  let world: Calling;
  afterEach(async () => {
    expect(await world.close()).toEqual(nothingHeld);
  });

  const silence = async () => {
    world.clock.advance(32_000);
    await settled();
  };

  it('is left by its call for the next hop, and gets no other call', async () => {
    world = new Calling();
    const call = await world.call({ route });
    await silence();
    expect(world.dialled).toEqual(['192.0.2.10', '192.0.2.11']);
    requestOf(world.wire.take(), 'INVITE');
    expect(await endOf(call)).toBe('still up');
    await world.call({ route });
    expect(world.dialled).toEqual(['192.0.2.10', '192.0.2.11', '192.0.2.10']);
  });

  it('is left for a new one to the same hop when it was an older one, and keeps the calls that it has', async () => {
    world = new Calling();
    const up = await world.call();
    const { wire } = world;
    wire.receive(reply(requestOf(wire.take(), 'INVITE'), 200, { body: theirAnswer }));
    await world.call();
    expect(wire.statuses()).toEqual(['ACK', 'INVITE']);
    await silence();
    expect(world.dialled).toEqual(['192.0.2.10', '192.0.2.10']);
    requestOf(world.wire.take(), 'INVITE');
    expect([wire.gone, await endOf(up)]).toEqual([false, 'still up']);
  });

  it('is tried no more than twice for one call', async () => {
    world = new Calling();
    const call = await world.call({ route: [...route, hop('192.0.2.12')], ringMs: 300_000 });
    await silence();
    await silence();
    expect(await endOf(call)).toEqual(
      ending('trunk-unreachable', 'no response from 192.0.2.11 port 5060 over TCP'),
    );
    expect(world.dialled).toEqual(['192.0.2.10', '192.0.2.11']);
  });

  it('serves again once it has said something', async () => {
    world = new Calling();
    await world.call();
    const { wire } = world;
    await silence();
    wire.receive(request('OPTIONS', { branch: 'z9hG4bKalive' }));
    await world.call();
    expect(world.wires).toHaveLength(1);
  });
});

describe('a call that came in', () => {
  let world: World;
  afterEach(() => world.close());

  const hops: NextHop[] = [];
  const wires: FakeWire[] = [];
  function setUp(options: Partial<EmbeddedOptions> = {}): void {
    hops.length = 0;
    wires.length = 0;
    world = new World({
      gate: () => ({ verdict: 'pass', trunk: 'office' }),
      dial: async where => {
        hops.push(where);
        const wire = new FakeWire(where);
        wires.push(wire);
        return ok(wire);
      },
      ...options,
    });
  }

  const configured: NextHop = {
    transport: 'tls',
    address: '192.0.2.20',
    port: 5061,
    serverName: 'pbx.example',
    ca: 'a root',
  };
  const wayTo = async (trunk: string) => (trunk === 'office' ? [configured] : []);

  /** A call over TLS that has lost its connection, and is hung up. */
  async function lost(spec: RequestSpec): Promise<void> {
    const wire = new FakeWire({ transport: 'tls' });
    world.stack.attach(wire);
    await established(wire, spec);
    wire.reset();
    world.call.hangup(over);
    await settle();
    await settle();
  }

  async function established(wire: FakeWire, spec: RequestSpec = {}): Promise<string> {
    wire.receive(invite(spec));
    const answered = world.call.answer(answerSdp);
    const toTag = toTagOf(wire.response());
    wire.receive(request('ACK', { toTag, branch: 'z9hG4bKack' }));
    expect((await answered).ok).toBe(true);
    return toTag;
  }

  it('is hung up over TLS when it came over TLS, by the name and the roots of its trunk', async () => {
    setUp({ wayTo });
    await lost({ contact: '<sip:alice@192.0.2.10:5062>' });
    expect(hops).toEqual([{ ...configured, address: '192.0.2.10', port: 5062 }]);
    expect(wires[0]?.statuses()).toEqual(['BYE']);
  });

  it('is hung up where its trunk is when it names no address that may be dialled', async () => {
    setUp({ wayTo, mayDial: () => false });
    await lost({ contact: '<sip:alice@pbx.example>' });
    expect(hops).toEqual([configured]);
    expect(wires[0]?.request().uri).toBe('sip:alice@pbx.example');
  });

  it('is hung up nowhere when nobody knows where its trunk is', async () => {
    setUp({ mayDial: () => false });
    await lost({ contact: '<sip:alice@192.0.2.10:5062>' });
    expect(hops).toEqual([]);
    expect(await world.outcome()).toEqual(over);
  });

  it('goes on over the connection that its peer speaks over, although the old one is open', async () => {
    setUp();
    const toTag = await established(world.wire);
    const other = new FakeWire({ port: 41_000 });
    world.stack.attach(other);
    world.call.onReoffer = async () => ({ sdp: answerSdp });
    other.receive(invite({ toTag, cseq: 2, branch: 'z9hG4bK2' }));
    await settle();
    expect(other.statuses()).toEqual([100, 200]);
    other.receive(request('ACK', { toTag, cseq: 2, branch: 'z9hG4bK2a' }));
    world.call.hangup(over);
    expect([world.wire.statuses(), other.statuses()]).toEqual([[], ['BYE']]);
  });

  it('is hung up once more, over a new connection, when the one of its BYE breaks', async () => {
    setUp();
    await established(world.wire);
    world.call.hangup(over);
    expect(world.wire.request().headers.get('CSeq')).toBe('1 BYE');
    world.wire.reset();
    await settle();
    const again = wires[0]?.request();
    expect(again?.headers.get('CSeq')).toBe('2 BYE');
    if (again !== undefined) wires[0]?.receive(answerTo(again, 200));
    expect(await world.outcome()).toEqual(over);
  });

  it('stays where its INVITE came from until it is answered', async () => {
    setUp();
    world.wire.receive(invite());
    world.call.ring();
    const toTag = toTagOf(world.wire.response());
    const other = new FakeWire({ port: 41_000 });
    world.stack.attach(other);
    other.receive(request('UPDATE', { toTag, cseq: 2, branch: 'z9hG4bK2' }));
    world.wire.reset();
    expect(await world.outcome()).toEqual(ending('connection-lost'));
  });

  it('is asked after over a new connection when its own is gone, and goes on over that', async () => {
    setUp();
    await established(world.wire);
    world.wire.reset();
    await settle();
    expect(hops).toEqual([{ transport: 'tcp', address: '192.0.2.10', port: 5062 }]);
    const asked = wires[0]?.request();
    expect(asked?.method).toBe('OPTIONS');
    if (asked !== undefined) wires[0]?.receive(answerTo(asked, 200));
    world.clock.advance(60_000);
    expect(await world.outcome()).toBe('still up');
    world.call.hangup(over);
    expect(wires[0]?.statuses()).toEqual(['BYE']);
  });

  it('is not looked for once its peer has come back by itself', async () => {
    setUp({ mayDial: () => false });
    const toTag = await established(world.wire);
    world.wire.reset();
    await settle();
    const other = new FakeWire({ port: 41_000 });
    world.stack.attach(other);
    other.receive(request('OPTIONS', { toTag, cseq: 2, branch: 'z9hG4bK2' }));
    world.clock.advance(120_000);
    await settle();
    expect(other.statuses()).toEqual([200]);
    expect(await world.outcome()).toBe('still up');
  });
});
