import { describe, expect, it } from 'vitest';
import { Headers } from '../../../../../src/sip/embedded/message/headers.ts';
import type { SipRequest } from '../../../../../src/sip/embedded/message/message.ts';
import {
  formatRequest,
  formatResponse,
  reasonPhrase,
  responseTo,
} from '../../../../../src/sip/embedded/message/writer.ts';

const request: SipRequest = {
  kind: 'request',
  method: 'INVITE',
  uri: 'sip:b@c',
  headers: new Headers()
    .add('v', 'SIP/2.0/TCP one, SIP/2.0/TCP two')
    .add('Via', 'SIP/2.0/UDP three')
    .add('Record-Route', '<sip:p1;lr>')
    .add('Record-Route', '<sip:p2;lr>')
    .add('Timestamp', '54')
    .add('t', '"B" <sip:b@c>')
    .add('f', '<sip:a@c>;tag=1')
    .add('i', 'id')
    .add('CSeq', '7 INVITE'),
  body: Buffer.alloc(0),
};

const rows = (headers: Headers) => [...headers].map(({ name, value }) => `${name}: ${value}`);

describe('writing messages', () => {
  it('writes a request with the length of its body in octets', () => {
    const headers = new Headers().add('Subject', 'gr\u00fc\u00df').add('Content-Length', '999');
    expect(formatRequest('MESSAGE', 'sip:a@b', headers, '\u20ac').toString()).toBe(
      'MESSAGE sip:a@b SIP/2.0\r\nSubject: gr\u00fc\u00df\r\nContent-Length: 3\r\n\r\n\u20ac',
    );
  });

  it('writes a response, with the usual phrase when none is given', () => {
    expect(formatResponse(488, '', new Headers()).toString()).toBe(
      'SIP/2.0 488 Not Acceptable Here\r\nContent-Length: 0\r\n\r\n',
    );
    expect(formatResponse(200, 'Fine', new Headers()).toString()).toContain('SIP/2.0 200 Fine\r\n');
  });

  const payloads = [
    'a\r\nVia: x',
    'a\nVia: x',
    'a\rb',
    'a\u0000b',
    'a\u001bb',
    'a\u007fb',
    '"\\\r\n"',
    '"\\\n"',
    '"\\\r"',
  ];
  it.each(payloads)('throws on the value %j instead of writing it', value => {
    expect(() => formatResponse(200, 'OK', new Headers().add('X-A', value))).toThrow('X-A');
    expect(() => formatResponse(200, value, new Headers())).toThrow('reason phrase');
    expect(() => formatRequest('INFO', `sip:${value}@b`, new Headers())).toThrow('Request-URI');
  });

  it.each(['X A', 'X:', '', 'X\r\nVia', 'X\u00fc'])('throws on the field name %j', name => {
    expect(() => formatResponse(200, 'OK', new Headers().add(name, 'x'))).toThrow(
      'name of a SIP header field',
    );
  });

  it('adds no line for characters whose low octets are CR and LF', () => {
    const written = formatResponse(200, 'OK', new Headers().add('X-A', 'a\u010d\u010ab\u2028'));
    expect(written.toString().split('\r\n')).toHaveLength(5);
  });

  it.each(['IN VITE', '', 'A\r\nB'])('throws on the method %j', method => {
    expect(() => formatRequest(method, 'sip:a', new Headers())).toThrow('token');
  });

  it.each([99, 700, 200.5, Number.NaN])('throws on the status %d', status => {
    expect(() => formatResponse(status, 'x', new Headers())).toThrow('100 to 699');
  });
});

describe('the header section of a response', () => {
  it('echoes every Via as it came, and From, To, Call-ID and CSeq', () => {
    expect(rows(responseTo(request, 486, undefined, 'ours'))).toEqual([
      'Via: SIP/2.0/TCP one, SIP/2.0/TCP two',
      'Via: SIP/2.0/UDP three',
      'From: <sip:a@c>;tag=1',
      'To: "B" <sip:b@c>;tag=ours',
      'Call-ID: id',
      'CSeq: 7 INVITE',
    ]);
  });

  it('has Record-Route only when told', () => {
    expect(responseTo(request, 200, 'OK', 'x', { recordRoute: true }).all('Record-Route')).toEqual([
      '<sip:p1;lr>',
      '<sip:p2;lr>',
    ]);
  });

  it('gives a 100 no tag, but its Timestamp', () => {
    const headers = responseTo(request, 100, 'Trying', 'ours');
    expect([headers.get('To'), headers.get('Timestamp')]).toEqual(['"B" <sip:b@c>', '54']);
  });

  it('leaves a tag that is there already', () => {
    const headers = new Headers().add('To', '<sip:b@c;tag=no>;TAG=theirs');
    expect(responseTo({ ...request, headers }, 200, 'OK', 'ours').get('To')).toBe(
      '<sip:b@c;tag=no>;TAG=theirs',
    );
    const untagged = new Headers().add('To', '<sip:b@c;tag=no>');
    expect(responseTo({ ...request, headers: untagged }, 200, 'OK', 'ours').get('To')).toBe(
      '<sip:b@c;tag=no>;tag=ours',
    );
  });
});

describe('reason phrases', () => {
  it('knows the usual ones and falls back to the class', () => {
    expect([481, 299, 699, 799].map(reasonPhrase)).toEqual([
      'Call/Transaction Does Not Exist',
      'OK',
      'Busy Everywhere',
      'Unknown',
    ]);
  });
});

describe('header fields', () => {
  it('compare without case, by either form of the name, and keep their order', () => {
    const headers = new Headers()
      .add('X-A', '1')
      .add('k', 'timer')
      .add('x-a', '2')
      .add('Supported', '100rel, path');
    expect(headers.all('X-a')).toEqual(['1', '2']);
    expect(headers.list('k')).toEqual(['timer', '100rel', 'path']);
    expect(headers.set('X-A', '3').all('x-a')).toEqual(['3']);
    expect(rows(headers)).toEqual(['X-A: 3', 'Supported: timer', 'Supported: 100rel, path']);
  });

  it('can be put first, replaced in the first place only, and removed', () => {
    const headers = new Headers().add('Via', 'b').add('To', 't').add('Via', 'c').prepend('Via', 'a');
    expect(headers.setFirst('v', 'A').all('Via')).toEqual(['A', 'b', 'c']);
    expect(rows(headers.delete('VIA'))).toEqual(['To: t']);
    expect([headers.size, headers.has('Via'), headers.get('Via')]).toEqual([1, false, undefined]);
  });
});
