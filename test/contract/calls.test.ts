import { generate } from 'selfsigned';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ending } from '../../src/core/ending.ts';
import type { SipMessage, SipRequest } from '../../src/sip/embedded/message/message.ts';
import type { Challenge, NextHop, OutboundDialogue, OutboundOptions } from '../../src/sip/signalling.ts';
import { answerTo, offer } from '../unit/sip/embedded/messages.ts';
import { type Backend, backends } from './backends.ts';
import type { SipClient } from './sip-client.ts';
import { SipListener } from './sip-listener.ts';

let pem = { cert: '', key: '' };
beforeAll(async () => {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], { keySize: 2048 });
  pem = { cert: made.cert, key: made.private };
});

const theirs = offer.replaceAll('192.0.2.10', '127.0.0.1');

/** A response to an INVITE of ours, by a telephone that has a tag and a Contact. */
function respond(to: SipRequest, status: number, more: readonly string[] = [], sdp = ''): string {
  const tagged = answerTo(to, status).replace(/^(To: [^\r]*)\r/m, '$1;tag=telephone\r');
  const fields = ['Contact: <sip:telephone@127.0.0.1:9;transport=tcp>', ...more];
  if (sdp !== '') fields.push('Content-Type: application/sdp');
  const head = tagged.replace('Content-Length: 0\r\n\r\n', '');
  return `${head}${fields.join('\r\n')}\r\nContent-Length: ${sdp.length}\r\n\r\n${sdp}`;
}

const isRequest = (method: string) => (message: SipMessage) =>
  message.kind === 'request' && message.method === method;

async function nextRequest(peer: SipClient, method: string): Promise<SipRequest> {
  const message = await peer.next(isRequest(method));
  if (message.kind !== 'request') throw new Error('not a request');
  return message;
}

describe.each(backends)('calls of ours over $name', backend => {
  beforeAll(async () => await backend.start?.(pem));
  afterAll(async () => await backend.stop?.());

  const listeners: SipListener[] = [];
  let signalling: ReturnType<Backend['create']>;

  async function listen(): Promise<SipListener> {
    const listener = await SipListener.open();
    listeners.push(listener);
    return listener;
  }

  async function start(): Promise<SipListener> {
    signalling = backend.create({ onInvite: () => undefined, refused: [], pem });
    await signalling.listen();
    return listen();
  }

  function place(route: readonly NextHop[], options: Partial<OutboundOptions> = {}): OutboundDialogue {
    return signalling.call(route, offer, {
      to: '+18005550100',
      from: '+14155550123',
      host: 'trunk.example',
      headers: [{ name: 'X-Ours', value: 'yes' }],
      ringMs: 20_000,
      ...options,
    });
  }

  async function answered(): Promise<{ call: OutboundDialogue; peer: SipClient; invite: SipRequest }> {
    const listener = await start();
    const call = place([listener.hop]);
    const peer = await listener.peer();
    const invite = await nextRequest(peer, 'INVITE');
    peer.send(respond(invite, 200, [], theirs));
    await nextRequest(peer, 'ACK');
    expect((await call.answered).ok).toBe(true);
    return { call, peer, invite };
  }

  afterEach(async () => {
    await signalling.close(500);
    for (const listener of listeners.splice(0)) listener.close();
    const stats = signalling.stats?.();
    if (stats !== undefined) expect(Object.values(stats)).toEqual([0, 0, 0, 0]);
  });

  it('offers the session with the INVITE, and tells of ringing, early media and the answer', async () => {
    const listener = await start();
    const heard: [number, boolean][] = [];
    const call = place([listener.hop], { displayName: 'Ours "and" theirs' });
    call.onProgress = (status, sdp) => void heard.push([status, sdp === theirs]);
    const peer = await listener.peer();
    const invite = await nextRequest(peer, 'INVITE');
    expect(invite.uri).toMatch(/^sip:\+18005550100@trunk\.example/);
    expect(invite.headers.get('From')).toMatch(
      /^"Ours \\"and\\" theirs" <sip:\+14155550123@trunk.example>;tag=/,
    );
    expect(invite.headers.get('X-Ours')).toBe('yes');
    expect(invite.headers.get('Call-ID')).toBe(call.sipCallId);
    expect(invite.body.toString()).toBe(offer);
    peer.send(answerTo(invite, 100));
    peer.send(respond(invite, 180));
    peer.send(respond(invite, 183, [], theirs));
    peer.send(respond(invite, 200, [], theirs));
    await nextRequest(peer, 'ACK');
    expect(await call.answered).toEqual({ ok: true, value: { sdp: theirs } });
    expect(heard).toEqual([
      [180, false],
      [183, true],
    ]);
  });

  it('hangs up with the reason and the fields that it is given', async () => {
    const { call, peer } = await answered();
    call.hangup(ending('agent-ended-call'), [{ name: 'X-Result', value: 'sold' }]);
    const bye = await nextRequest(peer, 'BYE');
    expect(bye.headers.get('Reason')).toContain('Q.850;cause=16');
    expect(bye.headers.get('X-Result')).toBe('sold');
    peer.send(answerTo(bye, 200));
    expect(await call.ended).toEqual(ending('agent-ended-call'));
  });

  it.each([
    [486, 'callee-busy'],
    [603, 'callee-declined'],
    [404, 'callee-not-found'],
    [302, 'trunk-redirected'],
    [488, 'trunk-refused'],
  ] as const)('tells a %i as %s', async (status, reason) => {
    const listener = await start();
    const call = place([listener.hop]);
    const peer = await listener.peer();
    const invite = await nextRequest(peer, 'INVITE');
    peer.send(respond(invite, status));
    await nextRequest(peer, 'ACK');
    expect(await call.answered).toMatchObject({ ok: false, failure: { reason } });
    expect((await call.ended).reason).toBe(reason);
  });

  it('gives up with CANCEL once it rings', async () => {
    const listener = await start();
    const call = place([listener.hop]);
    const rings = new Promise<void>(resolve => {
      call.onProgress = () => resolve();
    });
    const peer = await listener.peer();
    const invite = await nextRequest(peer, 'INVITE');
    peer.send(respond(invite, 180));
    await rings;
    call.hangup(ending('caller-hung-up'));
    const cancel = await nextRequest(peer, 'CANCEL');
    expect(cancel.headers.get('Via')).toBe(invite.headers.get('Via'));
    peer.send(answerTo(cancel, 200));
    peer.send(respond(invite, 487));
    await nextRequest(peer, 'ACK');
    expect(await call.answered).toEqual({ ok: false, failure: ending('caller-hung-up') });
    expect(await call.ended).toEqual(ending('caller-hung-up'));
  });

  it('takes back with BYE an answer that crosses its CANCEL', async () => {
    const listener = await start();
    const call = place([listener.hop]);
    const rings = new Promise<void>(resolve => {
      call.onProgress = () => resolve();
    });
    const peer = await listener.peer();
    const invite = await nextRequest(peer, 'INVITE');
    peer.send(respond(invite, 180));
    await rings;
    call.hangup(ending('caller-hung-up'));
    await nextRequest(peer, 'CANCEL');
    peer.send(respond(invite, 200, [], theirs));
    await nextRequest(peer, 'ACK');
    peer.send(answerTo(await nextRequest(peer, 'BYE'), 200));
    expect(await call.ended).toEqual(ending('caller-hung-up'));
  });

  it('answers a challenge once, with the same Call-ID and a higher CSeq', async () => {
    const listener = await start();
    const asked: Challenge[] = [];
    const authorize = (challenge: Challenge) => {
      asked.push(challenge);
      return { value: 'Digest username="us"', stale: false };
    };
    const call = place([listener.hop], { authorize });
    const peer = await listener.peer();
    const first = await nextRequest(peer, 'INVITE');
    const wanted = [
      'Proxy-Authenticate: Digest realm="a", nonce="b"',
      'Proxy-Authenticate: Digest realm="c", nonce="d"',
    ];
    peer.send(respond(first, 407, wanted));
    const second = await nextRequest(peer, 'INVITE');
    expect(second.headers.get('Proxy-Authorization')).toBe('Digest username="us"');
    expect(second.headers.get('Call-ID')).toBe(first.headers.get('Call-ID'));
    expect(second.headers.get('From')).toBe(first.headers.get('From'));
    const number = (request: SipRequest) => Number.parseInt(request.headers.get('CSeq') ?? '', 10);
    expect(number(second)).toBeGreaterThan(number(first));
    expect(asked[0]).toMatchObject({ status: 407, method: 'INVITE', uri: first.uri });
    expect(asked[0]?.values).toEqual(['Digest realm="a", nonce="b"', 'Digest realm="c", nonce="d"']);
    peer.send(respond(second, 407, wanted));
    expect(await call.answered).toMatchObject({ ok: false, failure: { reason: 'trunk-unauthorized' } });
  });

  it('tries the next hop when one is not there, and when one says 503', async () => {
    const gone = await start();
    gone.close();
    const busy = await listen();
    const good = await listen();
    const call = place([gone.hop, busy.hop, good.hop]);
    const peer = await busy.peer();
    peer.send(respond(await nextRequest(peer, 'INVITE'), 503));
    const last = await good.peer();
    last.send(respond(await nextRequest(last, 'INVITE'), 200, [], theirs));
    await nextRequest(last, 'ACK');
    expect(await call.answered).toEqual({ ok: true, value: { sdp: theirs } });
  });

  it('says that the trunk cannot be reached when nobody is there', async () => {
    const gone = await start();
    gone.close();
    const call = place([gone.hop]);
    expect(await call.answered).toMatchObject({ ok: false, failure: { reason: 'trunk-unreachable' } });
  });

  it('ends with the BYE of the telephone', async () => {
    const { call, peer, invite } = await answered();
    const lines = [
      'BYE sip:ours@127.0.0.1;transport=tcp SIP/2.0',
      `Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK${call.sipCallId}`,
      'Max-Forwards: 70',
      `From: ${invite.headers.get('To')};tag=telephone`,
      `To: ${invite.headers.get('From')}`,
      `Call-ID: ${call.sipCallId}`,
      'CSeq: 1 BYE',
      'Reason: Q.850;cause=16',
      'Content-Length: 0',
    ];
    peer.send(`${lines.join('\r\n')}\r\n\r\n`);
    await peer.response(200);
    expect(await call.ended).toEqual(ending('callee-hung-up', 'Q.850 cause 16'));
  });
});
