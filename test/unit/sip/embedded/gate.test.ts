import { afterEach, describe, expect, it } from 'vitest';
import { ending } from '../../../../src/core/ending.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { EmbeddedSignalling } from '../../../../src/sip/embedded/stack.ts';
import type { Admission, Dialogue, RequestFacts } from '../../../../src/sip/signalling.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { FakeWire } from './fake-wire.ts';
import { answerTo, invite, offer, request, toTagOf } from './messages.ts';

const pass: Admission = { verdict: 'pass', trunk: 'office' };
const challenge: Admission = {
  verdict: 'refuse',
  status: 401,
  end: ending('credentials-missing'),
  headers: [
    ['WWW-Authenticate', 'Digest realm="a", algorithm=SHA-256'],
    ['WWW-Authenticate', 'Digest realm="a", algorithm=MD5'],
  ],
};

function setup(gate: (request: RequestFacts) => Admission) {
  const clock = new ManualClock();
  const calls: Dialogue[] = [];
  const asked: RequestFacts[] = [];
  const refused: (number | string)[][] = [];
  const callsRefused: (string | undefined)[] = [];
  const stack = new EmbeddedSignalling({
    listen: [],
    admit: () => true,
    gate: facts => {
      asked.push(facts);
      return gate(facts);
    },
    contactFor: () => ({ host: '203.0.113.5', port: 5060 }),
    clock,
    log: silentLogger,
    onInvite: call => void calls.push(call),
    onRefused: cause => void refused.push([cause]),
    onInviteRefused: (status, end, _address, callId) => {
      refused.push([status, end.reason]);
      callsRefused.push(callId);
    },
  });
  const wire = new FakeWire();
  stack.attach(wire);
  return { clock, calls, asked, refused, callsRefused, stack, wire };
}

let world: ReturnType<typeof setup>;
afterEach(async () => {
  const closing = world.stack.close(0);
  world.clock.advance(40_000);
  await closing;
  expect(world.clock.pending).toBe(0);
});

describe('the gate of the stack', () => {
  it('is shown the request as it came, and its trunk goes with the call', () => {
    world = setup(() => pass);
    world.wire.receive(invite({ headers: ['Authorization: Digest a="1"', 'AUTHORIZATION: Digest b="2"'] }));
    const [facts] = world.asked;
    expect(facts).toMatchObject({
      method: 'INVITE',
      uri: 'sip:+18005550100@192.0.2.1',
      requestUser: '+18005550100',
      source: { address: '192.0.2.10' },
    });
    expect(facts?.header('authorization')).toEqual(['Digest a="1"', 'Digest b="2"']);
    expect(facts?.header('X-None')).toEqual([]);
    expect(world.calls[0]?.facts.trunk).toBe('office');
  });

  it('refuses with its headers, and keeps nothing of the request', () => {
    world = setup(() => challenge);
    world.wire.receive(invite());
    const response = world.wire.response();
    expect(response.status).toBe(401);
    expect(response.headers.all('WWW-Authenticate')).toHaveLength(2);
    expect(toTagOf(response).length).toBeGreaterThanOrEqual(16);
    expect(world.stack.stats().transactions).toBe(0);
    expect(world.calls).toEqual([]);
    expect(world.refused).toEqual([[401, 'credentials-missing']]);
    expect(world.callsRefused).toEqual([response.headers.get('Call-ID')]);
    // The ACK of the refusal finds nothing, and is not answered.
    world.wire.receive(request('ACK', { toTag: toTagOf(response) }));
    expect(world.wire.statuses()).toEqual([]);
    expect(world.asked).toHaveLength(1);
  });

  it('leaves nothing of ten thousand refusals', () => {
    world = setup(() => challenge);
    for (let i = 0; i < 10_000; i++) world.wire.receive(invite({ branch: `z9hG4bK${i}`, callId: `c${i}` }));
    expect(world.refused.filter(([what]) => what !== 401)).toEqual([]);
    expect(world.stack.stats()).toMatchObject({ transactions: 0, dialogs: 0 });
    expect(world.wire.gone).toBe(false);
  });

  it('can have the connection closed without a word', () => {
    world = setup(() => ({ verdict: 'drop' }));
    world.wire.receive(invite());
    expect(world.wire.statuses()).toEqual([]);
    expect(world.wire.gone).toBe(true);
  });

  it('has a connection left open that a call is on, until that is over', async () => {
    let open = true;
    world = setup(() => (open ? pass : { verdict: 'drop' }));
    world.wire.receive(invite());
    const answered = world.calls[0]?.answer(offer);
    const toTag = toTagOf(world.wire.response());
    world.wire.receive(request('ACK', { toTag, branch: 'z9hG4bKack' }));
    await answered;
    open = false;
    world.wire.receive(request('OPTIONS', { branch: 'z9hG4bKping', callId: 'ping' }));
    expect([world.wire.statuses(), world.wire.gone]).toEqual([[], false]);
    world.wire.receive(request('BYE', { toTag, branch: 'z9hG4bKbye', cseq: 2 }));
    expect(world.wire.statuses()).toEqual([200]);
    world.wire.receive(request('OPTIONS', { branch: 'z9hG4bKping2', callId: 'ping' }));
    expect([world.wire.statuses(), world.wire.gone]).toEqual([[], true]);
  });

  it.each(['OPTIONS', 'REGISTER', 'SUBSCRIBE', 'MESSAGE', 'BYE', 'NOTIFY', 'FOO'])(
    'also stands before %s',
    method => {
      world = setup(() => challenge);
      world.wire.receive(request(method));
      expect(world.wire.statuses()).toEqual([401]);
      expect(world.refused).toEqual([]);
    },
  );

  it('is not asked again for a copy of a request that it let in', () => {
    world = setup(() => pass);
    for (let i = 0; i < 3; i++) world.wire.receive(invite());
    expect(world.asked).toHaveLength(1);
    expect(world.calls).toHaveLength(1);
  });

  it('is not asked for CANCEL (RFC 3261 section 22.1)', () => {
    let open = true;
    world = setup(() => (open ? pass : challenge));
    world.wire.receive(invite());
    open = false;
    world.wire.receive(request('CANCEL'));
    expect(world.wire.statuses()).toEqual([100, 200, 487]);
  });

  it('is not asked inside a dialogue: who is in one has been let in', async () => {
    let open = true;
    world = setup(() => (open ? pass : challenge));
    world.wire.receive(invite());
    const answered = world.calls[0]?.answer(offer);
    const toTag = toTagOf(world.wire.response());
    open = false;
    world.wire.receive(request('ACK', { toTag, branch: 'z9hG4bKack' }));
    expect((await answered)?.ok).toBe(true);
    world.wire.receive(request('BYE', { toTag, branch: 'z9hG4bKbye', cseq: 2 }));
    expect(world.wire.statuses()).toEqual([200]);
    expect(world.asked).toHaveLength(1);
  });

  it('is asked for a request that only claims to be inside a dialogue', () => {
    world = setup(() => challenge);
    world.wire.receive(request('BYE', { toTag: 'made-up' }));
    expect(world.wire.statuses()).toEqual([401]);
  });
});

describe('our BYE', () => {
  const answered = async () => {
    world = setup(() => pass);
    world.wire.receive(invite());
    const call = world.calls[0];
    const answer = call?.answer(offer);
    const toTag = toTagOf(world.wire.response());
    world.wire.receive(request('ACK', { toTag, branch: 'z9hG4bKack' }));
    await answer;
    return call;
  };

  it('takes the header fields along that it is given', async () => {
    const call = await answered();
    call?.hangup(ending('agent-ended-call'), [{ name: 'X-Ticket', value: '77' }]);
    const bye = world.wire.request();
    expect([bye.method, bye.headers.get('X-Ticket')]).toEqual(['BYE', '77']);
    world.wire.receive(answerTo(bye, 200));
  });

  it('has none of them when it is for another reason than the one they came with', async () => {
    const call = await answered();
    call?.hangup(ending('agent-ended-call'));
    call?.hangup(ending('shutdown'), [{ name: 'X-Ticket', value: '77' }]);
    const bye = world.wire.request();
    expect(bye.headers.has('X-Ticket')).toBe(false);
    world.wire.receive(answerTo(bye, 200));
  });
});
