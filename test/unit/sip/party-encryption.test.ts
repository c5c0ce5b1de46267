import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import { cryptoAttribute } from '../../../src/sdp/crypto.ts';
import type { MediaEncryption } from '../../../src/sdp/encryption.ts';
import { parseSdp } from '../../../src/sdp/parser.ts';
import { codecNames } from '../../../src/sdp/plan.ts';
import { freshKey, type SrtpKey, sameKey } from '../../../src/sdp/srtp-key.ts';
import { SipParty } from '../../../src/sip/party.ts';
import { FakeLeg, someFacts } from '../../support/fake-call.ts';
import { FakeDialogue, someOffer } from '../../support/fake-dialogue.ts';

const key = freshKey('AES_CM_128_HMAC_SHA1_80');

function secure(with_: SrtpKey, direction = 'sendrecv', tag = '1'): string {
  const line = `a=crypto:${cryptoAttribute(tag, with_).value}\r\n`;
  return someOffer('0 101', direction).replace('RTP/AVP', 'RTP/SAVP') + line;
}

function setUp(policy: MediaEncryption, offer: string | undefined) {
  const dialogue = new FakeDialogue();
  const leg = new FakeLeg();
  const parsed = offer === undefined ? undefined : parseSdp(offer);
  if (parsed?.ok === false) throw parsed.failure;
  const party = new SipParty({
    dialogue,
    leg,
    facts: someFacts,
    offer: parsed?.value,
    local: {
      address: '192.0.2.1',
      family: 4,
      sessionId: 7,
      version: 1,
      codecs: codecNames,
      encryption: { policy, keysAllowed: true },
    },
    log: silentLogger,
  });
  return { dialogue, leg, party };
}

async function accepted(policy: MediaEncryption = 'required') {
  const world = setUp(policy, secure(key));
  const accepting = world.party.accept();
  world.dialogue.acknowledge();
  expect((await accepting).ok).toBe(true);
  return world;
}

describe('a party with SRTP', () => {
  it('gives the leg the key of the offer and the one of its own answer', async () => {
    const { dialogue, leg } = await accepted();
    const srtp = leg.plans[0]?.srtp;
    expect(sameKey(srtp?.receive, key)).toBe(true);
    expect(srtp && dialogue.answers[0]?.includes(cryptoAttribute('1', srtp.send).value ?? '-')).toBe(true);
  });

  it('answers a re-offer that changes nothing word for word, and touches no media', async () => {
    const { dialogue, leg } = await accepted();
    for (let refresh = 0; refresh < 3; refresh++) {
      expect(await dialogue.onReoffer(secure(key))).toMatchObject({ sdp: dialogue.answers[0] });
    }
    expect(leg.plans).toHaveLength(1);
  });

  it('keeps both keys while it is held and resumed', async () => {
    const { dialogue, leg } = await accepted();
    for (const direction of ['sendonly', 'sendrecv', 'inactive', 'sendrecv']) {
      const again = await dialogue.onReoffer(secure(key, direction));
      if (!('sdp' in again)) throw new Error('refused');
      again.sent?.();
    }
    expect(leg.plans.length).toBeGreaterThan(1);
    for (const plan of leg.plans) {
      expect(sameKey(plan.srtp?.send, leg.plans[0]?.srtp?.send)).toBe(true);
      expect(sameKey(plan.srtp?.receive, key)).toBe(true);
    }
  });

  it('takes a new key of the peer, with a new one of its own', async () => {
    const { dialogue, leg } = await accepted();
    const other = freshKey('AES_CM_128_HMAC_SHA1_80');
    const again = await dialogue.onReoffer(secure(other));
    if (!('sdp' in again)) throw new Error('refused');
    again.sent?.();
    expect(sameKey(leg.plans.at(-1)?.srtp?.receive, other)).toBe(true);
    expect(sameKey(leg.plans.at(-1)?.srtp?.send, leg.plans[0]?.srtp?.send)).toBe(false);
  });

  it.each([
    ['RTP/AVP', someOffer()],
    ['RTP/SAVP without keys', someOffer().replace('RTP/AVP', 'RTP/SAVP')],
    ['useless keys', `${secure(key).trimEnd()} UNENCRYPTED_SRTP\r\n`],
  ])('that must have it refuses a re-offer of %s with 488, and goes on as it was', async (_title, text) => {
    const { dialogue, leg } = await accepted();
    expect(await dialogue.onReoffer(text)).toMatchObject({
      status: 488,
      warning: expect.stringContaining('SRTP is required'),
    });
    expect(leg.plans).toHaveLength(1);
    expect(await dialogue.onReoffer(secure(key))).toMatchObject({ sdp: dialogue.answers[0] });
  });

  it('that only may have it follows the peer to plain RTP, and back under another key of its own', async () => {
    const { dialogue, leg } = await accepted('allowed');
    for (const text of [someOffer(), secure(key)]) {
      const again = await dialogue.onReoffer(text);
      if (!('sdp' in again)) throw new Error('refused');
      again.sent?.();
    }
    expect(leg.plans.map(plan => plan.srtp !== undefined)).toEqual([true, false, true]);
    expect(sameKey(leg.plans[2]?.srtp?.send, leg.plans[0]?.srtp?.send)).toBe(false);
  });
});

describe('a party that must have SRTP and makes the offer', () => {
  it('offers RTP/SAVP and goes on with the keys of the answer', async () => {
    const { dialogue, leg, party } = setUp('required', undefined);
    const accepting = party.accept();
    expect(dialogue.answers[0]).toContain('m=audio 10000 RTP/SAVP ');
    expect(leg.plans).toEqual([]);
    dialogue.acknowledge(secure(key));
    expect((await accepting).ok).toBe(true);
    const srtp = leg.plans[0]?.srtp;
    expect(srtp && dialogue.answers[0]?.includes(cryptoAttribute('1', srtp.send).value ?? '-')).toBe(true);
    expect(sameKey(srtp?.receive, key)).toBe(true);
  });

  it.each([
    ['plain RTP', someOffer()],
    ['another suite than that of the tag', secure(key, 'sendrecv', '2')],
  ])('hangs up on an answer of %s, before any media', async (_title, text) => {
    const { dialogue, leg, party } = setUp('required', undefined);
    const accepting = party.accept();
    dialogue.acknowledge(text);
    expect(await accepting).toMatchObject({ ok: false, failure: { reason: 'encryption-required' } });
    expect(dialogue.asked.at(-1)).toBe('hangup encryption-required');
    expect(leg.plans).toEqual([]);
  });
});
