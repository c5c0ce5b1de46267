// The framer and the parser of SIP messages.
import { StreamFramer } from '../../../dist/src/sip/embedded/message/framer.js';
import { parseMessage } from '../../../dist/src/sip/embedded/message/parser.js';
import { parseNameAddr, parseUri } from '../../../dist/src/sip/embedded/message/uri.js';
import { parseVia } from '../../../dist/src/sip/embedded/message/via.js';
import { formatRequest, formatResponse, responseTo } from '../../../dist/src/sip/embedded/message/writer.js';
import { must } from '../rule.mjs';

const rows = [
  'Via: SIP/2.0/TLS [2001:db8::1]:5061;rport;branch=z9hG4bKb7d1, SIP/2.0/UDP 10.0.0.1;received=10.0.0.2',
  'f: "Anna \\"A\\" B" <sip:%2B14155550100@example.net;user=phone>;tag=0413',
  'To: <tel:+14155550199;phone-context=x>',
  'Call-ID: 7d4eb3bd@0.0.0.0',
  'Max-Forwards: 69',
  'Record-Route: <sip:a;lr;r2=on>,\r\n <sip:b;lr>',
  'm: Anna <sip:anna@[::1]:5060;transport=tls>;expires=60',
  'X-Note : a, "x,y"',
];
const body = 'v=0\r\n\r\ns=\u20ac';
const tail = `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

export const seeds = [
  `INVITE sip:bob@example.net SIP/2.0\r\n${rows.join('\r\n')}\r\nCSeq: 1 INVITE\r\n${tail}`,
  `\r\n\r\nOPTIONS sips:h:5061;x=y SIP/2.0\r\n${rows.slice(0, 5).join('\r\n')}\r\nCSeq: 2147483647 OPTIONS\r\nl: 0\r\n\r\n`,
  `SIP/2.0 183 Session Progress\r\n${rows.slice(0, 6).join('\r\n')}\r\nCSeq: 9 INVITE\r\n${tail}`,
];

export const dictionary = [
  ...[
    '\r\n',
    '\r\n\r\n',
    '\r\n ',
    '\r',
    '\n',
    ' ',
    '\t',
    ',',
    ';',
    ':',
    '"',
    '\\',
    '<',
    '>',
    '@',
    '%',
    '%00',
    '%zz',
  ],
  ...[
    '[',
    ']',
    '?',
    '=',
    '*',
    '\u0000',
    '\u007f',
    '\u20ac',
    'SIP/2.0',
    'SIP/7.0 ',
    'l: 5\r\n',
    'l: 0\r\n\r\n',
  ],
  ...[
    'Content-Length: -1\r\n',
    'Content-Length: 4294967297\r\n',
    'Contact: *\r\n',
    'Contact: <sip:a@b>\r\n',
    'Route:\r\n',
    '__proto__: x\r\n',
  ],
  ...['Via: x\r\n', 'From: a\r\n', ';tag=', '99999999999', 'CSeq: \r\n', ' '.repeat(300), ';a=b'.repeat(50)],
];

function framesOf(chunks) {
  const framer = new StreamFramer();
  const frames = [];
  for (const chunk of chunks) {
    framer.push(chunk);
    for (let frame = framer.next(); frame !== undefined; frame = framer.next()) frames.push(frame);
  }
  return frames;
}

function told(frame) {
  if (frame.type === 'message') return `${frame.head.toString('latin1')}${frame.body.toString('latin1')}`;
  return frame.type === 'fault' ? `${frame.fault.status} ${frame.fault.reason}` : frame.type;
}

/** However the stream is cut, it holds the same frames. The first two bytes say where. */
export function frame(input) {
  const stream = input.subarray(2);
  const whole = framesOf([Buffer.from(stream)]).map(told);
  const at = input.length < 2 ? 0 : input.readUInt16BE(0) % (stream.length + 1);
  const middle = (at + stream.length) >> 1;
  const parts = [stream.subarray(0, at), stream.subarray(at, middle), stream.subarray(middle)].map(part =>
    Buffer.from(part),
  );
  must(
    framesOf(parts).map(told).join('\0') === whole.join('\0'),
    'the frames depend on where the stream was cut',
  );
  return whole;
}

function shown(message) {
  const fields = [...message.headers].filter(field => field.name.toLowerCase() !== 'content-length');
  const start = message.kind === 'request' ? [message.method, message.uri] : [message.status];
  return JSON.stringify([start, fields, message.body.toString('hex')]);
}

function written({ kind, method, uri, status, reason, headers, body: octets }) {
  return kind === 'request'
    ? formatRequest(method, uri, headers, octets)
    : formatResponse(status, reason, headers, octets);
}

/** What is parsed is written and read back the same; what is refused can be answered. */
export function parse(input) {
  const results = [];
  for (const each of framesOf([Buffer.from(input)])) {
    if (each.type === 'keep-alive') continue;
    const result =
      each.type === 'message' ? parseMessage(each.head, each.body) : { ok: false, failure: each.fault };
    results.push(result);
    if (result.ok) {
      const [back, ...more] = framesOf([written(result.value)]);
      must(back?.type === 'message' && more.length === 0, 'what was written is not one message');
      const again = parseMessage(back.head, back.body);
      must(again.ok, 'what was written cannot be parsed');
      must(shown(again.value) === shown(result.value), 'what was written reads as something else');
      for (const { value } of result.value.headers) {
        parseUri(value);
        parseNameAddr(value);
        parseVia(value);
      }
      continue;
    }
    const { status, reason, request } = result.failure;
    must(
      (status === 0) === (request === undefined),
      'a fault with a status and nobody to answer, or the reverse',
    );
    if (request === undefined) continue;
    const [answer] = framesOf([formatResponse(status, reason, responseTo(request, status, reason, 'tag'))]);
    must(answer?.type === 'message', 'the answer to a fault is no message');
  }
  return results;
}
