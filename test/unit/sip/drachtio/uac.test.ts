import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ending } from '../../../../src/core/ending.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { drachtioLimits } from '../../../../src/sip/drachtio/limits.ts';
import { DrachtioSignalling } from '../../../../src/sip/drachtio/signalling.ts';
import type { NextHop, OutboundDialogue, OutboundOptions } from '../../../../src/sip/signalling.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { offer, request } from '../embedded/messages.ts';
import { closeBoth, dialogId, FakeServer, type Said, telephoneSays } from './fake-server.ts';

const theirs = offer.replaceAll('192.0.2.10', '127.0.0.1');
const hop: NextHop = { transport: 'tcp', address: '192.0.2.20', port: 5080 };
const second: NextHop = { transport: 'tls', address: '2001:db8::2', port: 5061 };

describe('a call of ours through a drachtio-server', () => {
  let clock: ManualClock;
  let server: FakeServer;
  let signalling: DrachtioSignalling;

  beforeEach(async () => {
    clock = new ManualClock();
    server = new FakeServer();
    await server.listen();
    signalling = new DrachtioSignalling({
      connection: { mode: 'inbound', host: '127.0.0.1', port: server.port, secret: 'good' },
      objection: () => undefined,
      clock,
      log: silentLogger,
      onInvite: () => undefined,
      onRefused: () => undefined,
    });
    await signalling.listen();
  });

  afterEach(async () => await closeBoth(signalling, server, clock));

  const place = (
    options: Partial<OutboundOptions> = {},
    route: readonly NextHop[] = [hop],
  ): OutboundDialogue =>
    signalling.call(route, offer, {
      to: '+1800#5',
      from: '+14155550123',
      host: 'trunk.example:5062',
      headers: [{ name: 'X-Ours', value: 'yes' }],
      ringMs: 20_000,
      ...options,
    });

  const field = (said: Said, name: string) =>
    new RegExp(`^${name}: (.*)\\r$`, 'im').exec(said.text)?.[1] ?? '';

  /** What the peer says to our INVITE. */
  function respond(to: Said, status: number, more: readonly string[] = [], sdp = ''): void {
    const [method = ''] = to.text.split(' ', 1);
    // What is sent inside a dialogue is completed by the server.
    const fields = {
      From: field(to, 'From') || '<sip:us@here>;tag=ours',
      To: `${field(to, 'To') || '<sip:them@there>'};tag=telephone`,
      'Call-ID': field(to, 'Call-ID') || 'the-call',
      CSeq: field(to, 'CSeq') || `9 ${method}`,
    };
    const text = telephoneSays(status, fields, more, sdp);
    server.deliver({ text, transaction: 'out', dialog: dialogId });
  }

  async function answered(): Promise<{ call: OutboundDialogue; invite: Said }> {
    const call = place();
    const invite = await server.sip('INVITE');
    respond(invite, 200, [], theirs);
    expect(await call.answered).toEqual({ ok: true, value: { sdp: theirs } });
    await server.sip('ACK');
    return { call, invite };
  }

  it('names the hop to the server, and the trunk to the peer', async () => {
    const call = place({ displayName: 'The "one"' }, [second]);
    const invite = await server.sip('INVITE');
    expect(invite.text).toMatch(/^INVITE sip:\+1800%235@trunk\.example:5062 SIP\/2\.0/);
    expect(invite.fields[2]).toBe('sip:[2001:db8::2]:5061;transport=tls');
    expect(field(invite, 'From')).toMatch(
      /^"The \\"one\\"" <sip:\+14155550123@trunk.example:5062>;tag=\w{20}$/,
    );
    expect(field(invite, 'Call-ID')).toBe(call.sipCallId);
    expect(field(invite, 'X-Ours')).toBe('yes');
    expect(invite.text).toContain(offer);
  });

  it('tells of what rings and of early media, but not of 100', async () => {
    const call = place();
    const heard: [number, string | undefined][] = [];
    call.onProgress = (status, sdp) => void heard.push([status, sdp]);
    const invite = await server.sip('INVITE');
    respond(invite, 100);
    respond(invite, 180);
    respond(invite, 183, [], theirs);
    respond(invite, 200, [], theirs);
    expect(await call.answered).toEqual({ ok: true, value: { sdp: theirs } });
    expect(heard).toEqual([
      [180, undefined],
      [183, theirs],
    ]);
  });

  it('gives the call up with CANCEL as soon as the peer has said anything, and not before', async () => {
    const call = place();
    const invite = await server.sip('INVITE');
    call.hangup(ending('caller-hung-up'));
    expect(await call.answered).toEqual({ ok: false, failure: ending('caller-hung-up') });
    expect(server.said.some(({ text }) => text.startsWith('CANCEL'))).toBe(false);
    respond(invite, 180);
    await server.sip('CANCEL');
    respond(invite, 487);
    expect(await call.ended).toEqual(ending('caller-hung-up'));
  });

  it('takes an answer back that comes although the call was given up', async () => {
    const call = place();
    const invite = await server.sip('INVITE');
    call.hangup(ending('caller-hung-up'));
    respond(invite, 200, [], theirs);
    const bye = await server.sip('BYE');
    respond(bye, 200);
    expect(await call.ended).toEqual(ending('caller-hung-up'));
  });

  it('is over when a CANCEL is never answered', async () => {
    const call = place();
    respond(await server.sip('INVITE'), 180);
    await new Promise<void>(resolve => {
      call.onProgress = () => resolve();
    });
    call.hangup(ending('caller-hung-up'));
    await server.sip('CANCEL');
    clock.advance(drachtioLimits.goodbyeMs);
    expect(await call.ended).toEqual(ending('caller-hung-up'));
  });

  it.each([
    [false, 'trunk-unreachable'],
    [true, 'callee-no-answer'],
  ])('that nobody answers ends by its own clock (rang: %s)', async (rang, reason) => {
    const call = place();
    const invite = await server.sip('INVITE');
    if (rang) {
      const rings = new Promise<void>(resolve => {
        call.onProgress = () => resolve();
      });
      respond(invite, 180);
      await rings;
    }
    clock.advance(20_000);
    expect(await call.answered).toMatchObject({ ok: false, failure: { reason } });
    respond(invite, 487);
    await call.ended;
  });

  it('answers a challenge once, and begins without credentials at the next hop', async () => {
    const authorize = ({ values }: { values: readonly string[] }) => ({
      value: `for ${values.length}`,
      stale: false,
    });
    const call = place({ authorize }, [hop, second]);
    const first = await server.sip('INVITE');
    respond(first, 401, ['WWW-Authenticate: Digest realm="a"', 'WWW-Authenticate: Digest realm="b"']);
    const again = await server.sip('INVITE');
    expect(field(again, 'Authorization')).toBe('for 2');
    expect([field(first, 'CSeq'), field(again, 'CSeq')]).toEqual(['1 INVITE', '2 INVITE']);
    expect(field(again, 'From')).toBe(field(first, 'From'));
    respond(again, 503);
    const next = await server.sip('INVITE');
    expect(next.fields[2]).toContain('2001:db8::2');
    expect(field(next, 'Authorization')).toBe('');
    respond(next, 401, ['WWW-Authenticate: Digest realm="a"']);
    respond(await server.sip('INVITE'), 401, ['WWW-Authenticate: Digest realm="a"']);
    expect(await call.answered).toMatchObject({ ok: false, failure: { reason: 'trunk-unauthorized' } });
  });

  it('tries no further hop after the time for that, or after a refusal', async () => {
    const late = place({}, [hop, second]);
    const invite = await server.sip('INVITE');
    clock.advance(drachtioLimits.callHopsMs + 1);
    respond(invite, 503);
    expect(await late.answered).toMatchObject({ failure: { reason: 'trunk-unreachable' } });
    const busy = place({}, [hop, second]);
    respond(await server.sip('INVITE'), 486);
    expect(await busy.answered).toMatchObject({ failure: { reason: 'callee-busy' } });
  });

  it('tries the next hop when the server itself could not send', async () => {
    server.confirms = 'no';
    const call = place({}, [hop, second]);
    await server.sip('INVITE');
    expect((await server.sip('INVITE')).fields[2]).toContain('2001:db8::2');
    expect(await call.answered).toMatchObject({ ok: false, failure: { reason: 'trunk-unreachable' } });
  });

  it('is lost with the link, in whatever state', async () => {
    const calling = place();
    await server.sip('INVITE');
    const { call } = await answered();
    server.drop();
    for (const one of [calling, call]) expect((await one.ended).reason).toBe('connection-lost');
    expect((await calling.answered).ok).toBe(false);
  });

  it('ends with the BYE of the telephone', async () => {
    const { call, invite } = await answered();
    const bye = request('BYE', {
      toTag: 'x',
      callId: field(invite, 'Call-ID'),
      headers: ['Reason: Q.850;cause=16'],
    });
    server.deliver({ text: bye, dialog: dialogId });
    await server.sip('200');
    expect(await call.ended).toEqual(ending('callee-hung-up', 'Q.850 cause 16'));
  });

  it('refreshes a session that the telephone wants refreshed', async () => {
    const call = place();
    const invite = await server.sip('INVITE');
    expect(field(invite, 'Supported')).toBe('timer');
    respond(invite, 200, ['Session-Expires: 90;refresher=uac'], theirs);
    await call.answered;
    await server.sip('ACK');
    clock.advance(30_000);
    const refresh = await server.sip('INVITE');
    expect([field(refresh, 'Session-Expires'), refresh.text.includes(offer)]).toEqual([
      '90;refresher=uac',
      true,
    ]);
    const heard = new Promise(resolve => {
      call.onRefreshed = resolve;
    });
    respond(refresh, 200, ['Session-Expires: 90;refresher=uac'], theirs);
    expect(await heard).toBe(theirs);
  });

  it('changes the session, and stays with the old one when that is refused', async () => {
    const { call } = await answered();
    const changed = call.reoffer(() => theirs);
    expect(await call.reoffer(() => theirs)).toMatchObject({ failure: { code: 'busy' } });
    const again = await server.sip('INVITE');
    expect(again.text).toContain(theirs);
    respond(again, 200, [], offer);
    expect(await changed).toEqual({ ok: true, value: { sdp: offer } });
    const refused = call.reoffer(() => theirs);
    respond(await server.sip('INVITE'), 488);
    expect(await refused).toMatchObject({ ok: false, failure: { code: 'refused' } });
    const silent = call.reoffer(() => theirs);
    respond(await server.sip('INVITE'), 200);
    expect(await silent).toMatchObject({ ok: false, failure: { code: 'refused' } });
  });

  it('backs off when its change meets one of the peer, and gives in after a few tries', async () => {
    const { call } = await answered();
    const changed = call.reoffer(() => theirs);
    for (let tries = 0; tries < 4; tries++) {
      respond(await server.sip('INVITE'), 491);
      // The clock has no timer of the back-off before the response is read.
      while (tries < 3 && !(await sent('INVITE'))) clock.advance(100);
    }
    expect(await changed).toMatchObject({ ok: false, failure: { code: 'glare' } });
  });

  it('makes its change anew for each sending', async () => {
    const { call } = await answered();
    const offers = [`${theirs}a=first\r\n`, `${theirs}a=second\r\n`];
    const changed = call.reoffer(() => offers.shift() ?? '');
    const first = await server.sip('INVITE');
    expect(first.text).toContain('a=first');
    respond(first, 491);
    while (!(await sent('INVITE'))) clock.advance(100);
    const second = await server.sip('INVITE');
    expect(second.text).toContain('a=second');
    respond(second, 200, [], theirs);
    expect(await changed).toMatchObject({ ok: true });
  });

  async function sent(method: string): Promise<boolean> {
    await new Promise(resolve => setImmediate(resolve));
    return server.said.some(({ text }) => text.startsWith(`${method} `));
  }

  it('hangs up when the peer does not know the call any more', async () => {
    const { call } = await answered();
    const changed = call.reoffer(() => theirs);
    respond(await server.sip('INVITE'), 481);
    expect(await changed).toMatchObject({ ok: false, failure: { code: 'refused' } });
    respond(await server.sip('BYE'), 481);
    expect((await call.ended).reason).toBe('connection-lost');
  });

  it('transfers, and is told that the peer will not', async () => {
    const { call } = await answered();
    const refused = call.refer({ uri: 'sip:a@b', headers: [] });
    const refer = await server.sip('REFER');
    expect(field(refer, 'Refer-To')).toBe('<sip:a@b>');
    expect(field(refer, 'Referred-By')).toMatch(/^<sip:.*>$/);
    respond(refer, 405);
    expect(await refused).toEqual({ ok: false, failure: ending('transfer-refused', 'SIP 405') });
    const slow = call.refer({ uri: 'sip:a@b', headers: [] });
    respond(await server.sip('REFER'), 202);
    await sent('nothing');
    clock.advance(drachtioLimits.referMs);
    expect(await slow).toMatchObject({ ok: false, failure: { reason: 'transfer-timeout' } });
    const quiet = call.refer({ uri: 'sip:a@b', headers: [] });
    respond(await server.sip('REFER'), 202, ['Refer-Sub: false']);
    expect(await quiet).toEqual({ ok: true, value: undefined });
  });
});
