import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Frame, StreamFramer } from '../../src/sip/embedded/message/framer.ts';
import type { SipMessage } from '../../src/sip/embedded/message/message.ts';
import { parseMessage } from '../../src/sip/embedded/message/parser.ts';
import { formatRequest, formatResponse, responseTo } from '../../src/sip/embedded/message/writer.ts';
import { mutated, settings } from './mutation.ts';

const rows = [
  'Via: SIP/2.0/TLS [2001:db8::1]:5061;rport;branch=z9hG4bKb7d1, SIP/2.0/UDP 10.0.0.1;received=10.0.0.2',
  'f: "Anna \\"A\\" B" <sip:%2B14155550100@example.net;user=phone>;tag=0413',
  'To: <tel:+14155550199;phone-context=x>',
  'Call-ID: 7d4eb3bd@0.0.0.0',
  'Max-Forwards: 69',
  'Record-Route: <sip:a;lr;r2=on>,\r\n <sip:b;lr>',
  'm: Anna <sip:anna@[::1]:5060;transport=tls>;expires=60',
  'X-Note : gr\u00fc\u00df, "x,y"',
  'Supported: 100rel, timer',
];
const body = 'v=0\r\n\r\ns=\u20ac';
const tail = `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const corpus = [
  `INVITE sip:bob@example.net SIP/2.0\r\n${rows.join('\r\n')}\r\nCSeq: 1 INVITE\r\n${tail}`,
  `\r\n\r\nOPTIONS sips:h:5061;x=y SIP/2.0\r\n${rows.slice(0, 5).join('\r\n')}\r\nCSeq: 2147483647 OPTIONS\r\nl: 0\r\n\r\n`,
  `SIP/2.0 183 Session Progress\r\n${rows.slice(0, 6).join('\r\n')}\r\nCSeq: 9 INVITE\r\n${tail}`,
];
const dictionary = [
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
  'Content-Length: -1\r\n',
  'Contact: *\r\n',
  'Route:\r\n',
  '__proto__: x\r\n',
  'Via: x\r\n',
  'From: a\r\n',
  ';tag=',
  '99999999999',
  'CSeq: \r\n',
  ' '.repeat(300),
  ';a=b'.repeat(50),
];
const streams = mutated(corpus, dictionary);

function framesOf(chunks: readonly Buffer[]): Frame[] {
  const framer = new StreamFramer();
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    framer.push(chunk);
    for (let frame = framer.next(); frame !== undefined; frame = framer.next()) frames.push(frame);
  }
  return frames;
}

function told(frame: Frame): string {
  if (frame.type === 'message') return `${frame.head.toString('latin1')}${frame.body.toString('latin1')}`;
  return frame.type === 'fault' ? `${frame.fault.status} ${frame.fault.reason}` : frame.type;
}

function pieces(stream: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...cuts.map(cut => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b);
  return ends.map((end, i) => Buffer.from(stream.subarray(ends[i - 1] ?? 0, end)));
}

/** What comparing two messages looks at; Content-Length is the writer's own. */
function shown(message: SipMessage): unknown {
  const fields = [...message.headers].filter(field => field.name.toLowerCase() !== 'content-length');
  const start = message.kind === 'request' ? [message.method, message.uri] : [message.status];
  return { kind: message.kind, start, fields, body: message.body.toString('hex') };
}

function written(message: SipMessage): Buffer {
  const { headers, body } = message;
  if (message.kind === 'request') return formatRequest(message.method, message.uri, headers, body);
  return formatResponse(message.status, message.reason, headers, body);
}

/** The one message that a buffer written here holds. */
function readBack(bytes: Buffer): SipMessage {
  const frames = framesOf([bytes]);
  const [frame] = frames;
  if (frames.length !== 1 || frame?.type !== 'message') throw new Error('Not one message.');
  const result = parseMessage(frame.head, frame.body);
  if (!result.ok) throw new Error(result.failure.reason);
  return result.value;
}

type Parse = typeof parseMessage;

/** Takes whatever the stream holds, answers what can be answered, and reads back what it wrote. */
function survives(stream: Buffer, parse: Parse): void {
  for (const frame of framesOf([stream])) {
    if (frame.type === 'keep-alive') continue;
    const result =
      frame.type === 'message' ? parse(frame.head, frame.body) : { ok: false as const, failure: frame.fault };
    if (result.ok) {
      expect(shown(readBack(written(result.value)))).toEqual(shown(result.value));
      continue;
    }
    const { status, reason, request } = result.failure;
    expect(status === 0).toBe(request === undefined);
    if (request === undefined) continue;
    const answer = formatResponse(status, reason, responseTo(request, status, reason, 'tag'));
    expect(framesOf([answer]).map(each => each.type)).toEqual(['message']);
  }
}

describe('the SIP message layer under mutated input', { timeout: 180_000 }, () => {
  it('never throws, and reads back the same from what it writes', () => {
    fc.assert(
      fc.property(streams, stream => survives(stream, parseMessage)),
      settings,
    );
  });

  it('gives the same frames however the stream is cut', () => {
    const cuts = fc.array(fc.nat(4_000), { minLength: 1, maxLength: 8 });
    const pair = fc.tuple(streams, streams).map(([a, b]) => Buffer.concat([a, b]));
    fc.assert(
      fc.property(pair, cuts, (stream, at) => {
        expect(framesOf(pieces(stream, at)).map(told)).toEqual(framesOf([stream]).map(told));
      }),
      settings,
    );
  });

  it('gives the same frames byte by byte', () => {
    fc.assert(
      fc.property(streams, stream => {
        const bytes = Array.from(stream, byte => Buffer.from([byte]));
        expect(framesOf(bytes).map(told)).toEqual(framesOf([stream]).map(told));
      }),
      { ...settings, numRuns: Math.ceil(settings.numRuns / 20) },
    );
  });

  it('does not throw on octets without any sense', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), octets => {
        survives(Buffer.from(octets), parseMessage);
        parseMessage(Buffer.from(octets), Buffer.alloc(0));
      }),
      settings,
    );
  });

  it('would find a parser that throws where a quote does not end', () => {
    const planted: Parse = (head, octets) => {
      const result = parseMessage(head, octets);
      if (!result.ok && result.failure.reason === 'Bad From') throw new TypeError('planted');
      return result;
    };
    const outcome = fc.check(
      fc.property(streams, stream => survives(stream, planted)),
      settings,
    );
    expect(outcome.failed).toBe(true);
  });

  it('would find a parser that lets a line end into a value', () => {
    const planted: Parse = (head, octets) => {
      const result = parseMessage(head, octets);
      if (result.ok && result.value.headers.has('Contact')) result.value.headers.add('X-Planted', 'a\r\nb');
      return result;
    };
    const outcome = fc.check(
      fc.property(streams, stream => survives(stream, planted)),
      settings,
    );
    expect(outcome.failed).toBe(true);
  });
});
