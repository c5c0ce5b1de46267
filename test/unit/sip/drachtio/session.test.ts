import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/core/logger.ts';
import { DrachtioSignalling } from '../../../../src/sip/drachtio/signalling.ts';
import type { Dialogue } from '../../../../src/sip/signalling.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { invite, offer, request } from '../embedded/messages.ts';
import { closeBoth, dialogId, FakeServer, type Said, telephoneSays } from './fake-server.ts';

const ours = offer.replaceAll('192.0.2.10', '127.0.0.1');
const changed = `${ours}a=recvonly\r\n`;
const second = 1_000;

/** What the server would do of it is half of an interval, at 40 s of 90 at the earliest. */
describe('a session timer beside that of a drachtio-server', () => {
  let clock: ManualClock;
  let server: FakeServer;
  let signalling: DrachtioSignalling;
  let call: Dialogue;

  beforeEach(async () => {
    clock = new ManualClock();
    server = new FakeServer();
    await server.listen();
  });

  afterEach(async () => await closeBoth(signalling, server, clock));

  async function established(...headers: readonly string[]): Promise<void> {
    const arrived = new Promise<Dialogue>((resolve, reject) => {
      signalling = new DrachtioSignalling({
        connection: { mode: 'inbound', host: '127.0.0.1', port: server.port, secret: 'good' },
        objection: () => undefined,
        clock,
        log: silentLogger,
        onInvite: resolve,
        onRefused: reject,
      });
    });
    await signalling.listen();
    await server.next(({ kind }) => kind === 'route');
    server.deliver({ text: invite({ headers: ['Supported: timer', ...headers] }) });
    call = await arrived;
    call.onReoffer = async () => ({ sdp: changed });
    const answered = call.answer(ours);
    await server.sip('200');
    server.deliver({ text: request('ACK', { toTag: 'server' }), dialog: dialogId });
    expect((await answered).ok).toBe(true);
  }

  const theirs = (method: string, cseq: number, more = {}) =>
    server.deliver({
      text: request(method, { toTag: 'server', cseq, branch: `z9hG4bK${cseq}`, ...more }),
      dialog: dialogId,
      transaction: `in-${cseq}`,
    });

  /** The telephone's word on a request of ours. */
  function respond(status: number, method: string, headers: readonly string[] = [], sdp = ''): void {
    const fields = {
      From: '<sip:us@here>;tag=server',
      To: '<sip:them@there>;tag=alice',
      'Call-ID': 'call-1@192.0.2.10',
      CSeq: `9 ${method}`,
    };
    const text = telephoneSays(status, fields, headers, sdp);
    server.deliver({ text, transaction: 'out', dialog: dialogId });
  }

  const field = ({ text }: Said, name: string) => new RegExp(`^${name}: (.*)\\r$`, 'im').exec(text)?.[1];

  /** Hangs up with the word that the session is over. */
  async function expired(): Promise<void> {
    await server.sip('BYE');
    respond(200, 'BYE');
    expect((await call.ended).reason).toBe('session-expired');
  }

  it('refreshes by a re-INVITE that changes nothing, before the server would, and again', async () => {
    await established('Session-Expires: 90;refresher=uas');
    const heard: string[] = [];
    call.onRefreshed = sdp => void heard.push(sdp);
    for (let times = 1; times <= 3; times++) {
      clock.advance(30 * second);
      const refresh = await server.sip('INVITE');
      expect(field(refresh, 'Session-Expires')).toBe('90;refresher=uac');
      expect(refresh.text).toContain(ours);
      respond(200, 'INVITE', ['Session-Expires: 90;refresher=uac'], offer);
      await server.sip('ACK');
      expect(heard.length).toBe(times);
    }
    expect(heard).toEqual([offer, offer, offer]);
  });

  it('goes on after a re-INVITE that does not mention it, with the SDP of then', async () => {
    await established('Session-Expires: 90;refresher=uas');
    clock.advance(5 * second);
    theirs('INVITE', 2, { body: offer, headers: ['Supported: timer'] });
    expect(field(await server.sip('200'), 'Session-Expires')).toBe('90;refresher=uas');
    theirs('ACK', 2);
    clock.advance(30 * second);
    expect((await server.sip('INVITE')).text).toContain(changed);
    respond(200, 'INVITE', ['Session-Expires: 90;refresher=uac'], offer);
    await server.sip('ACK');
  });

  it('has an end where the caller refreshes, whatever its re-INVITE has left out', async () => {
    await established('Session-Expires: 90;refresher=uac');
    theirs('INVITE', 2, { body: offer, headers: ['Supported: timer'] });
    const again = await server.sip('200');
    expect([field(again, 'Session-Expires'), field(again, 'Require')]).toEqual(['90;refresher=uac', 'timer']);
    theirs('ACK', 2);
    // Until it is read, its absence has a timer of its own.
    while (signalling.stats().timers > 1) await new Promise(resolve => setImmediate(resolve));
    clock.advance(59 * second);
    theirs('UPDATE', 3, { headers: ['Supported: timer', 'Session-Expires: 90;refresher=uac'] });
    await server.sip('200');
    clock.advance(60 * second);
    await expired();
  });

  it('tries again after a refresh that failed, and hangs up when none gets through', async () => {
    await established('Session-Expires: 90;refresher=uas');
    clock.advance(30 * second);
    await server.sip('INVITE');
    respond(500, 'INVITE');
    // The clock has no timer of the next try before the response is read.
    while (!server.said.some(({ text }) => text.startsWith('INVITE '))) {
      await new Promise(resolve => setImmediate(resolve));
      clock.advance(second);
    }
    await server.sip('INVITE');
    clock.advance(30 * second);
    await expired();
  });

  it('takes a longer interval from a 422', async () => {
    await established('Session-Expires: 90;refresher=uas');
    clock.advance(30 * second);
    await server.sip('INVITE');
    respond(422, 'INVITE', ['Min-SE: 300']);
    await server.sip('ACK');
    const again = await server.sip('INVITE');
    expect([field(again, 'Session-Expires'), field(again, 'Min-SE')]).toEqual(['300;refresher=uac', '300']);
    respond(200, 'INVITE', ['Session-Expires: 300;refresher=uac'], offer);
    await server.sip('ACK');
    clock.advance(99 * second);
    expect(server.said.filter(({ text }) => text.startsWith('INVITE '))).toEqual([]);
    clock.advance(second);
    expect(field(await server.sip('INVITE'), 'Session-Expires')).toBe('300;refresher=uac');
  });

  it('is none where nobody asked for one', async () => {
    await established();
    expect(signalling.stats().timers).toBe(0);
    clock.advance(86_400 * second);
    const held = call.reoffer(() => changed);
    expect(field(await server.sip('INVITE'), 'Session-Expires')).toBeUndefined();
    respond(200, 'INVITE', [], offer);
    expect((await held).ok).toBe(true);
  });
});
