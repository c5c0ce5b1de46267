import { describe, expect, it } from 'vitest';
import { deferred } from '../../../src/core/deferred.ts';
import { type Ending, ending } from '../../../src/core/ending.ts';
import { fail, ok, type Result } from '../../../src/core/errors.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { codecNames } from '../../../src/sdp/plan.ts';
import { OutboundParty } from '../../../src/sip/outbound-party.ts';
import type { HeaderField, OutboundDialogue, OutboundOptions } from '../../../src/sip/signalling.ts';
import { FakeLeg, someFacts } from '../../support/fake-call.ts';
import { someOffer } from '../../support/fake-dialogue.ts';

const options: OutboundOptions = {
  callId: 'call-1',
  to: '+14155550123',
  from: '+14155550199',
  host: 'trunk.example',
  headers: [],
  ringMs: 60_000,
};

/** A signalling whose one call is the test's. */
function setUp() {
  const answered = deferred<Result<{ readonly sdp?: string }, Ending>>();
  const ended = deferred<Ending>();
  const offers: string[] = [];
  const hangups: [string, readonly HeaderField[] | undefined][] = [];
  const dialogue = {
    sipCallId: 'call-1',
    answered: answered.promise,
    ended: ended.promise,
    onProgress: () => undefined,
    onReoffer: async () => ({ status: 488, reason: 'unset' }),
    onRefreshed: () => undefined,
    onInfo: () => false,
    hangup: (end: Ending, headers?: readonly HeaderField[]) => void hangups.push([end.reason, headers]),
    reoffer: async () => ok({ sdp: someOffer() }),
  } as unknown as OutboundDialogue;
  const leg = new FakeLeg();
  const party = new OutboundParty({
    signalling: {
      call(_route, offer) {
        offers.push(offer);
        return dialogue;
      },
    },
    route: [{ transport: 'tcp', address: '192.0.2.10', port: 5060 }],
    options,
    leg,
    facts: someFacts,
    local: { address: '192.0.2.1', family: 4, sessionId: 7, version: 1, codecs: codecNames },
    log: silentLogger,
    goodbye: () => [{ name: 'X-Conversation', value: 'conv_1' }],
  });
  return { party, leg, dialogue, offers, hangups, answered, ended };
}

describe('a telephone that is called over SIP', () => {
  it('gets every codec offered with the INVITE, and its answer is put in force', async () => {
    const { party, leg, offers, answered } = setUp();
    expect(offers).toEqual([]);
    const accepting = party.accept();
    expect(offers[0]).toContain('m=audio 10000 RTP/AVP 0 8 9 101');
    expect(leg.plans).toEqual([]);
    answered.resolve(ok({ sdp: someOffer('8 101') }));
    expect(await accepting).toEqual({ ok: true, value: undefined });
    expect(leg.plans).toMatchObject([{ codec: 'PCMA', target: { address: '192.0.2.10', rtpPort: 4000 } }]);
    expect(leg.plans[0]?.signallingAddress).toBe('192.0.2.10');
  });

  it('rings at its first progress, and its early media is put in force', async () => {
    const { party, leg, dialogue, answered } = setUp();
    const accepting = party.accept();
    dialogue.onProgress(183, someOffer('0 101', 'sendrecv', 4002));
    await party.ringing;
    expect(leg.plans).toMatchObject([{ target: { rtpPort: 4002 } }]);
    dialogue.onProgress(180, undefined);
    answered.resolve(ok({ sdp: someOffer('0 101', 'sendrecv', 5000) }));
    expect((await accepting).ok).toBe(true);
    expect(leg.plans.at(-1)).toMatchObject({ target: { rtpPort: 5000 } });
  });

  it('that answered the offer only in the 183 is up all the same', async () => {
    const { party, leg, dialogue, answered } = setUp();
    const accepting = party.accept();
    dialogue.onProgress(183, someOffer());
    answered.resolve(ok({}));
    expect((await accepting).ok).toBe(true);
    expect(leg.plans.length).toBeGreaterThan(0);
  });

  it.each([
    ['no answer to the offer at all', undefined, 'no answer to our offer'],
    ['something that is not SDP', 'hello', 'The session description is malformed'],
    ['no codec of ours', someOffer('18'), 'the answer had G729 only'],
  ])('that answers with %s is hung up, for what is wrong with its answer', async (_what, sdp, why) => {
    const { party, answered, hangups } = setUp();
    const accepting = party.accept();
    answered.resolve(ok(sdp === undefined ? {} : { sdp }));
    const end = { result: 'carrier', reason: 'answer-unusable', detail: expect.stringContaining(why) };
    expect(await accepting).toMatchObject({ ok: false, failure: end });
    expect(hangups.map(([reason]) => reason)).toEqual(['answer-unusable']);
  });

  it('ends with all that is known of why it did not answer', async () => {
    const { party, answered, ended } = setUp();
    const accepting = party.accept();
    const busy = ending('callee-busy', 'SIP 486, Q.850 cause 17');
    answered.resolve(fail(busy));
    ended.resolve(busy);
    expect((await accepting).ok).toBe(false);
    expect(await party.ended).toEqual(busy);
  });

  it('is given up, or hung up with our last header fields', async () => {
    const ringing = setUp();
    void ringing.party.accept();
    ringing.party.end(ending('agent-unreachable'));
    expect(ringing.hangups.map(([reason]) => reason)).toEqual(['agent-unreachable']);
    expect(await ringing.party.ended).toEqual(ending('agent-unreachable'));
    const up = setUp();
    const accepting = up.party.accept();
    up.answered.resolve(ok({ sdp: someOffer() }));
    await accepting;
    up.party.end(ending('agent-ended-call'));
    expect(up.hangups).toEqual([['agent-ended-call', [{ name: 'X-Conversation', value: 'conv_1' }]]]);
  });

  it('is never called when it is ended before', async () => {
    const { party, offers } = setUp();
    party.end(ending('shutdown'));
    expect(await party.ended).toEqual(ending('shutdown'));
    expect((await party.accept()).ok).toBe(false);
    expect(offers).toEqual([]);
  });

  it('passes re-offers and digits on to the session and the leg', async () => {
    const { party, leg, dialogue, answered } = setUp();
    const accepting = party.accept();
    answered.resolve(ok({ sdp: someOffer() }));
    await accepting;
    const hold = await dialogue.onReoffer(someOffer('0 101', 'sendonly'));
    expect('sdp' in hold && hold.sdp).toContain('a=recvonly');
    expect(dialogue.onInfo('application/dtmf', '5')).toBe(true);
    expect(leg.asked).toContain('digit 5');
  });
});
