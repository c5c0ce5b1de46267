import { describe, expect, it } from 'vitest';
import { cryptoAttribute, readCrypto } from '../../../src/sdp/crypto.ts';
import type { LocalEncryption, MediaEncryption } from '../../../src/sdp/encryption.ts';
import {
  acceptAnswer,
  answer,
  answerable,
  type LocalDescription,
  offer,
  sameMedia,
  withKeysToOffer,
  withPlan,
} from '../../../src/sdp/negotiation.ts';
import { parseSdp } from '../../../src/sdp/parser.ts';
import {
  freshKey,
  type SrtpKey,
  type SrtpSuite,
  sameKey,
  srtpSuiteNames,
} from '../../../src/sdp/srtp-key.ts';

const over = { tls: true, tcp: false } as const;
type Signalling = keyof typeof over;

function local(policy: MediaEncryption, signalling: Signalling = 'tls'): LocalDescription {
  const encryption: LocalEncryption = { policy, keysAllowed: over[signalling] };
  const codecs = ['PCMU', 'PCMA'] as const;
  return { address: '192.0.2.1', family: 4, rtpPort: 10_000, sessionId: 7, version: 1, codecs, encryption };
}

const cryptoLine = (tag: string, key: SrtpKey) => `a=crypto:${cryptoAttribute(tag, key).value}`;

function described(...media: readonly string[]) {
  const lines = ['v=0', 'o=pbx 1 1 IN IP4 192.0.2.10', 's=-', 'c=IN IP4 192.0.2.10', 't=0 0', ...media];
  const parsed = parseSdp(`${lines.join('\r\n')}\r\n`);
  if (!parsed.ok) throw parsed.failure;
  return parsed.value;
}

const key80 = freshKey('AES_CM_128_HMAC_SHA1_80');
const key32 = freshKey('AES_CM_128_HMAC_SHA1_32');
const offers = {
  'RTP/AVP': ['m=audio 4000 RTP/AVP 0'],
  'RTP/AVP with keys': ['m=audio 4000 RTP/AVP 0', cryptoLine('1', key80)],
  'RTP/AVP with useless keys': ['m=audio 4000 RTP/AVP 0', `${cryptoLine('1', key80)} UNENCRYPTED_SRTP`],
  'RTP/SAVP': ['m=audio 4000 RTP/SAVP 0', cryptoLine('1', key80)],
  'RTP/SAVPF': ['m=audio 4000 RTP/SAVPF 0', cryptoLine('1', key80)],
  'RTP/SAVP without keys': ['m=audio 4000 RTP/SAVP 0'],
  DTLS: ['m=audio 4000 UDP/TLS/RTP/SAVPF 0', 'a=fingerprint:sha-256 00'],
} as const;

/** What an offer comes to, in a word: `srtp`, `plain` with why keys were left, or the code of the refusal. */
function outcome(what: keyof typeof offers, policy: MediaEncryption, signalling: Signalling): string {
  const offer = described(...offers[what]);
  const ours = local(policy, signalling);
  const [fits, answered] = [answerable(offer, ours), answer(offer, ours)];
  // What is found fit before there is a port is answered, and the other way round.
  expect(fits.ok ? undefined : fits.failure).toEqual(answered.ok ? undefined : answered.failure);
  if (!answered.ok || !fits.ok) return answered.ok ? 'answered' : answered.failure.code;
  const { plan, sdp } = answered.value;
  expect(sdp.includes('a=crypto')).toBe(plan.srtp !== undefined);
  expect(sdp).toContain(`m=audio 10000 ${offers[what][0].split(' ')[2]} 0`);
  if (plan.srtp !== undefined) return 'srtp';
  return fits.value === undefined ? 'plain' : `plain (${fits.value})`;
}

describe('an offer', () => {
  const refused = 'unsupported-transport';
  const required = 'encryption-required';
  it.each([
    ['RTP/AVP', 'disabled', 'tls', 'plain'],
    ['RTP/AVP', 'allowed', 'tls', 'plain'],
    ['RTP/AVP', 'allowed', 'tcp', 'plain'],
    ['RTP/AVP', 'required', 'tls', required],
    ['RTP/AVP', 'required', 'tcp', required],
    ['RTP/AVP with keys', 'disabled', 'tls', 'plain (disabled)'],
    ['RTP/AVP with keys', 'allowed', 'tls', 'srtp'],
    ['RTP/AVP with keys', 'allowed', 'tcp', 'plain (cleartext-signalling)'],
    ['RTP/AVP with keys', 'required', 'tls', 'srtp'],
    ['RTP/AVP with keys', 'required', 'tcp', required],
    ['RTP/AVP with useless keys', 'allowed', 'tls', 'plain (no-usable-key)'],
    ['RTP/AVP with useless keys', 'required', 'tls', required],
    ['RTP/SAVP', 'disabled', 'tls', refused],
    ['RTP/SAVP', 'allowed', 'tls', 'srtp'],
    ['RTP/SAVP', 'allowed', 'tcp', refused],
    ['RTP/SAVP', 'required', 'tls', 'srtp'],
    ['RTP/SAVP', 'required', 'tcp', required],
    ['RTP/SAVPF', 'allowed', 'tls', 'srtp'],
    ['RTP/SAVP without keys', 'allowed', 'tls', refused],
    ['RTP/SAVP without keys', 'required', 'tls', required],
    ['DTLS', 'allowed', 'tls', refused],
    ['DTLS', 'required', 'tls', refused],
  ] as const)('of %s where SRTP is %s over %s: %s', (what, policy, signalling, expected) => {
    expect(outcome(what, policy, signalling)).toBe(expected);
  });

  it('is answered with one line: its tag and suite, and a key that is not the one of the offer', () => {
    const offered = described('m=audio 4000 RTP/SAVP 0', cryptoLine('3', key32), cryptoLine('9', key80));
    const answered = answer(offered, local('allowed'));
    if (!answered.ok) throw answered.failure;
    const media = described(...answered.value.sdp.split('\r\n').filter(line => /^(m=|a=)/.test(line)))
      .media[0];
    const lines = readCrypto(media?.attributes ?? []);
    const { srtp } = answered.value.plan;
    expect(lines.map(({ tag, key }) => [tag, key.suite])).toEqual([['3', 'AES_CM_128_HMAC_SHA1_32']]);
    expect(sameKey(lines[0]?.key, srtp?.send)).toBe(true);
    expect(sameKey(srtp?.receive, key32)).toBe(true);
    expect(sameKey(srtp?.send, srtp?.receive)).toBe(false);
  });

  it.each(['RTP/AVP first', 'RTP/SAVP first'])('with both profiles gets SRTP: %s', order => {
    const plain = ['m=audio 4000 RTP/AVP 0'];
    const secure = ['m=audio 5000 RTP/SAVP 0', cryptoLine('1', key80)];
    const lines = order === 'RTP/AVP first' ? [...plain, ...secure] : [...secure, ...plain];
    const answered = answer(described(...lines), local('allowed'));
    if (!answered.ok) throw answered.failure;
    expect(answered.value.plan.target.rtpPort).toBe(5000);
    expect(answered.value.sdp).toContain('m=audio 0 RTP/AVP 0');
    expect(answered.value.sdp).toContain('m=audio 10000 RTP/SAVP 0');
  });

  it('is refused with a sentence that holds no key', () => {
    for (const what of Object.keys(offers) as (keyof typeof offers)[]) {
      for (const policy of ['disabled', 'allowed', 'required'] as const) {
        const answered = answer(described(...offers[what]), local(policy, 'tcp'));
        if (!answered.ok) expect(answered.failure.message).not.toMatch(/inline|[A-Za-z0-9+/]{20}/);
      }
    }
  });
});

describe('a re-offer', () => {
  function settled(key: SrtpKey, before: LocalDescription) {
    const answered = answer(described('m=audio 4000 RTP/SAVP 0', cryptoLine('1', key)), before);
    if (!answered.ok) throw answered.failure;
    return { ...answered.value, local: withPlan(before, answered.value.plan) };
  }

  it('with the same key gets the same answer, word for word', () => {
    const first = settled(key80, local('allowed'));
    const again = settled(key80, first.local);
    expect(again.sdp).toBe(first.sdp);
    expect(sameMedia(first.plan, again.plan)).toBe(true);
  });

  it('keeps the key in use although another one stands before it', () => {
    const first = settled(key32, local('allowed'));
    const lines = ['m=audio 4000 RTP/SAVP 0', cryptoLine('1', key80), cryptoLine('2', key32)];
    const again = answer(described(...lines), first.local);
    if (!again.ok) throw again.failure;
    expect(sameMedia(first.plan, again.value.plan)).toBe(true);
  });

  it('with another key gets another key of ours, for it may be another device', () => {
    const first = settled(key80, local('allowed'));
    const moved = settled(freshKey('AES_CM_128_HMAC_SHA1_80'), first.local);
    expect(sameKey(first.plan.srtp?.send, moved.plan.srtp?.send)).toBe(false);
    expect(sameMedia(first.plan, moved.plan)).toBe(false);
  });

  it('that leaves SRTP and comes back to it gets another key of ours, never one that was used before', () => {
    const first = settled(key80, local('allowed'));
    const plain = answer(described('m=audio 4000 RTP/AVP 0'), first.local);
    if (!plain.ok) throw plain.failure;
    const again = settled(key80, withPlan(first.local, plain.value.plan));
    expect(sameKey(first.plan.srtp?.send, again.plan.srtp?.send)).toBe(false);
  });

  it('cannot leave SRTP where it is required', () => {
    const first = settled(key80, local('required'));
    const plain = answer(described('m=audio 4000 RTP/AVP 0'), first.local);
    expect(plain).toMatchObject({ ok: false, failure: { code: 'encryption-required' } });
  });
});

describe('our own offer', () => {
  const offering = (policy: MediaEncryption, signalling: Signalling = 'tls') =>
    withKeysToOffer(local(policy, signalling));
  const suitesOf = (text: string) =>
    [...text.matchAll(/a=crypto:(\d+) (\w+) /g)].map(([, tag, suite]) => [tag, suite]);

  it('has one line a suite, each with a key of its own, as RTP/AVP where SRTP is only allowed', () => {
    const text = offer(offering('allowed'));
    expect(text).toContain('m=audio 10000 RTP/AVP 0 8 101');
    expect(suitesOf(text)).toEqual(srtpSuiteNames.map((suite, i) => [String(i + 1), suite]));
    expect(new Set([...text.matchAll(/inline:(\S+)/g)].map(([, key]) => key)).size).toBe(
      srtpSuiteNames.length,
    );
  });

  it('is RTP/SAVP where SRTP is required', () => {
    expect(offer(offering('required'))).toContain('m=audio 10000 RTP/SAVP 0 8 101');
  });

  it.each([
    ['disabled', 'tls'],
    ['allowed', 'tcp'],
  ] as const)('has no key where SRTP is %s over %s', (policy, signalling) => {
    expect(offer(offering(policy, signalling))).not.toContain('crypto');
  });

  it('cannot be made where SRTP is required and keys must not be sent', () => {
    expect(() => offer(offering('required', 'tcp'))).toThrow('no keys');
  });

  it('offers again the key that is in use', () => {
    const before = offering('allowed');
    const plan = acceptAnswer(before, described('m=audio 4000 RTP/AVP 0', cryptoLine('2', key32)));
    if (!plan.ok) throw plan.failure;
    const again = withKeysToOffer(withPlan(before, plan.value)).encryption?.offered ?? [];
    expect(again).toHaveLength(srtpSuiteNames.length);
    expect(sameKey(again[0], plan.value.srtp?.send)).toBe(true);
  });

  it('of the one key in use, as a refresh repeats it, is accepted under the tag that the peer had given it', () => {
    const send = freshKey('AES_CM_128_HMAC_SHA1_32');
    const ours = local('required');
    const encryption: LocalEncryption = { policy: 'required', keysAllowed: true, offered: [send] };
    const theirs = described('m=audio 4000 RTP/SAVP 0', cryptoLine('7', key32));
    const plan = acceptAnswer({ ...ours, encryption }, theirs);
    expect(plan.ok && sameKey(plan.value.srtp?.send, send)).toBe(true);
    const other = described('m=audio 4000 RTP/SAVP 0', cryptoLine('7', key80));
    expect(acceptAnswer({ ...ours, encryption }, other).ok).toBe(false);
  });

  const accepted = (ours: LocalDescription, ...media: string[]) => {
    const plan = acceptAnswer(ours, described(...media));
    if (!plan.ok) return plan.failure.code;
    return plan.value.srtp === undefined ? 'plain' : plan.value.srtp.send.suite;
  };

  it.each(srtpSuiteNames.map((suite, i) => [suite, String(i + 1)] as const))(
    'accepted with %s goes on with our key of that tag',
    (suite, tag) => {
      const ours = offering('required');
      const key = freshKey(suite);
      const plan = acceptAnswer(ours, described('m=audio 4000 RTP/SAVP 0', cryptoLine(tag, key)));
      if (!plan.ok) throw plan.failure;
      expect(sameKey(plan.value.srtp?.send, ours.encryption?.offered?.[Number(tag) - 1])).toBe(true);
      expect(sameKey(plan.value.srtp?.receive, key)).toBe(true);
    },
  );

  it.each([
    ['allowed', 'RTP/AVP 0', [], 'plain'],
    ['allowed', 'RTP/AVP 0', [['1', 'AES_CM_128_HMAC_SHA1_80']], 'AES_CM_128_HMAC_SHA1_80'],
    ['allowed', 'RTP/SAVP 0', [['1', 'AES_CM_128_HMAC_SHA1_80']], 'unsupported-transport'],
    ['required', 'RTP/AVP 0', [], 'encryption-required'],
    ['required', 'RTP/AVP 0', [['1', 'AES_CM_128_HMAC_SHA1_80']], 'encryption-required'],
    ['required', 'RTP/SAVP 0', [], 'encryption-required'],
    ['required', 'RTP/SAVP 0', [['2', 'AES_CM_128_HMAC_SHA1_80']], 'encryption-required'],
    ['required', 'RTP/SAVP 0', [['77', 'AES_CM_128_HMAC_SHA1_80']], 'encryption-required'],
    [
      'required',
      'RTP/SAVP 0',
      [
        ['1', 'AES_CM_128_HMAC_SHA1_80'],
        ['2', 'AES_CM_128_HMAC_SHA1_32'],
      ],
      'encryption-required',
    ],
    ['allowed', 'RTP/AVP 0', [['2', 'AES_CM_128_HMAC_SHA1_80']], 'bad-offer'],
  ] as const)('where SRTP is %s, answered with %s and %j, comes to %s', (policy, media, lines, expected) => {
    const attributes = lines.map(([tag, suite]) => cryptoLine(tag, freshKey(suite as SrtpSuite)));
    expect(accepted(offering(policy), `m=audio 4000 ${media}`, ...attributes)).toBe(expected);
  });
});
