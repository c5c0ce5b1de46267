import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionDescription } from '../../src/sdp/description.ts';
import type { LocalEncryption } from '../../src/sdp/encryption.ts';
import { acceptAnswer, answer, type LocalDescription } from '../../src/sdp/negotiation.ts';
import { parseSdp } from '../../src/sdp/parser.ts';
import { formatSdp } from '../../src/sdp/writer.ts';
import { mutated, settings } from './mutation.ts';

const head = 'v=0\r\no=- 3747 461 IN IP4 192.0.2.1\r\ns=call\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n';
const keyLine = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20\r\n';
const corpus = [
  `${head}m=audio 17202 RTP/AVP 18 0 8 101\r\na=rtpmap:18 G729/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:30\r\na=sendonly\r\n`,
  `${head}a=inactive\r\nm=video 5000 RTP/AVP 31\r\nm=audio 6000/2 RTP/SAVP 0\r\nm=audio 6002 RTP/AVPF 9 96\r\nc=IN IP6 ::1\r\na=rtpmap:96 PCMA/8000/1\r\na=rtcp:6009 IN IP4 1.2.3.4\r\na=maxptime:40\r\nm=image 7000 udptl t38\r\n`,
  `${head}m=audio 4000 RTP/SAVP 0\r\n${keyLine}a=crypto:2 AEAD_AES_128_GCM inline:${'A'.repeat(38)}== KDR=0\r\n`,
  `${head}m=audio 4000 RTP/AVP 8\r\na=rtcp-mux\r\n${keyLine}`,
  `${head}m=audio 4000 RTP/AVP 97 98\na=rtpmap:97 G722/8000\na=rtpmap:98 telephone-event/8000\nm=application 9 TCP/BFCP *`,
];
const dictionary = [
  '\r\n',
  '\n',
  '\r',
  ' ',
  '=',
  ':',
  '/',
  'm=audio 1 RTP/AVP 0\r\n',
  'm=audio 0 RTP/AVP 0\r\n',
  'c=IN IP4 0.0.0.0\r\n',
  'c=IN IP6 ::\r\n',
  'c=IN IP4 224.0.0.1\r\n',
  'a=rtpmap:0 PCMA/8000\r\n',
  'a=rtpmap:\r\n',
  'a=rtpmap:101\r\n',
  'a=ptime:1e9\r\n',
  'a=rtcp:\r\n',
  'a=sendrecv\r\n',
  'a=\r\n',
  'a=__proto__:x\r\n',
  '-1',
  '65535',
  '65536',
  '127',
  '128',
  '999',
  '\u0000',
  '\u20ac',
  'v=0\r\n',
  's=\r\n',
  'o= 1 1 IN IP4 a\r\n',
  keyLine,
  '|1:4',
  '|2^49',
  'UNENCRYPTED_SRTP',
  'RTP/SAVP',
];
const texts = mutated(corpus, dictionary).map(bytes => bytes.toString('utf8'));

const local: LocalDescription = {
  address: '192.0.2.9',
  family: 4,
  rtpPort: 10_000,
  sessionId: 1,
  version: 1,
  codecs: ['PCMU', 'PCMA', 'G722'],
};

function parsed(text: string): SessionDescription {
  const result = parseSdp(text);
  if (!result.ok) throw result.failure;
  return result.value;
}

type Answer = typeof answer;

/** Reads, writes and answers a text; whatever it holds, what comes out obeys RFC 3264. */
function survives(text: string, reply: Answer): void {
  const read = parseSdp(text);
  if (!read.ok) return;
  const offer = read.value;
  expect(parsed(formatSdp(offer))).toEqual({ ...offer, name: offer.name || '-' });
  acceptAnswer(local, offer);
  const result = reply(offer, local);
  if (!result.ok) {
    expect(['no-codec-in-common', 'unsupported-transport', 'bad-offer']).toContain(result.failure.code);
    return;
  }
  const { sdp, plan } = result.value;
  const back = parsed(sdp);
  expect(back.media.map(line => [line.media, line.protocol])).toEqual(
    offer.media.map(line => [line.media, line.protocol]),
  );
  const taken = back.media.flatMap((line, i) => (line.port === 0 ? [] : [i]));
  expect(taken).toHaveLength(1);
  const wanted = offer.media[taken[0] ?? -1];
  expect(wanted?.port).toBe(plan.target.rtpPort);
  for (const format of back.media[taken[0] ?? -1]?.formats ?? []) {
    expect(wanted?.formats.map(Number)).toContain(Number(format));
  }
  expect(plan.receivePayloadTypes[plan.sendPayloadType]).toBe(plan.codec);
  expect([10, 20, 30, 40, 50, 60]).toContain(plan.packetTime);
  expect(plan.target.rtcpPort).toBeLessThanOrEqual(65_535);
}

const encryptions: readonly LocalEncryption[] = (['disabled', 'allowed', 'required'] as const).flatMap(
  policy => [true, false].map(keysAllowed => ({ policy, keysAllowed })),
);

/** Keys go only where they may, one line of them in the answer, and what requires them never does without. */
function staysEncrypted(text: string, encryption: LocalEncryption): void {
  const read = parseSdp(text);
  if (!read.ok) return;
  const mayHave = encryption.policy !== 'disabled' && encryption.keysAllowed;
  const accepted = acceptAnswer({ ...local, encryption }, read.value);
  if (accepted.ok && encryption.policy === 'required') expect(accepted.value.srtp).toBeDefined();
  const result = answer(read.value, { ...local, encryption });
  if (!result.ok) return;
  const { sdp, plan } = result.value;
  const lines = parsed(sdp).media.flatMap(each => each.attributes.filter(({ name }) => name === 'crypto'));
  expect(lines).toHaveLength(plan.srtp === undefined ? 0 : 1);
  if (!mayHave) expect(plan.srtp).toBeUndefined();
  if (encryption.policy === 'required') expect(plan.srtp).toBeDefined();
  // RFC 4568 section 5.1.2: each side has a key of its own.
  if (plan.srtp !== undefined) expect(plan.srtp.send.key).not.toEqual(plan.srtp.receive.key);
}

describe('SDP under mutated input', { timeout: 180_000 }, () => {
  it('is parsed, written and answered without a throw, with as many m-lines as were offered', () => {
    fc.assert(
      fc.property(texts, text => survives(text, answer)),
      settings,
    );
  });

  it('has keys only where they may be, and never goes without where they are required', () => {
    fc.assert(fc.property(texts, fc.constantFrom(...encryptions), staysEncrypted), settings);
  });

  it('does not throw on text without any sense', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), text => survives(`v=0\n${text}`, answer)),
      settings,
    );
  });

  it('would find an answerer that drops the lines it refuses', () => {
    const planted: Answer = (offer, ours) => {
      const first = offer.media.findIndex(line => line.media === 'audio' && line.port !== 0);
      return answer({ ...offer, media: offer.media.slice(Math.max(0, first)) }, ours);
    };
    const outcome = fc.check(
      fc.property(texts, text => survives(text, planted)),
      settings,
    );
    expect(outcome.failed).toBe(true);
  });
});
