import { describe, expect, it } from 'vitest';
import { ending } from '../../../src/core/ending.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { parseSdp } from '../../../src/sdp/parser.ts';
import { codecNames } from '../../../src/sdp/plan.ts';
import { SipParty } from '../../../src/sip/party.ts';
import type { Replacement } from '../../../src/sip/signalling.ts';
import { FakeLeg, someFacts } from '../../support/fake-call.ts';
import { FakeDialogue, someInvite, someOffer } from '../../support/fake-dialogue.ts';

const described = (address: string) => ({
  address,
  family: 4 as const,
  sessionId: 7,
  version: 1,
  codecs: codecNames,
});

function parsed(text: string) {
  const sdp = parseSdp(text);
  if (!sdp.ok) throw sdp.failure;
  return sdp.value;
}

const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

/** A party whose call is up, and another telephone that wants to take it over. */
async function up(offer: string | undefined = someOffer('8 101', 'sendrecv', 5000)) {
  const dialogue = new FakeDialogue();
  const leg = new FakeLeg();
  const party = new SipParty({
    dialogue,
    leg,
    facts: someFacts,
    offer: parsed(someOffer()),
    local: described('192.0.2.1'),
    log: silentLogger,
  });
  const accepting = party.accept();
  dialogue.acknowledge();
  await accepting;
  const taker = new FakeDialogue({ ...someInvite, sipCallId: 'taker@pbx.example' });
  const told: string[] = [];
  party.onReplaced = sipCallId => void told.push(sipCallId);
  const by: Replacement = {
    dialogue: taker,
    facts: { ...someFacts, callId: 'pbx-2', callerId: '+14155550177' },
    offer: offer === '' ? undefined : parsed(offer),
    local: described('192.0.2.1'),
  };
  const take = (changed: Partial<Replacement> = {}) => {
    if (dialogue.onReplace === undefined) throw new Error('nobody has the call');
    return dialogue.onReplace({ ...by, ...changed });
  };
  return { dialogue, leg, party, taker, told, take };
}

describe('a telephone that takes over a call', () => {
  it('gets the media of the same leg at once, and the old one a BYE when the ACK has come', async () => {
    const { dialogue, leg, party, taker, told, take } = await up();
    const taking = take();
    expect(leg.plans.at(-1)).toMatchObject({ codec: 'PCMA', target: { rtpPort: 5000 } });
    expect(taker.answers[0]).toContain('m=audio 10000 RTP/AVP 8 101');
    expect(dialogue.asked).not.toContain('hangup replaced');
    taker.acknowledge();
    expect((await taking).ok).toBe(true);
    expect(dialogue.asked.at(-1)).toBe('hangup replaced');
    expect(told).toEqual(['taker@pbx.example']);
    expect(leg.asked).not.toContain('close');
    // Who calls is another one; what the call is named stays.
    expect(party.facts).toMatchObject({ callerId: '+14155550177', callId: someFacts.callId });
  });

  it('is the one whose BYE ends the call, while that of the old one is nothing any more', async () => {
    const { dialogue, party, taker, take } = await up();
    let over: string | undefined;
    void party.ended.then(end => {
      over = end.reason;
    });
    const taking = take();
    taker.acknowledge();
    await taking;
    dialogue.end(ending('replaced'));
    await settled();
    expect(over).toBeUndefined();
    taker.end(ending('caller-hung-up'));
    await settled();
    expect(over).toBe('caller-hung-up');
  });

  it('takes it although the old telephone hangs up before the ACK', async () => {
    const { dialogue, party, taker, take } = await up();
    const taking = take();
    dialogue.end(ending('caller-hung-up'));
    await settled();
    taker.acknowledge();
    expect((await taking).ok).toBe(true);
    party.end(ending('agent-ended-call'));
    expect(taker.asked.at(-1)).toBe('hangup agent-ended-call');
  });

  it('that never acknowledges leaves the call with the old one, media and all', async () => {
    const { dialogue, leg, party, taker, told, take } = await up();
    const before = leg.plans.at(-1);
    const taking = take();
    taker.failAnswer('ack-timeout');
    expect(await taking).toMatchObject({ ok: false, failure: { reason: 'ack-timeout' } });
    expect(leg.plans.at(-1)).toEqual(before);
    expect(taker.asked.at(-1)).toBe('hangup ack-timeout');
    expect(told).toEqual([]);
    party.end(ending('agent-ended-call'));
    expect(dialogue.asked.at(-1)).toBe('hangup agent-ended-call');
  });

  it('that never acknowledges ends the call when the old one is gone by then', async () => {
    const { dialogue, party, taker, take } = await up();
    const taking = take();
    dialogue.end(ending('caller-hung-up'));
    await settled();
    taker.failAnswer('gone');
    await taking;
    expect((await party.ended).reason).toBe('caller-hung-up');
  });

  it('is hung up together with the old one when the call ends meanwhile', async () => {
    const { dialogue, party, taker, take } = await up();
    const taking = take();
    party.end(ending('shutdown'));
    expect(dialogue.asked.at(-1)).toBe('hangup shutdown');
    expect(taker.asked.at(-1)).toBe('hangup shutdown');
    taker.acknowledge();
    expect(await taking).toMatchObject({ ok: false });
  });

  it('may have our offer, and answers it in the ACK', async () => {
    const { leg, taker, take } = await up('');
    const taking = take();
    expect(taker.answers[0]).toContain('m=audio 10000 RTP/AVP 0 8 9 101');
    expect(leg.plans).toHaveLength(1);
    taker.acknowledge(someOffer('8 101', 'sendrecv', 5000));
    expect((await taking).ok).toBe(true);
    expect(leg.plans.at(-1)).toMatchObject({ codec: 'PCMA', target: { rtpPort: 5000 } });
  });

  it('is told no and answered nothing when it speaks no codec of ours, or the other IP version', async () => {
    const { leg, taker, take } = await up(someOffer('18', 'sendrecv', 5000));
    expect(await take()).toMatchObject({ ok: false, failure: { reason: 'no-codec-in-common' } });
    const v6 = { ...described('2001:db8::1'), family: 6 as const };
    expect(await take({ local: v6 })).toMatchObject({ ok: false, failure: { reason: 'replaces-refused' } });
    expect(taker.answers).toEqual([]);
    expect(leg.plans.at(-1)).toMatchObject({ codec: 'PCMU' });
  });

  it('waits for nobody: a second one is refused while the first is taking over', async () => {
    const { taker, take } = await up();
    const taking = take();
    expect(await take()).toMatchObject({ ok: false, failure: { reason: 'replaces-refused' } });
    taker.acknowledge();
    expect((await taking).ok).toBe(true);
  });

  it('may itself be taken over', async () => {
    const { taker, told, take } = await up();
    const taking = take();
    taker.acknowledge();
    await taking;
    const third = new FakeDialogue({ ...someInvite, sipCallId: 'third' });
    const again = taker.onReplace?.({
      dialogue: third,
      facts: someFacts,
      offer: parsed(someOffer()),
      local: described('192.0.2.1'),
    });
    third.acknowledge();
    expect(await again).toMatchObject({ ok: true });
    expect(told).toEqual(['taker@pbx.example', 'third']);
  });

  it('stays on hold where the call was kept on hold from here', async () => {
    const { dialogue, party, taker, take } = await up();
    const holding = party.hold(true);
    dialogue.answerReoffer(someOffer('0 101', 'recvonly'));
    expect((await holding).ok).toBe(true);
    const taking = take();
    expect(taker.answers[0]).toContain('a=sendonly');
    taker.acknowledge();
    expect((await taking).ok).toBe(true);
  });

  it('is not disturbed by a re-offer of the old one', async () => {
    const { dialogue, leg, taker, take } = await up();
    const taking = take();
    await dialogue.offerAgain(someOffer('0 101', 'sendrecv', 4010));
    expect(leg.plans.at(-1)).toMatchObject({ target: { rtpPort: 5000 } });
    taker.acknowledge();
    await taking;
    await dialogue.offerAgain(someOffer('0 101', 'sendrecv', 4020));
    expect(leg.plans.at(-1)).toMatchObject({ target: { rtpPort: 5000 } });
  });
});
