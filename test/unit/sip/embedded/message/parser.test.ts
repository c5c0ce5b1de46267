import { describe, expect, it } from 'vitest';
import type { ParseFault, SipMessage } from '../../../../../src/sip/embedded/message/message.ts';
import { parseMessage } from '../../../../../src/sip/embedded/message/parser.ts';
import { formatResponse, responseTo } from '../../../../../src/sip/embedded/message/writer.ts';

const mandatory: Record<string, string> = {
  Via: 'SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK776',
  From: '"Anna" <sip:+14155550100@example.net>;tag=88',
  To: '<sip:+14155550199@example.net>',
  'Call-ID': 'a84b4c76e66710@192.0.2.1',
  CSeq: '314159 INVITE',
  'Max-Forwards': '70',
  Contact: '<sip:anna@192.0.2.1:5060;transport=tcp>',
};

/** An INVITE with fields replaced or, with `undefined`, left out; `more` are rows behind it. */
function text(
  change: Record<string, string | undefined> = {},
  more = '',
  start = 'INVITE sip:bob@example.net SIP/2.0',
) {
  const fields = Object.entries({ ...mandatory, ...change }).filter(([, value]) => value !== undefined);
  return `${start}\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}${more}\r\n`;
}

const parse = (message: string | Buffer) => parseMessage(Buffer.from(message as string), Buffer.alloc(0));

function good(message: string): SipMessage {
  const result = parse(message);
  if (!result.ok) throw new Error(result.failure.reason);
  return result.value;
}

function fault(message: string | Buffer): ParseFault {
  const result = parse(message);
  if (result.ok) throw new Error('It was taken.');
  return result.failure;
}

describe('parsing a request', () => {
  it('gives method, URI as sent, header fields in order and the body', () => {
    const result = parseMessage(Buffer.from(text()), Buffer.from('v=0'));
    expect(result.ok && result.value).toMatchObject({
      kind: 'request',
      method: 'INVITE',
      uri: 'sip:bob@example.net',
    });
    const message = result.ok ? result.value : undefined;
    expect([...(message?.headers ?? [])].map(field => field.name)).toEqual(Object.keys(mandatory));
    expect(message?.body.toString()).toBe('v=0');
  });

  it('joins folded rows by one space and takes blanks before the colon', () => {
    const { headers } = good(text({ Subject: 'a \r\n \t b\r\n\tc' }, 'X-One \t :  two \t\r\n'));
    expect(headers.get('subject')).toBe('a b c');
    expect(headers.get('x-one')).toBe('two');
  });

  it.each([
    ['a', 'Accept-Contact'],
    ['b', 'Referred-By'],
    ['c', 'Content-Type'],
    ['d', 'Request-Disposition'],
    ['e', 'Content-Encoding'],
    ['j', 'Reject-Contact'],
    ['k', 'Supported'],
    ['l', 'Content-Length'],
    ['n', 'Identity-Info'],
    ['o', 'Event'],
    ['r', 'Refer-To'],
    ['s', 'Subject'],
    ['u', 'Allow-Events'],
    ['x', 'Session-Expires'],
    ['y', 'Identity'],
  ])('writes the compact name %s out as %s, in either case', (short, long) => {
    expect(good(text({}, `${short}: value\r\n`)).headers.get(long)).toBe('value');
    expect(good(text({}, `${short.toUpperCase()}: value\r\n`)).headers.get(long)).toBe('value');
  });

  it('takes a request whose mandatory fields all have compact names', () => {
    const { Via, From, To, Contact, 'Call-ID': id } = mandatory;
    const none = { Via: undefined, From: undefined, To: undefined, Contact: undefined, 'Call-ID': undefined };
    const { headers } = good(
      text(none, `v: ${Via}\r\nf: ${From}\r\nt: ${To}\r\nm: ${Contact}\r\ni: ${id}\r\n`),
    );
    expect(headers.get('Call-ID')).toBe(id);
  });

  it('keeps magic names as ordinary header fields', () => {
    const { headers } = good(text({}, '__proto__: a\r\nconstructor: b\r\nhasOwnProperty: c\r\n'));
    expect([headers.get('__proto__'), headers.get('constructor'), headers.get('hasOwnProperty')]).toEqual([
      'a',
      'b',
      'c',
    ]);
    expect(headers.get('toString')).toBe(undefined);
  });

  it('never unescapes names', () => {
    expect(good(text({}, 'C%6Fntent-Type: text/plain\r\n')).headers.has('Content-Type')).toBe(false);
  });

  it('does without Max-Forwards, as peers of RFC 2543 do', () => {
    expect(good(text({ 'Max-Forwards': undefined })).kind).toBe('request');
  });
});

describe('refusing a request', () => {
  it.each([
    ['without a version', 'INVITE sip:bob@example.net', 400],
    ['of another version', 'INVITE sip:bob@example.net SIP/7.0', 505],
    ['of another protocol', 'GET / HTTP/1.1', 400],
    ['with two spaces in its start line', 'INVITE  sip:bob@example.net SIP/2.0', 400],
    ['with a space behind its start line', 'INVITE sip:bob@example.net SIP/2.0 ', 400],
    ['with a space in its URI', 'INVITE sip:bob@example.net; lr SIP/2.0', 400],
    ['with brackets round its URI', 'INVITE <sip:bob@example.net> SIP/2.0', 400],
    ['with header fields in its URI', 'INVITE sip:bob@example.net?Route=%3Csip:x%3E SIP/2.0', 400],
    ['with an unbracketed IPv6 address', 'INVITE sip:2001:db8::10 SIP/2.0', 400],
    ['with a method that is no token', 'INV@ITE sip:bob@example.net SIP/2.0', 400],
    ['with a URI that is too long', `INVITE sip:${'b'.repeat(2_048)}@example.net SIP/2.0`, 414],
  ])('answers a start line %s', (_, start, status) => {
    const refused = fault(text({}, '', start));
    expect([refused.status, refused.fatal]).toEqual([status, false]);
  });

  it.each([
    ['Missing From', { From: undefined }],
    ['Missing To', { To: undefined }],
    ['Missing Call-ID', { 'Call-ID': undefined }],
    ['Missing CSeq', { CSeq: undefined }],
    ['Missing Contact', { Contact: undefined }],
    ['Bad Via', { Via: 'garbage' }],
    ['Bad Via', { Via: 'SIP/2.0/TCP a;branch=1,' }],
    ['Bad Via', { Via: 'SIP/2.0/TCP a:99999' }],
    ['Bad From', { From: '' }],
    ['Bad From', { From: '<sip:a@b' }],
    ['Bad To', { To: '"Anna <sip:a@b>' }],
    ['Bad To', { To: 'Bell, Alexander <sip:a@b>' }],
    ['Bad To', { To: '< sip:a@b >' }],
    ['Bad Call-ID', { 'Call-ID': '' }],
    ['Bad Call-ID', { 'Call-ID': 'a b' }],
    ['Bad CSeq', { CSeq: '' }],
    ['Bad CSeq', { CSeq: '2147483648 INVITE' }],
    ['Bad CSeq', { CSeq: '-1 INVITE' }],
    ['CSeq Method Mismatch', { CSeq: '1 OPTIONS' }],
    ['CSeq Method Mismatch', { CSeq: '1 invite' }],
    ['Bad Max-Forwards', { 'Max-Forwards': '300' }],
    ['Bad Max-Forwards', { 'Max-Forwards': '-1' }],
    ['Bad Contact', { Contact: '*' }],
    ['Bad Contact', { Contact: 'sip:a@b?Route=c' }],
    ['Bad Contact', { Contact: '<sip:a@b>, <sip:c@d>' }],
    ['Bad Contact', { Contact: '<tel:+1>' }],
    ['Bad Record-Route', { 'Record-Route': '<sip:a;lr>,' }],
    ['Bad Route', { Route: 'sip:' }],
  ])('says %s', (reason, change) => {
    expect(fault(text(change))).toMatchObject({ status: 400, reason, fatal: false });
  });

  it.each(['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards'])(
    'refuses a second %s even when it is equal',
    name => {
      expect(fault(text({}, `${name}: ${mandatory[name]}\r\n`)).reason).toBe(`Repeated ${name}`);
    },
  );

  it.each([
    ['a row without a colon', 'Foobar roobar\r\n', 'Bad Header Field'],
    ['a row without a name', ': x\r\n', 'Bad Header Field'],
    ['a name with a blank', 'X Y: z\r\n', 'Bad Header Field'],
    ['a bare LF', 'X-A: b\nVia: c\r\n', 'Control Character in Header Field'],
    ['a bare CR', 'X-A: b\rc\r\n', 'Control Character in Header Field'],
    ['a NUL', 'X-A: b\u0000\r\n', 'Control Character in Header Field'],
    [
      'a quoted pair in a quote that does not end',
      'X-A: "b\\\u0000\r\n',
      'Control Character in Header Field',
    ],
    ['a field that is too long', `X-A: ${'b'.repeat(8_192)}\r\n`, 'Header Field Too Long'],
    [
      'a field that is too long in octets alone',
      `X-A: ${'\u20ac'.repeat(2_800)}\r\n`,
      'Header Field Too Long',
    ],
    ['a field that is too long even unfolded', `X-A: ${'b\r\n '.repeat(4_500)}\r\n`, 'Header Field Too Long'],
    ['too many rows', 'X: y\r\n'.repeat(256), 'Too Many Header Fields'],
    ['too many Via', `Via: ${Array(70).fill('SIP/2.0/TCP a').join(', ')}\r\n`, 'Too Many Via'],
    [
      'too many Route',
      `Route: ${Array(17).fill('<sip:a;lr>').join(',')}\r\nRecord-Route: ${Array(16).fill('<sip:a;lr>').join(',')}\r\n`,
      'Too Many Route',
    ],
    ['too many credentials', 'Authorization: Digest a=b\r\n'.repeat(5), 'Too Many Credentials'],
  ])('refuses %s', (_, rows, reason) => {
    expect(fault(text({}, rows))).toMatchObject({ status: 400, reason });
  });

  it('takes control characters in quoted pairs only', () => {
    expect(good(text({ To: '"NUL:\\\u0000 DEL:\\\u007f" <sip:a@b>' })).headers.get('To')).toContain(
      '\\\u0000',
    );
    expect(fault(text({ To: '"NUL:\u0000" <sip:a@b>' })).status).toBe(400);
    expect(fault(text({ To: '<sip:a@b>;x=\\\u0000' })).status).toBe(400);
  });

  it('puts the version before everything else that is wrong', () => {
    expect(fault(text({ CSeq: 'x', Via: 'SIP/7.0/UDP a' }, '', 'INVITE sip:b SIP/7.0')).status).toBe(505);
  });

  it('echoes what could be read, fit to be written', () => {
    const refused = fault(
      text({ From: '<sip:a@b\u0007>;tag=1', CSeq: undefined }, 'No colon\r\nCSeq: 1 INVITE\r\n'),
    );
    expect(refused.request && formatResponse(400, '', responseTo(refused.request, 400)).toString()).toBe(
      [
        'SIP/2.0 400 Bad Request',
        `Via: ${mandatory['Via']}`,
        'From: <sip:a@b >;tag=1',
        `To: ${mandatory['To']}`,
        `Call-ID: ${mandatory['Call-ID']}`,
        'CSeq: 1 INVITE',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    );
  });

  it('leaves a request without Via and every ACK without an answer', () => {
    expect(fault(text({ Via: undefined })).status).toBe(0);
    expect(fault(text({ CSeq: 'x' }, '', 'ACK sip:b SIP/2.0'))).toMatchObject({ status: 0, fatal: false });
  });

  it('has nothing of the message in its reason', () => {
    expect(fault(text({ To: 'secret' })).reason).toBe('Bad To');
  });
});

describe('parsing a response', () => {
  it.each([
    ['SIP/2.0 200 OK', 200, 'OK'],
    ['sip/2.0 100 ', 100, ''],
    ['SIP/2.0 486', 486, ''],
    ['SIP/2.0 200 = 2**3 * 5**2 но', 200, '= 2**3 * 5**2 но'],
  ])('reads %j', (start, status, reason) => {
    expect(good(text({ Contact: undefined }, '', start))).toMatchObject({ kind: 'response', status, reason });
  });

  it.each([
    'SIP/2.0 4294967301 OK',
    'SIP/2.0 99 Low',
    'SIP/2.0 700 High',
    'SIP/3.0 200 OK',
    'SIP/2.0 2x0 OK',
  ])('drops %j without an answer', start => {
    expect(fault(text({}, '', start)).status).toBe(0);
  });

  it('drops one without CSeq', () => {
    expect(fault(text({ CSeq: undefined }, '', 'SIP/2.0 200 OK'))).toMatchObject({
      status: 0,
      reason: 'Missing CSeq',
    });
  });
});
