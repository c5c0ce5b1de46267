// The parser of SDP, and offer and answer with and without keys.

import { offerTrouble } from '../../../dist/src/sdp/encryption.js';
import { acceptAnswer, answer, offer, withKeysToOffer } from '../../../dist/src/sdp/negotiation.js';
import { parseSdp } from '../../../dist/src/sdp/parser.js';
import { formatSdp } from '../../../dist/src/sdp/writer.js';
import { must } from '../rule.mjs';

const head = 'v=0\r\no=- 3747 461 IN IP4 192.0.2.1\r\ns=call\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n';
const key = 'd0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj';
const crypto = `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}|2^20\r\n`;

export const seeds = [
  `${head}m=audio 17202 RTP/AVP 18 0 8 101\r\na=rtpmap:18 G729/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:30\r\na=sendonly\r\n`,
  `${head}a=inactive\r\nm=video 5000 RTP/AVP 31\r\nm=audio 6000/2 RTP/SAVP 0\r\nm=audio 6002 RTP/AVPF 9 96\r\nc=IN IP6 ::1\r\na=rtpmap:96 PCMA/8000/1\r\na=rtcp:6009 IN IP4 1.2.3.4\r\na=maxptime:40\r\n`,
  `${head}m=audio 4000 RTP/SAVP 0\r\n${crypto}a=crypto:2 AEAD_AES_128_GCM inline:${'A'.repeat(38)}== KDR=0 WSH=128\r\n`,
  `${head}m=audio 4000 RTP/AVP 97 98\na=rtpmap:97 G722/8000\na=rtpmap:98 telephone-event/8000\na=rtcp-mux\n${crypto}`,
];

export const dictionary = [
  ...[
    '\r\n',
    '\n',
    '\r',
    ' ',
    '=',
    ':',
    '/',
    '|',
    'm=audio 1 RTP/AVP 0\r\n',
    'm=audio 0 RTP/AVP 0\r\n',
    'RTP/SAVP',
    'm=audio 4000 RTP/SAVP 9\r\n',
    'a=sendonly\r\n',
  ],
  ...[
    'c=IN IP4 0.0.0.0\r\n',
    'c=IN IP6 ::\r\n',
    'c=IN IP4 224.0.0.1\r\n',
    'a=rtpmap:0 PCMA/8000\r\n',
    'a=rtpmap:\r\n',
  ],
  ...[
    'a=rtpmap:101\r\n',
    'a=ptime:1e9\r\n',
    'a=rtcp:\r\n',
    'a=sendrecv\r\n',
    'a=\r\n',
    'a=__proto__:x\r\n',
    '-1',
  ],
  ...[
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
    crypto,
  ],
  ...[
    'a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:',
    '|1:4',
    '|2^48',
    '|2^49',
    ';',
    'KDR=1',
    'UNENCRYPTED_SRTP',
    key,
  ],
];

const codecs = ['PCMU', 'PCMA', 'G722'];
const base = { address: '192.0.2.9', family: 4, rtpPort: 10_000, sessionId: 1, version: 1, codecs };
const encryptions = ['disabled', 'allowed', 'required'].flatMap(policy => [
  { policy, keysAllowed: true },
  { policy, keysAllowed: false },
]);
const codes = ['no-codec-in-common', 'unsupported-transport', 'bad-offer', 'encryption-required'];

function parsed(text) {
  const result = parseSdp(text);
  must(result.ok, 'our own SDP cannot be parsed');
  return result.value;
}

/** The first byte chooses what we say about keys. */
export function negotiate(input) {
  const read = parseSdp(input.subarray(1).toString('utf8'));
  if (!read.ok) return undefined;
  const peer = read.value;
  const again = parsed(formatSdp(peer));
  must(
    JSON.stringify(again) === JSON.stringify({ ...peer, name: peer.name || '-' }),
    'read back as something else',
  );
  const encryption = encryptions[(input[0] ?? 0) % encryptions.length];
  const local = { ...base, encryption };
  const accepted = acceptAnswer(local, peer);
  if (encryption.policy === 'required' && accepted.ok)
    must(accepted.value.srtp !== undefined, 'plain although required');
  if (offerTrouble(encryption) === undefined) parsed(offer(withKeysToOffer(local)));
  const result = answer(peer, local);
  if (!result.ok) {
    must(codes.includes(result.failure.code), `refused with ${result.failure.code}`);
    return result;
  }
  const { sdp, plan } = result.value;
  const ours = parsed(sdp);
  const shape = each => each.media.map(line => `${line.media} ${line.protocol}`).join();
  must(shape(ours) === shape(peer), 'the answer has other m-lines than the offer');
  const taken = ours.media.flatMap((line, i) => (line.port === 0 ? [] : [i]));
  must(taken.length === 1, 'not exactly one line was taken');
  const [at] = taken;
  const wanted = peer.media[at].formats.map(Number);
  must(
    ours.media[at].formats.every(format => wanted.includes(Number(format))),
    'a format that was not offered',
  );
  must(plan.receivePayloadTypes[plan.sendPayloadType] === plan.codec, 'the codec is not what is sent');
  must(plan.packetTime >= 10 && plan.packetTime <= 60, 'a packet time that was not to be');
  const lines = ours.media[at].attributes.filter(({ name }) => name === 'crypto');
  must(lines.length === (plan.srtp === undefined ? 0 : 1), 'keys and the lines that carry them differ');
  if (encryption.policy === 'required') must(plan.srtp !== undefined, 'plain although required');
  if (encryption.policy === 'disabled' || !encryption.keysAllowed)
    must(plan.srtp === undefined, 'keys in the clear');
  return result;
}
