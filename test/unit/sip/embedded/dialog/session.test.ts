import { afterEach, describe, expect, it } from 'vitest';
import type { SipRequest } from '../../../../../src/sip/embedded/message/message.ts';
import { invite, offer, request } from '../messages.ts';
import { answerSdp, settle, World } from '../world.ts';

let world: World;
afterEach(() => world.close());

const timer = (value: string, ...more: string[]) => [
  'Supported: timer',
  `Session-Expires: ${value}`,
  'Allow: INVITE, ACK, BYE, CANCEL, UPDATE',
  ...more,
];

/** The peer's 2xx to a request of ours. */
function accept(ours: SipRequest, headers: readonly string[] = [], body = ''): string {
  const lines = ['SIP/2.0 200 OK'];
  for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq']) {
    for (const value of ours.headers.all(name)) lines.push(`${name}: ${value}`);
  }
  lines.push('Contact: <sip:alice@192.0.2.10:5062;transport=tcp>', ...headers);
  if (body !== '') lines.push('Content-Type: application/sdp');
  return `${lines.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function refuse(ours: SipRequest, status: number, ...headers: string[]): string {
  return accept(ours, headers).replace('200 OK', `${status} No`);
}

/** What the 200 to an INVITE with these headers says of the session. */
function answered(headers: readonly string[]) {
  world.wire.receive(invite({ headers }));
  void world.call.answer(answerSdp);
  const response = world.wire.response();
  return [response.headers.get('Session-Expires'), response.headers.get('Require')];
}

describe('the session timer of an INVITE', () => {
  it.each([
    ['the caller knows it and names nobody', timer('1800'), ['1800;refresher=uac', 'timer']],
    ['the caller will refresh', timer('1800;refresher=uac'), ['1800;refresher=uac', 'timer']],
    ['the caller wants us to refresh', timer('1800;refresher=uas'), ['1800;refresher=uas', undefined]],
    [
      'a proxy asked for a caller that does not know it',
      ['Session-Expires: 600'],
      ['600;refresher=uas', undefined],
    ],
    ['the caller requires it', ['Require: timer', 'x: 90'], ['90;refresher=uac', 'timer']],
    ['nobody asked', ['Supported: timer'], [undefined, undefined]],
    ['it is longer than a day', timer('4294967295'), ['86400;refresher=uac', 'timer']],
    ['it cannot be read', timer('soon'), [undefined, undefined]],
    [
      'it is too small and the caller would not understand 422',
      ['Session-Expires: 30'],
      [undefined, undefined],
    ],
  ])('is settled when %s', (_title, headers, expected) => {
    world = new World();
    expect(answered(headers)).toEqual(expected);
  });

  it('below our least is 422 with Min-SE, and no call', () => {
    const reasons: string[] = [];
    world = new World({ onInviteRefused: (_status, end) => void reasons.push(end.reason) });
    world.wire.receive(invite({ headers: timer('89') }));
    const response = world.wire.response();
    expect([response.status, response.headers.get('Min-SE')]).toEqual([422, '90']);
    expect(world.calls).toHaveLength(0);
    expect(reasons).toEqual(['session-interval-too-small']);
  });
});

describe('a session that the caller refreshes', () => {
  it('ends with BYE a third of 90 s before its end when the caller is silent', async () => {
    world = new World();
    await world.established({ headers: timer('90;refresher=uac') });
    world.clock.advance(59_999);
    expect(world.wire.take()).toEqual([]);
    world.clock.advance(1);
    const bye = world.wire.request();
    expect([bye.method, bye.headers.get('Reason')]).toEqual([
      'BYE',
      'Q.850;cause=102;text="The session was not refreshed in time by either side (RFC 4028)."',
    ]);
    world.wire.receive(accept(bye));
    expect(await world.call.ended).toMatchObject({ reason: 'session-expired' });
  });

  it('ends 32 s before its end when it is long', async () => {
    world = new World();
    await world.established({ headers: timer('1800;refresher=uac') });
    world.clock.advance(1_767_999);
    expect(world.wire.take()).toEqual([]);
    world.clock.advance(1);
    expect(world.wire.statuses()).toEqual(['BYE']);
  });

  it('lives for as long as it is refreshed by UPDATE without SDP, and asks the session nothing', async () => {
    world = new World();
    const toTag = await world.established({ headers: timer('90;refresher=uac') });
    world.call.onReoffer = () => Promise.reject(new Error('must not be asked'));
    for (let i = 2; i < 20; i++) {
      world.clock.advance(45_000);
      const headers = timer('90;refresher=uac');
      world.wire.receive(request('UPDATE', { toTag, cseq: i, branch: `z9hG4bK${i}`, headers }));
      const response = world.wire.response();
      expect(response.status).toBe(200);
      expect(response.headers.get('Session-Expires')).toBe('90;refresher=uac');
      expect(response.headers.get('Require')).toBe('timer');
    }
    world.clock.advance(60_000);
    expect(world.wire.statuses()).toEqual(['BYE']);
  });

  it('goes on by its old interval after a re-INVITE that does not mention it', async () => {
    world = new World();
    const toTag = await world.established({ headers: timer('90;refresher=uac') });
    world.call.onReoffer = () => Promise.resolve({ sdp: answerSdp });
    world.clock.advance(45_000);
    world.wire.receive(invite({ toTag, cseq: 2, branch: 'z9hG4bK2', headers: ['Supported: timer'] }));
    await settle();
    expect(world.wire.response().headers.get('Session-Expires')).toBe('90;refresher=uac');
    world.wire.receive(request('ACK', { toTag, cseq: 2, branch: 'z9hG4bKa2' }));
    world.clock.advance(59_999);
    expect(world.wire.take()).toEqual([]);
    world.clock.advance(1);
    expect(world.wire.statuses()).toEqual(['BYE']);
  });

  it('gets 422 for a refresh that asks for too little, and goes on', async () => {
    world = new World();
    const toTag = await world.established({ headers: timer('90;refresher=uac') });
    expect(
      world.peer(request('UPDATE', { toTag, cseq: 2, branch: 'z9hG4bK2', headers: timer('20') })),
    ).toEqual([422]);
    expect(await world.outcome()).toBe('still up');
  });
});

describe('a session that we refresh', () => {
  it('is refreshed at half of its interval by UPDATE without SDP where the caller takes it', async () => {
    world = new World();
    await world.established({ headers: timer('90;refresher=uas') });
    for (let i = 0; i < 5; i++) {
      world.clock.advance(44_999);
      expect(world.wire.take()).toEqual([]);
      world.clock.advance(1);
      const update = world.wire.request();
      expect([update.method, update.body.length]).toEqual(['UPDATE', 0]);
      expect(update.headers.get('Session-Expires')).toBe('90;refresher=uac');
      expect(update.headers.get('Contact')).toBe('<sip:203.0.113.5:5060;transport=tcp>');
      expect(update.headers.list('Supported')).toContain('timer');
      world.wire.receive(accept(update, ['Session-Expires: 90;refresher=uac', 'Require: timer']));
      await settle();
    }
    expect(await world.outcome()).toBe('still up');
  });

  it('is refreshed by a re-INVITE with the SDP in force where the caller takes no UPDATE', async () => {
    world = new World();
    await world.established({ headers: ['Session-Expires: 90', 'Allow: INVITE, ACK, BYE, CANCEL'] });
    const heard: string[] = [];
    world.call.onRefreshed = sdp => void heard.push(sdp);
    world.clock.advance(45_000);
    const again = world.wire.request();
    expect([again.method, again.body.toString()]).toEqual(['INVITE', answerSdp]);
    world.wire.receive(accept(again, [], offer));
    const ack = world.wire.request();
    expect([ack.method, ack.headers.get('CSeq'), ack.uri]).toEqual([
      'ACK',
      '1 ACK',
      'sip:alice@192.0.2.10:5062;transport=tcp',
    ]);
    await settle();
    expect(heard).toEqual([offer]);
    // A caller without the extension says nothing of it: we go on.
    world.clock.advance(45_000);
    expect(world.wire.request().headers.get('CSeq')).toBe('2 INVITE');
  });

  it('ends at 60 of 90 s when the caller answers no refresh', async () => {
    world = new World();
    await world.established({ headers: timer('90;refresher=uas') });
    world.clock.advance(45_000);
    expect(world.wire.statuses()).toEqual(['UPDATE']);
    world.clock.advance(14_999);
    expect(world.wire.take()).toEqual([]);
    world.clock.advance(1);
    expect(world.wire.statuses()).toEqual(['BYE']);
  });

  it('ends at once when the caller does not know the call any more', async () => {
    world = new World();
    await world.established({ headers: timer('90;refresher=uas') });
    world.clock.advance(45_000);
    world.wire.receive(refuse(world.wire.request(), 481));
    expect(world.wire.statuses()).toEqual(['BYE']);
    world.clock.advance(32_000);
    expect(await world.call.ended).toMatchObject({ reason: 'connection-lost' });
  });

  it('begins with the first 2xx that names an interval', async () => {
    world = new World();
    await world.established({ headers: ['Supported: timer', 'Allow: INVITE, ACK, BYE, CANCEL, UPDATE'] });
    void world.call.reoffer(() => answerSdp);
    const reoffer = world.wire.request();
    expect([reoffer.method, reoffer.headers.has('Session-Expires')]).toEqual(['INVITE', false]);
    world.wire.receive(accept(reoffer, ['Require: timer', 'Session-Expires: 90;refresher=uac'], offer));
    await settle();
    expect(world.wire.statuses()).toEqual(['ACK']);
    world.clock.advance(44_999);
    expect(world.wire.statuses()).toEqual([]);
    world.clock.advance(1);
    const refresh = world.wire.request();
    expect([refresh.method, refresh.headers.get('Session-Expires')]).toEqual(['UPDATE', '90;refresher=uac']);
    world.wire.receive(accept(refresh, ['Session-Expires: 90;refresher=uac']));
  });

  it('is refreshed by re-INVITE once a caller has refused the UPDATE that it lists', async () => {
    world = new World();
    await world.established({ headers: timer('600;refresher=uas') });
    world.clock.advance(300_000);
    world.wire.receive(refuse(world.wire.request(), 501));
    await settle();
    world.clock.advance(5_000);
    const again = world.wire.request();
    expect(again.method).toBe('INVITE');
    world.wire.receive(accept(again, ['Session-Expires: 600;refresher=uac'], offer));
    await settle();
    expect(await world.outcome()).toBe('still up');
  });

  it('takes a longer interval from a 422, once', async () => {
    world = new World();
    await world.established({ headers: timer('90;refresher=uas') });
    world.clock.advance(45_000);
    world.wire.receive(refuse(world.wire.request(), 422, 'Min-SE: 300'));
    const second = world.wire.request();
    expect([second.headers.get('Session-Expires'), second.headers.get('Min-SE')]).toEqual([
      '300;refresher=uac',
      '300',
    ]);
    world.wire.receive(refuse(second, 422, 'Min-SE: 400'));
    await settle();
    expect(world.wire.take()).toEqual([]);
    world.clock.advance(15_000);
    expect(world.wire.statuses()).toContain('BYE');
  });

  it('becomes the peer’s to refresh when its answer says so', async () => {
    world = new World();
    await world.established({ headers: timer('90;refresher=uas') });
    world.clock.advance(45_000);
    world.wire.receive(accept(world.wire.request(), ['Session-Expires: 120;refresher=uas']));
    await settle();
    world.clock.advance(87_999);
    expect(world.wire.take()).toEqual([]);
    world.clock.advance(1);
    expect(world.wire.statuses()).toEqual(['BYE']);
  });
});

describe('a re-offer of ours', () => {
  async function up(options: ConstructorParameters<typeof World>[0] = {}) {
    world = new World(options);
    return await world.established();
  }
  const held = answerSdp.replace('t=0 0', 't=0 0\r\na=sendonly');

  it('is a re-INVITE whose 2xx is acknowledged, copies too, and moves the target', async () => {
    await up();
    const changed = world.call.reoffer(() => held);
    const ours = world.wire.request();
    expect([ours.method, ours.body.toString(), ours.headers.get('Content-Type')]).toEqual([
      'INVITE',
      held,
      'application/sdp',
    ]);
    const yes = accept(ours, [], offer).replace('192.0.2.10:5062;transport=tcp>', '192.0.2.77>');
    world.wire.receive(yes);
    expect(await changed).toEqual({ ok: true, value: { sdp: offer } });
    expect(world.wire.request()).toMatchObject({ method: 'ACK', uri: 'sip:alice@192.0.2.77' });
    expect(world.peer(yes)).toEqual(['ACK']);
    world.clock.advance(40_000);
    expect(await world.outcome()).toBe('still up');
  });

  it('that is refused is acknowledged and leaves the call as it was', async () => {
    await up();
    const changed = world.call.reoffer(() => held);
    const ours = world.wire.request();
    world.wire.receive(refuse(ours, 488));
    const ack = world.wire.request();
    expect([ack.method, ack.headers.get('Via')]).toEqual(['ACK', ours.headers.get('Via')]);
    expect(await changed).toMatchObject({ ok: false, failure: { code: 'refused' } });
    expect(await world.outcome()).toBe('still up');
  });

  it('that meets one of the peer’s is sent again within 2 s, because the Call-ID is the peer’s', async () => {
    const toTag = await up();
    const changed = world.call.reoffer(() => held);
    const first = world.wire.request();
    expect(world.peer(invite({ toTag, cseq: 2, branch: 'z9hG4bK2' }))).toEqual([491]);
    expect(world.peer(request('UPDATE', { toTag, cseq: 3, branch: 'z9hG4bK3', body: offer }))).toEqual([491]);
    world.wire.receive(refuse(first, 491));
    expect(world.wire.statuses()).toEqual(['ACK']);
    world.clock.advance(2_000);
    const second = world.wire.request();
    expect(second.headers.get('CSeq')).toBe('2 INVITE');
    world.wire.receive(accept(second, [], offer));
    expect(await changed).toMatchObject({ ok: true });
  });

  it('is made anew for each sending', async () => {
    await up();
    const offers = ['first', 'second'];
    const changed = world.call.reoffer(() => offers.shift() ?? '');
    const first = world.wire.request();
    world.wire.receive(refuse(first, 491));
    world.wire.take();
    world.clock.advance(2_000);
    const second = world.wire.request();
    expect([first, second].map(({ body }) => String(body))).toEqual(['first', 'second']);
    world.wire.receive(accept(second, [], offer));
    expect(await changed).toMatchObject({ ok: true });
  });

  it('gives up after it has met one of the peer’s four times', async () => {
    await up();
    const changed = world.call.reoffer(() => held);
    for (let i = 0; i < 4; i++) {
      world.wire.receive(refuse(world.wire.request(), 491));
      world.wire.take();
      world.clock.advance(i === 3 ? 0 : 2_000);
    }
    expect(await changed).toMatchObject({ ok: false, failure: { code: 'glare' } });
    world.clock.advance(10_000);
    expect(world.wire.take()).toEqual([]);
  });

  it('waits until the peer’s own is answered and acknowledged', async () => {
    const toTag = await up();
    world.call.onReoffer = () => Promise.resolve({ sdp: answerSdp });
    world.wire.receive(invite({ toTag, cseq: 2, branch: 'z9hG4bK2' }));
    const changed = world.call.reoffer(() => held);
    await settle();
    expect(world.wire.statuses()).toEqual([100, 200]);
    world.wire.receive(request('ACK', { toTag, cseq: 2, branch: 'z9hG4bKa2' }));
    const ours = world.wire.request();
    expect(ours.method).toBe('INVITE');
    world.wire.receive(accept(ours, [], offer));
    expect(await changed).toMatchObject({ ok: true });
  });

  it('waits for the ACK of the call itself', async () => {
    world = new World();
    world.wire.receive(invite());
    void world.call.answer(answerSdp);
    const toTag = /;tag=([^;]+)/.exec(world.wire.response().headers.get('To') ?? '')?.[1] ?? '';
    const changed = world.call.reoffer(() => held);
    expect(world.wire.take()).toEqual([]);
    world.wire.receive(request('ACK', { toTag, branch: 'z9hG4bKack' }));
    world.wire.receive(accept(world.wire.request(), [], offer));
    expect(await changed).toMatchObject({ ok: true });
  });

  it('is one at a time', async () => {
    await up();
    const first = world.call.reoffer(() => held);
    expect(await world.call.reoffer(() => held)).toMatchObject({ ok: false, failure: { code: 'busy' } });
    expect(world.wire.statuses()).toEqual(['INVITE']);
    world.call.hangup({ result: 'success', reason: 'agent-ended-call' });
    expect(await first).toMatchObject({ ok: false, failure: { code: 'gone' } });
  });

  it('that the peer never answers ends the call; one that it only thinks about is cancelled', async () => {
    await up({ limits: { ownReofferMs: 40_000 } });
    const slow = world.call.reoffer(() => held);
    const ours = world.wire.request();
    world.wire.receive(refuse(ours, 100));
    world.clock.advance(39_999);
    expect(world.wire.take()).toEqual([]);
    world.clock.advance(1);
    const cancel = world.wire.request();
    expect([cancel.method, cancel.headers.get('Via')]).toEqual(['CANCEL', ours.headers.get('Via')]);
    world.wire.receive(accept(cancel));
    world.wire.receive(refuse(ours, 487));
    expect(await slow).toMatchObject({ ok: false, failure: { code: 'refused' } });
    expect(await world.outcome()).toBe('still up');
    world.wire.take();
    const dead = world.call.reoffer(() => held);
    world.clock.advance(32_000);
    expect(await dead).toMatchObject({ ok: false, failure: { code: 'no-answer' } });
    expect(world.wire.statuses()).toEqual(['INVITE', 'BYE']);
  });

  it('that crosses its own CANCEL counts', async () => {
    await up({ limits: { ownReofferMs: 1_000 } });
    const changed = world.call.reoffer(() => held);
    const ours = world.wire.request();
    world.wire.receive(refuse(ours, 100));
    world.clock.advance(1_000);
    expect(world.wire.statuses()).toEqual(['CANCEL']);
    world.wire.receive(accept(ours, [], offer));
    expect(await changed).toMatchObject({ ok: true });
    expect(world.wire.statuses()).toEqual(['ACK']);
  });

  it('fails when the connection is gone, or the call', async () => {
    await up();
    world.wire.reset();
    expect(await world.call.reoffer(() => held)).toMatchObject({ ok: false, failure: { code: 'lost' } });
    world.clock.advance(32_000);
    expect(await world.call.reoffer(() => held)).toMatchObject({ ok: false, failure: { code: 'gone' } });
  });
});

describe('a re-INVITE without SDP', () => {
  it('gets our offer, and the session gets the answer of the ACK', async () => {
    world = new World();
    const toTag = await world.established();
    const heard: (string | undefined)[] = [];
    world.call.onReoffer = given => {
      heard.push(given);
      return Promise.resolve({
        sdp: answerSdp,
        sent: () => heard.push('sent'),
        answered: sdp => heard.push(sdp),
      });
    };
    world.wire.receive(request('INVITE', { toTag, cseq: 2, branch: 'z9hG4bK2' }));
    await settle();
    expect(world.wire.response().body.toString()).toBe(answerSdp);
    expect(heard).toEqual([undefined, 'sent']);
    const ack = request('ACK', { toTag, cseq: 2, branch: 'z9hG4bKa2', body: offer });
    world.wire.receive(ack);
    world.wire.receive(ack);
    expect(heard).toEqual([undefined, 'sent', offer]);
    expect(await world.outcome()).toBe('still up');
  });

  it('that was cancelled is never told that its answer counts', async () => {
    world = new World();
    const toTag = await world.established();
    let sent = 0;
    let decide: (answer: { sdp: string; sent: () => void }) => void = () => undefined;
    world.call.onReoffer = () =>
      new Promise(resolve => {
        decide = resolve;
      });
    world.wire.receive(request('INVITE', { toTag, cseq: 2, branch: 'z9hG4bK2' }));
    await settle();
    decide({ sdp: answerSdp, sent: () => void sent++ });
    expect(world.peer(request('CANCEL', { toTag, cseq: 2, branch: 'z9hG4bK2' }))).toEqual([100, 200, 487]);
    await settle();
    expect([sent, world.wire.take()]).toEqual([0, []]);
  });
});
