import { describe, expect, it } from 'vitest';
import {
  type Frame,
  readContentLength,
  StreamFramer,
} from '../../../../../src/sip/embedded/message/framer.ts';
import { messageLimits } from '../../../../../src/sip/embedded/message/limits.ts';

function request(method: string, contentLength: string, body: string | Buffer = ''): Buffer {
  const head = [
    `${method} sip:a@example.net SIP/2.0`,
    'Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1',
    'From: <sip:b@example.net>;tag=1',
    'To: <sip:a@example.net>',
    'Call-ID: c1',
    `CSeq: 1 ${method}`,
    contentLength,
  ].filter(line => line !== '');
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), Buffer.from(body)]);
}

const options = request('OPTIONS', 'Content-Length: 0');

function drain(framer: StreamFramer): Frame[] {
  const frames: Frame[] = [];
  for (let frame = framer.next(); frame !== undefined; frame = framer.next()) frames.push(frame);
  return frames;
}

function framesOf(...chunks: (Buffer | string)[]): Frame[] {
  const framer = new StreamFramer();
  return chunks.flatMap(chunk => {
    framer.push(Buffer.from(chunk));
    return drain(framer);
  });
}

function shown(frame: Frame): string {
  if (frame.type === 'message') return `${frame.head.toString()}${frame.body.toString()}`;
  return frame.type === 'fault' ? `fault ${frame.fault.status} ${frame.fault.reason}` : frame.type;
}

describe('framing by Content-Length', () => {
  it('counts octets, not characters', () => {
    const body = `s=${'\u20ac'.repeat(500)}\r\n`;
    const invite = request('INVITE', `Content-Length: ${Buffer.byteLength(body)}`, body);
    const frames = framesOf(Buffer.concat([invite, options]));
    expect(frames.map(shown)).toEqual([invite.toString(), options.toString()]);
  });

  it('gives the same messages wherever the stream is cut in two', () => {
    const stream = Buffer.concat([request('MESSAGE', 'l: 4', '\r\n\r\n'), Buffer.from('\r\n'), options]);
    const whole = framesOf(stream).map(shown);
    expect(whole).toHaveLength(2);
    for (let cut = 1; cut < stream.length; cut++) {
      expect(framesOf(stream.subarray(0, cut), stream.subarray(cut)).map(shown)).toEqual(whole);
    }
  });

  it('gives 2,000 pipelined messages in order', () => {
    const stream = Buffer.concat(
      Array.from({ length: 2_000 }, (_, i) =>
        request('INFO', 'Content-Length: 4', String(i).padStart(4, '0')),
      ),
    );
    const bodies = framesOf(stream).map(frame => frame.type === 'message' && frame.body.toString());
    expect(bodies).toEqual(Array.from({ length: 2_000 }, (_, i) => String(i).padStart(4, '0')));
  });

  it('never writes into a frame it has given out', () => {
    const framer = new StreamFramer();
    const first = request('INFO', 'Content-Length: 4', 'body');
    framer.push(Buffer.from(first.subarray(0, 10)));
    framer.push(Buffer.concat([first.subarray(10), options.subarray(0, 7)]));
    const [frame] = drain(framer);
    framer.push(Buffer.concat([options.subarray(7), Buffer.alloc(20_000, 'A')]));
    drain(framer);
    expect(frame && shown(frame)).toBe(first.toString());
  });

  it.each([
    ['in its compact form', 'l: 4'],
    ['in any case with blanks before the colon', 'CONTENT-length \t: 4'],
    ['folded onto the next line', 'Content-Length:\r\n  4'],
    ['twice with the same value', 'Content-Length: 4\r\nl: 4'],
    ['with leading zeros', 'Content-Length: 0004'],
  ])('reads a length %s', (_, line) => {
    const frames = framesOf(Buffer.concat([request('INFO', line, 'body'), options]));
    expect(frames.map(frame => frame.type === 'message' && frame.body.toString())).toEqual(['body', '']);
  });

  it.each([
    ['missing', ''],
    ['negative', 'Content-Length: -999'],
    ['signed', 'Content-Length: +5'],
    ['hexadecimal', 'Content-Length: 0x10'],
    ['exponential', 'Content-Length: 1e3'],
    ['a list', 'Content-Length: 5, 5'],
    ['empty', 'Content-Length:'],
    ['folded into two numbers', 'Content-Length: 1\r\n 3'],
    ['2^31', 'Content-Length: 2147483648'],
    ['beyond 2^53', 'Content-Length: 9007199254740993000'],
    ['given twice with different values', 'Content-Length: 13\r\nContent-Length: 5'],
    ['given twice, one in the compact form', 'l: 13\r\nContent-Length: 5'],
  ])('ends a stream whose length is %s with 400, and smuggles nothing', (_, line) => {
    const framer = new StreamFramer();
    framer.push(Buffer.concat([request('INFO', line, 'body'), options]));
    const frames = drain(framer);
    expect(frames.map(shown)).toEqual(['fault 400 Bad Content-Length']);
    expect(frames[0]?.type === 'fault' && frames[0].fault.fatal).toBe(true);
    framer.push(Buffer.from(options));
    expect(drain(framer)).toEqual([]);
    expect(framer.partial).toBe(false);
  });

  it('gives the refused request along, so that the answer can echo it', () => {
    const [frame] = framesOf(request('INFO', 'Content-Length: -1'));
    const echo = frame?.type === 'fault' ? frame.fault.request : undefined;
    expect(echo?.headers.get('Call-ID')).toBe('c1');
    expect(echo?.headers.get('CSeq')).toBe('1 INFO');
  });

  it('does not mistake a name that only begins like it', () => {
    expect(readContentLength(request('INFO', 'Content-Length-X: 1\r\nContent-Lengt: 2\r\nlx: 3'))).toBe(
      undefined,
    );
    expect(readContentLength(request('INFO', 'Subject: l: 9\r\nl:7'))).toBe(7);
  });
});

describe('limits of the framer', () => {
  it('refuses a body of 10 MB with 413 before a byte of it has come', () => {
    expect(framesOf(request('INVITE', 'Content-Length: 10485760')).map(shown)).toEqual([
      'fault 413 Request Entity Too Large',
    ]);
  });

  it('takes a body of exactly the limit', () => {
    const body = Buffer.alloc(messageLimits.bodyBytes, 'x');
    const frames = framesOf(request('INFO', `Content-Length: ${body.length}`, body));
    expect(frames[0]?.type === 'message' && frames[0].body.length).toBe(body.length);
    expect(framesOf(request('INFO', `Content-Length: ${body.length + 1}`)).map(shown)).toEqual([
      'fault 413 Request Entity Too Large',
    ]);
  });

  it('stops reading a header section that is too large, whether its end has come or not', () => {
    const flood = `INFO sip:a SIP/2.0\r\nSubject: ${'a'.repeat(messageLimits.headBytes)}`;
    expect(framesOf(flood).map(shown)).toEqual(['fault 0 Header Section Too Large']);
    expect(framesOf(`${flood}\r\n\r\n`).map(shown)).toEqual(['fault 0 Header Section Too Large']);
  });

  it('holds nothing any more after a fault', () => {
    const framer = new StreamFramer();
    framer.push(Buffer.from('\u0016\u0003\u0001 not SIP'));
    expect(drain(framer).map(shown)).toEqual(['fault 0 Not SIP']);
    framer.push(Buffer.alloc(1_000, 'A'));
    expect(framer.partial).toBe(false);
    expect(framer.next()).toBe(undefined);
  });

  it('looks at each byte of a dripped header section a bounded number of times', () => {
    const framer = new StreamFramer();
    const head = request('INFO', `Subject: ${'a'.repeat(30_000)}\r\nContent-Length: 0`);
    let looked = 0;
    const indexOf = Buffer.prototype.indexOf;
    Buffer.prototype.indexOf = function (this: Buffer, value: Uint8Array, from?: number) {
      looked += this.length - (from ?? 0);
      return indexOf.call(this, value, from);
    } as typeof indexOf;
    const seen: Frame[] = [];
    try {
      for (let i = 0; i < head.length; i++) {
        framer.push(head.subarray(i, i + 1));
        seen.push(...drain(framer));
      }
    } finally {
      Buffer.prototype.indexOf = indexOf;
    }
    expect(seen.map(frame => frame.type)).toEqual(['message']);
    expect(looked).toBeLessThan(20 * head.length);
  });
});

describe('what stands between messages', () => {
  it('tells a ping of two CRLFs, also when each byte comes alone', () => {
    expect(framesOf('\r\n\r\n').map(shown)).toEqual(['keep-alive']);
    expect(framesOf('\r', '\n', '\r', '\n').map(shown)).toEqual(['keep-alive']);
    expect(framesOf('\r\n\r\n\r\n\r\n').map(shown)).toEqual(['keep-alive', 'keep-alive']);
  });

  it('ignores a single CRLF before and between messages', () => {
    const frames = framesOf('\r\n', options, '\r\n', options, '\r\n');
    expect(frames.map(frame => frame.type)).toEqual(['message', 'message']);
  });

  it('finds a message right behind a ping', () => {
    expect(framesOf(Buffer.concat([Buffer.from('\r\n\r\n'), options])).map(frame => frame.type)).toEqual([
      'keep-alive',
      'message',
    ]);
  });

  it.each(['\n\n', '\rX', ' INVITE', '\u0016\u0003\u0001', '<xml>'])('does not take %j for SIP', bytes => {
    expect(framesOf(bytes).map(shown)).toEqual(['fault 0 Not SIP']);
  });

  it('says that a message is unfinished from its first byte to its last, and never between messages', () => {
    const framer = new StreamFramer();
    const message = request('INFO', 'Content-Length: 4', 'body');
    expect(framer.partial).toBe(false);
    for (let i = 0; i < message.length; i++) {
      framer.push(message.subarray(i, i + 1));
      drain(framer);
      expect(framer.partial).toBe(i < message.length - 1);
    }
    framer.push(Buffer.from('\r'));
    drain(framer);
    expect(framer.partial).toBe(false);
  });
});
