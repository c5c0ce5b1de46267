import { generate } from 'selfsigned';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SipMessage, SipRequest } from '../../src/sip/embedded/message/message.ts';
import type { Dialogue } from '../../src/sip/signalling.ts';
import {
  accepting,
  answerTo,
  invite,
  offer,
  type RequestSpec,
  request,
  toTagOf,
} from '../unit/sip/embedded/messages.ts';
import { type Backend, backends } from './backends.ts';
import { SipClient } from './sip-client.ts';

let pem = { cert: '', key: '' };
beforeAll(async () => {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], { keySize: 2048 });
  pem = { cert: made.cert, key: made.private };
});

const ours = offer.replaceAll('192.0.2.10', '127.0.0.1');
const contact = '<sip:alice@127.0.0.1:5062;transport=tcp>';

describe.each(backends)('a dialogue over $name', backend => {
  beforeAll(async () => await backend.start?.(pem));
  afterAll(async () => await backend.stop?.());

  let signalling: ReturnType<Backend['create']>;
  let client: SipClient;
  let call: Dialogue;
  let arrived: Promise<void>;

  async function start(): Promise<void> {
    let come: () => void = () => undefined;
    arrived = new Promise(resolve => {
      come = resolve;
    });
    const onInvite = (dialogue: Dialogue) => {
      call = dialogue;
      come();
    };
    signalling = backend.create({ onInvite, refused: [], pem });
    const where = (await signalling.listen()).find(({ transport }) => transport === 'tcp');
    if (where === undefined) throw new Error('nothing listens on tcp');
    client = await SipClient.connect(where);
  }

  async function established(spec: RequestSpec = {}): Promise<string> {
    await start();
    client.send(invite({ contact, ...spec }));
    await arrived;
    const answered = call.answer(ours);
    const toTag = toTagOf(await client.response(200));
    client.send(request('ACK', { contact, toTag, branch: 'z9hG4bKack' }));
    expect((await answered).ok).toBe(true);
    return toTag;
  }

  async function nextRequest(method: string): Promise<SipRequest> {
    const wanted = (message: SipMessage) => message.kind === 'request' && message.method === method;
    const message = await client.next(wanted);
    if (message.kind !== 'request') throw new Error('not a request');
    return message;
  }

  afterEach(async () => {
    client.end();
    await signalling.close(200);
    const stats = signalling.stats?.();
    if (stats !== undefined) expect(Object.values(stats)).toEqual([0, 0, 0, 0]);
  });

  it('lets the peer change the session, and refuses what the session refuses', async () => {
    const toTag = await established();
    let sent = 0;
    call.onReoffer = async text =>
      text === offer
        ? { sdp: ours, sent: () => void sent++ }
        : { status: 488, reason: 'Not Acceptable Here', warning: 'no' };
    client.send(invite({ contact, toTag, cseq: 2, branch: 'z9hG4bK2' }));
    expect((await client.response(200)).body.toString()).toBe(ours);
    client.send(request('ACK', { contact, toTag, cseq: 2, branch: 'z9hG4bKa2' }));
    client.send(invite({ contact, toTag, cseq: 3, branch: 'z9hG4bK3', body: `${offer}a=other\r\n` }));
    await client.response(488);
    client.send(request('ACK', { contact, toTag, cseq: 3, branch: 'z9hG4bK3' }));
    client.send(request('BYE', { contact, toTag, cseq: 4, branch: 'z9hG4bK4' }));
    await client.response(200);
    expect([sent, (await call.ended).reason]).toEqual([1, 'caller-hung-up']);
  });

  it('takes a change of the session that comes right behind an ACK', async () => {
    await start();
    client.send(invite({ contact }));
    await arrived;
    call.onReoffer = async () => ({ sdp: ours });
    void call.answer(ours);
    const toTag = toTagOf(await client.response(200));
    for (let cseq = 1; cseq < 10; cseq++) {
      const ack = request('ACK', { contact, toTag, cseq, branch: `z9hG4bKa${cseq}` });
      client.send(`${ack}${invite({ contact, toTag, cseq: cseq + 1, branch: `z9hG4bK${cseq + 1}` })}`);
      const answered = await client.next(message => message.kind === 'response' && message.status >= 200);
      expect(answered).toMatchObject({ status: 200 });
    }
    client.send(request('ACK', { contact, toTag, cseq: 10, branch: 'z9hG4bKa10' }));
  });

  it('offers the session to a re-INVITE without SDP, and gives it the answer of the ACK', async () => {
    const toTag = await established();
    const heard = new Promise<string | undefined>(resolve => {
      call.onReoffer = async () => ({ sdp: ours, answered: resolve });
    });
    client.send(request('INVITE', { contact, toTag, cseq: 2, branch: 'z9hG4bK2' }));
    expect((await client.response(200)).body.toString()).toBe(ours);
    client.send(request('ACK', { contact, toTag, cseq: 2, branch: 'z9hG4bKa2', body: offer }));
    expect(await heard).toBe(offer);
  });

  it('changes the session by a re-INVITE of its own', async () => {
    await established();
    const changed = call.reoffer(() => `${ours}a=sendonly\r\n`);
    const again = await nextRequest('INVITE');
    expect(again.body.toString()).toBe(`${ours}a=sendonly\r\n`);
    client.send(accepting(again, offer));
    await nextRequest('ACK');
    expect(await changed).toEqual({ ok: true, value: { sdp: offer } });
  });

  it('keeps the session when the peer refuses the change', async () => {
    await established();
    const changed = call.reoffer(() => ours);
    client.send(answerTo(await nextRequest('INVITE'), 488));
    await nextRequest('ACK');
    expect(await changed).toMatchObject({ ok: false, failure: { code: 'refused' } });
  });

  it('takes the answer to an INVITE without SDP from its ACK', async () => {
    await start();
    client.send(request('INVITE', { contact }));
    await arrived;
    expect(call.facts.offer).toBeUndefined();
    const answered = call.answer(ours);
    const toTag = toTagOf(await client.response(200));
    client.send(request('ACK', { contact, toTag, branch: 'z9hG4bKack', body: offer }));
    expect(await answered).toEqual({ ok: true, value: { ackSdp: offer } });
  });

  it.skipIf(!backend.can.infoTypes)('hands over INFO, and refuses a type that is not known', async () => {
    const toTag = await established();
    call.onInfo = type => type === 'application/dtmf-relay';
    const info = (type: string, cseq: number) =>
      request('INFO', { contact, toTag, cseq, branch: `z9hG4bK${cseq}`, type, body: 'Signal=5' });
    client.send(info('application/dtmf-relay', 2));
    await client.response(200);
    client.send(info('text/plain', 3));
    await client.response(415);
  });

  it.skipIf(!backend.can.reliableProvisionals)('rings reliably where that is required', async () => {
    await start();
    client.send(invite({ contact, headers: ['Require: 100rel'] }));
    await arrived;
    call.ring();
    const ringing = await client.response(180);
    const rack = `RAck: ${ringing.headers.get('RSeq')} 1 INVITE`;
    const toTag = toTagOf(ringing);
    client.send(request('PRACK', { contact, toTag, cseq: 2, branch: 'z9hG4bKp', headers: [rack] }));
    await client.response(200);
    client.send(request('PRACK', { contact, toTag, cseq: 3, branch: 'z9hG4bKq', headers: [rack] }));
    await client.response(481);
  });

  it.skipIf(!backend.can.sessionTimers)(
    'names the session interval in each 2xx, and 422 its least',
    async () => {
      const headers = ['Supported: timer', 'Session-Expires: 90;refresher=uac'];
      await start();
      client.send(invite({ contact, callId: 'small', headers: ['Supported: timer', 'Session-Expires: 60'] }));
      expect((await client.response(422)).headers.get('Min-SE')).toBe('90');
      client.send(invite({ contact, headers, branch: 'z9hG4bKbig' }));
      await arrived;
      void call.answer(ours);
      const answered = await client.response(200);
      expect(answered.headers.get('Session-Expires')).toBe('90;refresher=uac');
      const toTag = toTagOf(answered);
      client.send(request('ACK', { contact, toTag, branch: 'z9hG4bKack' }));
      client.send(request('UPDATE', { contact, toTag, cseq: 2, branch: 'z9hG4bKu', headers }));
      expect((await client.response(200)).headers.get('Session-Expires')).toBe('90;refresher=uac');
    },
  );

  it.skipIf(!backend.can.glare)(
    'answers 491 while a re-INVITE of its own is out, and sends that again',
    async () => {
      const toTag = await established();
      const changed = call.reoffer(() => ours);
      const first = await nextRequest('INVITE');
      client.send(invite({ contact, toTag, cseq: 2, branch: 'z9hG4bK2' }));
      await client.response(491);
      client.send(request('ACK', { contact, toTag, cseq: 2, branch: 'z9hG4bK2' }));
      client.send(answerTo(first, 491));
      await nextRequest('ACK');
      const second = await nextRequest('INVITE');
      client.send(accepting(second, offer));
      expect(await changed).toMatchObject({ ok: true });
    },
  );
});
