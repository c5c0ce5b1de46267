#!/usr/bin/env node
// What parsing an ordinary INVITE costs, beside a reference that only cuts it at its line ends and colons.
// Usage: npm run build && node scripts/parse-cost.mjs [rounds]
import { parseMessage } from '../dist/src/sip/embedded/message/parser.js';

const sdp = [
  ...['v=0', 'o=- 1700000000 1700000000 IN IP4 192.0.2.10', 's=pbx', 'c=IN IP4 192.0.2.10', 't=0 0'],
  ...[
    'm=audio 12000 RTP/AVP 0 8 9 101',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:9 G722/8000',
  ],
  ...['a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-16', 'a=ptime:20', 'a=sendrecv', ''],
].join('\r\n');

/** As a PBX behind a proxy sends it: 1.2 kB with its SDP. */
const head = Buffer.from(
  [
    'INVITE sip:+14155550199@bridge.example:5060;transport=tcp SIP/2.0',
    'Via: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK3f2a.8b2c4d6e.0;i=4f1',
    'Via: SIP/2.0/TCP 192.0.2.10:5060;received=192.0.2.10;rport=44010;branch=z9hG4bK-524287-1---1f8c',
    'Record-Route: <sip:192.0.2.1;transport=tcp;lr;ftag=as4f1c>',
    'Max-Forwards: 69',
    'From: "Alice Example" <sip:+14155550123@pbx.example>;tag=as4f1c22d1',
    'To: <sip:+14155550199@bridge.example>',
    'Contact: <sip:+14155550123@192.0.2.10:5060;transport=tcp>',
    'Call-ID: 7f8d2c4e5a6b7c8d@pbx.example',
    'CSeq: 102 INVITE',
    'User-Agent: PBX 20.1',
    'Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, UPDATE, PRACK',
    'Supported: replaces, timer, 100rel',
    'Session-Expires: 1800',
    'P-Asserted-Identity: "Alice Example" <sip:+14155550123@pbx.example>',
    'X-CALL-ID: 7f8d2c4e',
    'X-CALLER-ID: +14155550123',
    'Content-Type: application/sdp',
    `Content-Length: ${Buffer.byteLength(sdp)}`,
    '',
    '',
  ].join('\r\n'),
);
const body = Buffer.from(sdp);

/** The least that anybody does who looks at a message by lines. */
function split() {
  const fields = [];
  for (const line of head.toString('utf8').split('\r\n')) {
    const colon = line.indexOf(':');
    fields.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
  }
  return fields;
}

/** Processor time of one call, microseconds: the best of ten rounds, for the others only say what else ran. */
export function microseconds(work, times) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 10; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < times; i++) work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / times);
  }
  return best;
}

/** @returns what parsing costs, what the reference costs, and how many times as much that is */
export function parseCost(times = 20_000) {
  const parse = () => {
    if (!parseMessage(head, body).ok) throw new Error('an ordinary INVITE was not taken');
  };
  microseconds(parse, times / 10);
  microseconds(split, times / 10);
  const [parsing, reference] = [microseconds(parse, times), microseconds(split, times)];
  return { bytes: head.length + body.length, parsing, reference, ratio: parsing / reference };
}

if (process.argv[1]?.endsWith('parse-cost.mjs')) {
  const { bytes, parsing, reference, ratio } = parseCost(Number(process.argv[2] ?? 20_000));
  console.log(
    `INVITE of ${bytes} bytes: ${parsing.toFixed(1)} us to parse, ${reference.toFixed(1)} us to cut into lines, ` +
      `${ratio.toFixed(1)} times as much`,
  );
}
