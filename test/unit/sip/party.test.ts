import { describe, expect, it } from 'vitest';
import { ending } from '../../../src/core/ending.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { parseSdp } from '../../../src/sdp/parser.ts';
import { codecNames } from '../../../src/sdp/plan.ts';
import { SipParty } from '../../../src/sip/party.ts';
import { FakeLeg, someFacts } from '../../support/fake-call.ts';
import { FakeDialogue, someOffer } from '../../support/fake-dialogue.ts';

function parsed(text: string) {
  const sdp = parseSdp(text);
  if (!sdp.ok) throw sdp.failure;
  return sdp.value;
}

function setUp(offer: string | undefined = someOffer()) {
  const dialogue = new FakeDialogue();
  const leg = new FakeLeg();
  const party = new SipParty({
    dialogue,
    leg,
    facts: someFacts,
    offer: offer === '' ? undefined : parsed(offer),
    local: { address: '192.0.2.1', family: 4, sessionId: 7, version: 1, codecs: codecNames },
    log: silentLogger,
  });
  return { dialogue, leg, party };
}

async function accepted(offer?: string) {
  const world = setUp(offer);
  const accepting = world.party.accept();
  world.dialogue.acknowledge();
  expect((await accepting).ok).toBe(true);
  return world;
}

describe('a party over SIP', () => {
  it('puts the plan in force before the 200 leaves, so that the way back is open', async () => {
    const { dialogue, leg, party } = setUp();
    void party.accept();
    expect(leg.plans[0]).toMatchObject({
      codec: 'PCMU',
      sendEventPayloadType: 101,
      target: { address: '192.0.2.10', rtpPort: 4000, rtcpPort: 4001 },
      signallingAddress: '192.0.2.10',
    });
    expect(dialogue.answers[0]).toContain('m=audio 10000 RTP/AVP 0 101');
    expect(dialogue.answers[0]).toContain('c=IN IP4 192.0.2.1');
  });

  it('is accepted only when the ACK has come', async () => {
    const { dialogue, party } = setUp();
    let done = false;
    const accepting = party.accept().then(result => {
      done = true;
      return result;
    });
    await Promise.resolve();
    expect(done).toBe(false);
    dialogue.acknowledge();
    expect((await accepting).ok).toBe(true);
  });

  it('offers itself when the INVITE had no offer, and takes the answer from the ACK', async () => {
    const { dialogue, leg, party } = setUp('');
    const accepting = party.accept();
    expect(dialogue.answers[0]).toContain('RTP/AVP 0 8 9 101');
    expect(leg.plans).toEqual([]);
    dialogue.acknowledge(someOffer('8 101'));
    expect((await accepting).ok).toBe(true);
    expect(leg.plans[0]).toMatchObject({ codec: 'PCMA', target: { rtpPort: 4000 } });
  });

  it('hangs up when the ACK owed an answer and had none', async () => {
    const { dialogue, party } = setUp('');
    const accepting = party.accept();
    dialogue.acknowledge();
    expect(await accepting).toMatchObject({ ok: false, failure: { reason: 'answer-unusable' } });
    expect(dialogue.asked.at(-1)).toBe('hangup answer-unusable');
  });

  it.each([
    ['cancelled', 'caller-cancelled'],
    ['ack-timeout', 'ack-timeout'],
    ['gone', 'connection-lost'],
  ] as const)('ends with its own reason when answering fails: %s', async (code, reason) => {
    const { dialogue, party } = setUp();
    const accepting = party.accept();
    dialogue.failAnswer(code);
    expect(await accepting).toMatchObject({ ok: false, failure: { reason } });
    expect((await party.ended).reason).toBe(reason);
  });

  it('rejects with status, Warning and Retry-After before the answer', () => {
    const { dialogue, party } = setUp();
    party.end(ending('agent-unreachable'));
    expect(dialogue.rejections[0]).toMatchObject({
      status: 503,
      options: { warning: 'The agent could not be reached.', retryAfter: 5 },
    });
  });

  it('hangs up after the answer, once', async () => {
    const { dialogue, party } = await accepted();
    party.end(ending('agent-ended-call'));
    party.end(ending('shutdown'));
    expect(dialogue.asked.filter(each => each.startsWith('hangup'))).toEqual(['hangup agent-ended-call']);
    expect((await party.ended).reason).toBe('agent-ended-call');
  });

  it('ends with the reason of the peer when that was first', async () => {
    const { dialogue, party } = await accepted();
    dialogue.end(ending('caller-hung-up'));
    expect((await party.ended).reason).toBe('caller-hung-up');
    party.end(ending('shutdown'));
    expect(dialogue.asked.some(each => each.startsWith('hangup'))).toBe(false);
  });
});

describe('a call that has no connection to its peer', () => {
  it('outlives that while RTP has to come, and not on hold or before the answer', async () => {
    const early = setUp();
    expect(early.dialogue.outlives?.()).toBe(false);
    const { dialogue, party } = await accepted();
    expect(dialogue.outlives?.()).toBe(true);
    await dialogue.offerAgain(someOffer('0 101', 'sendonly'));
    expect(dialogue.outlives?.()).toBe(false);
    await dialogue.offerAgain(someOffer());
    expect(dialogue.outlives?.()).toBe(true);
    party.end(ending('agent-ended-call'));
    expect(dialogue.outlives?.()).toBe(false);
  });
});

describe('a re-offer', () => {
  it('that changes nothing gets the description in force, version and all, and touches no media', async () => {
    const { dialogue, leg } = await accepted();
    const again = await dialogue.offerAgain(someOffer());
    expect(again).toEqual({ sdp: dialogue.answers[0] });
    expect(leg.plans).toHaveLength(1);
  });

  it('that changes nothing tells the leg all the same: the peer may send from elsewhere now', async () => {
    const { dialogue, leg } = await accepted();
    await dialogue.offerAgain(someOffer());
    expect(leg.asked.filter(each => each === 'reapply')).toHaveLength(1);
    // To a refresh of ours the peer answers with its whole list; from then on it says the same.
    for (let i = 0; i < 2; i++) dialogue.onRefreshed(someOffer());
    expect(leg.asked.filter(each => each === 'reapply')).toHaveLength(2);
  });

  it('that holds the call is answered recvonly with the next version', async () => {
    const { dialogue, leg } = await accepted();
    const held = await dialogue.offerAgain(someOffer('0 101', 'sendonly'));
    if (!('sdp' in held)) throw new Error('refused');
    expect(held.sdp).toContain('a=recvonly');
    expect(held.sdp).toMatch(/^o=\S+ 7 2 /m);
    expect(leg.plans.at(-1)?.direction).toBe('recvonly');
  });

  it('without an offer gets ours, and the ACK of it settles the media', async () => {
    const { dialogue, leg } = await accepted();
    const again = await dialogue.offerAgain(undefined);
    if (!('sdp' in again)) throw new Error('refused');
    expect(again.sdp).toContain('RTP/AVP 0 8 9 101');
    again.answered?.(someOffer('8 101', 'sendrecv', 6000));
    expect(leg.plans.at(-1)).toMatchObject({ codec: 'PCMA', target: { rtpPort: 6000 } });
  });

  it('that is dropped before its answer left touches no media', async () => {
    const { dialogue, leg } = await accepted();
    await dialogue.onReoffer(someOffer('8 101', 'sendonly', 5000));
    expect(leg.plans).toHaveLength(1);
  });

  it('that moves the media moves it', async () => {
    const { dialogue, leg } = await accepted();
    await dialogue.offerAgain(someOffer('0 101', 'sendrecv', 5000));
    expect(leg.plans.at(-1)?.target.rtpPort).toBe(5000);
  });

  it.each([
    ['has no codec in common', someOffer('18')],
    ['is not SDP', 'hello'],
  ])('that %s is refused with 488 and leaves the session as it was', async (_name, text) => {
    const { dialogue, leg } = await accepted();
    expect(await dialogue.offerAgain(text)).toMatchObject({ status: 488 });
    expect(leg.plans).toHaveLength(1);
    expect(await dialogue.offerAgain(someOffer())).toEqual({ sdp: dialogue.answers[0] });
  });
});

describe('hold', () => {
  it('is a re-offer of ours that counts once the caller has answered it', async () => {
    const { dialogue, leg, party } = await accepted();
    const held = party.hold(true);
    expect(dialogue.reoffers[0]).toContain('a=sendonly');
    expect(leg.plans).toHaveLength(1);
    dialogue.answerReoffer(someOffer('0 101', 'recvonly'));
    expect((await held).ok).toBe(true);
    expect(leg.plans.at(-1)?.direction).toBe('sendonly');
    const back = party.hold(false);
    expect(dialogue.reoffers[1]).toContain('a=sendrecv');
    dialogue.answerReoffer(someOffer());
    expect((await back).ok).toBe(true);
    expect(leg.plans.at(-1)?.direction).toBe('sendrecv');
  });

  it('that has to be asked for again is offered on top of what the caller changed meanwhile', async () => {
    const { dialogue, leg, party } = await accepted();
    const held = party.hold(true);
    const answered = await dialogue.offerAgain(`${someOffer('8 101')}m=video 5000 RTP/AVP 96\r\n`);
    dialogue.resendReoffer();
    const version = (sdp: string | undefined) => Number(/^o=\S+ \S+ (\d+)/m.exec(sdp ?? '')?.[1]);
    const [first, second] = dialogue.reoffers;
    expect([version(first), 'sdp' in answered && version(answered.sdp), version(second)]).toEqual([2, 3, 4]);
    expect(second).toContain('m=video 0');
    dialogue.answerReoffer(`${someOffer('8 101', 'recvonly')}m=video 0 RTP/AVP 96\r\n`);
    expect((await held).ok).toBe(true);
    expect(leg.plans.at(-1)).toMatchObject({ codec: 'PCMA', direction: 'sendonly' });
  });

  it('that the caller refuses leaves the call as it was', async () => {
    const { dialogue, leg, party } = await accepted();
    const held = party.hold(true);
    dialogue.refuseReoffer('refused');
    expect(await held).toMatchObject({ ok: false, failure: { code: 'refused' } });
    expect(leg.plans).toHaveLength(1);
  });
});

describe('a transfer', () => {
  it('is a REFER to where the caller’s side says that it is, and its outcome is the one told', async () => {
    const { dialogue, party } = await accepted();
    const headers = [{ name: 'X-Team', value: 'sales' }];
    const outcome = party.transfer({ destination: { kind: 'phone', number: '+14155550150' }, headers });
    expect(dialogue.refers).toEqual([{ uri: 'sip:+14155550150@pbx.example;user=phone', headers }]);
    dialogue.referred({ ok: false, failure: ending('callee-busy') });
    expect(await outcome).toMatchObject({ ok: false, failure: { reason: 'callee-busy' } });
  });
});

describe('INFO', () => {
  it.each([
    ['application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n', 'digit 5'],
    ['application/dtmf-relay', 'Signal= *\r\n', 'digit *'],
    ['application/dtmf-relay', 'Signal=11\r\n', 'digit #'],
    ['application/dtmf; charset=utf-8', '7', 'digit 7'],
  ])('with %s brings a digit', async (type, body, expected) => {
    const { dialogue, leg } = await accepted();
    expect(dialogue.onInfo(type, body)).toBe(true);
    expect(leg.asked.at(-1)).toBe(expected);
  });

  it('with another type is not taken, and with junk brings no digit', async () => {
    const { dialogue, leg } = await accepted();
    const before = leg.asked.length;
    expect(dialogue.onInfo('text/plain', 'Signal=5')).toBe(false);
    expect(dialogue.onInfo('application/dtmf-relay', 'Signal=flash')).toBe(true);
    expect(leg.asked).toHaveLength(before);
  });
});
