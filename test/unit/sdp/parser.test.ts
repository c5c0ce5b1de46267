import { describe, expect, it } from 'vitest';
import { sdpLimits } from '../../../src/sdp/limits.ts';
import { parseSdp } from '../../../src/sdp/parser.ts';
import { formatSdp } from '../../../src/sdp/writer.ts';

const head = ['v=0', 'o=- 3747 461 IN IP4 192.0.2.1', 's=call', 'c=IN IP4 192.0.2.1', 't=0 0'];
const lines = [...head, 'm=audio 17202 RTP/AVP 0 8', 'a=rtpmap:0 PCMU/8000', 'a=sendrecv'];
const crlf = (rows: readonly string[]) => `${rows.join('\r\n')}\r\n`;

function good(text: string) {
  const result = parseSdp(text);
  if (!result.ok) throw result.failure;
  return result.value;
}

/** What is said about a text that is refused. */
function trouble(text: string): string {
  const result = parseSdp(text);
  if (result.ok) throw new Error('It was taken.');
  expect(result.failure.code).toBe('bad-offer');
  return result.failure.message.replace('The session description is malformed: ', '');
}

/** The usual text with one line replaced, or left out. */
function changed(from: string, to?: string): string {
  return crlf(lines.flatMap(line => (line.startsWith(from) ? (to === undefined ? [] : [to]) : [line])));
}

describe('parsing SDP', () => {
  it('reads session and media', () => {
    expect(good(crlf(lines))).toEqual({
      origin: { user: '-', sessionId: '3747', version: '461', address: '192.0.2.1' },
      name: 'call',
      connection: { family: 4, address: '192.0.2.1' },
      timing: '0 0',
      attributes: [],
      media: [
        {
          media: 'audio',
          port: 17202,
          protocol: 'RTP/AVP',
          formats: ['0', '8'],
          attributes: [{ name: 'rtpmap', value: '0 PCMU/8000' }, { name: 'sendrecv' }],
        },
      ],
    });
  });

  it('takes LF alone, a last line without an end, and empty lines at the end', () => {
    const expected = good(crlf(lines));
    for (const text of [
      `${lines.join('\n')}\n`,
      lines.join('\r\n'),
      lines.join('\n'),
      `${crlf(lines)}\r\n\r\n`,
    ]) {
      expect(good(text)).toEqual(expected);
    }
  });

  it('keeps what belongs to a media line apart from the session and from other media lines', () => {
    const more = [
      'a=group:X',
      'm=audio 1 RTP/AVP 0',
      'c=IN IP6 ::1',
      'a=one',
      'm=video 2/2 RTP/AVP 31',
      'c=IN IP4 10.0.0.1',
      'a=two',
    ];
    const sdp = good(crlf([...head, ...more]));
    expect(sdp.attributes.map(each => each.name)).toEqual(['group']);
    expect(sdp.media.map(each => [each.connection?.address, each.attributes[0]?.name])).toEqual([
      ['::1', 'one'],
      ['10.0.0.1', 'two'],
    ]);
  });

  it('skips lines and attributes that mean nothing here', () => {
    const more = [
      'i=x',
      'u=http://x',
      'e=x',
      'p=1',
      'b=AS:64',
      'z=0 0',
      'k=clear:x',
      'r=1',
      'a=candidate:1 1 UDP 1 ::1 9 typ host',
      'a=__proto__:x',
    ];
    expect(good(crlf([...lines, ...more])).media).toHaveLength(1);
  });

  it('lets the first of several c= lines count', () => {
    expect(good(crlf([...head, 'c=IN IP4 10.0.0.9'])).connection?.address).toBe('192.0.2.1');
  });

  it('does without t= and takes an empty s=', () => {
    expect(good(changed('t=')).timing).toBe('0 0');
    expect(good(changed('s=', 's=')).name).toBe('');
  });

  it('wants no address for a line that is switched off', () => {
    expect(
      good(crlf([...head.filter(line => !line.startsWith('c=')), 'm=audio 0 RTP/AVP 0'])).media,
    ).toHaveLength(1);
  });

  it.each([
    ['hello', 'it does not begin with v=0.'],
    ['', 'it does not begin with v=0.'],
    [changed('v=', 'v=1'), 'it does not begin with v=0.'],
    [changed('o='), 'o= is missing.'],
    [changed('s='), 's= is missing.'],
    [changed('c='), 'c= is missing.'],
    [changed('t=', 't=0'), 't= is not two numbers.'],
    [changed('o=', 'o=- 1 1 IN IP4'), 'o= lacks a part.'],
    [changed('o=', 'o=- x 1 IN IP4 a'), 'o= has no numbers.'],
    [changed('o=', 'o=- 1 1 ATM NSAP a'), 'o= is not of the Internet.'],
    [crlf([...lines, 'v=0']), 'it has a second v= line.'],
    [crlf([...lines, 's=x']), 'it has a second s= line.'],
    [crlf([...lines, 'o=- 1 1 IN IP4 a']), 'it has a second o= line.'],
    [crlf([...lines, 'm =video 3227 RTP/AVP 31']), 'a line is not of the form x=.'],
    [crlf([...head, '', 'm=audio 1 RTP/AVP 0']), 'a line is not of the form x=.'],
    [crlf([...lines, 'a=x\u0000y']), 'a line has a control character.'],
    [crlf([...lines, 'a=x\ry']), 'a line has a control character.'],
    [crlf([...lines, 'a=']), 'an a= line has no name.'],
  ])('refuses %j: %s', (text, what) => {
    expect(trouble(text)).toBe(what);
  });

  it.each(['-1', '65536', '99999', '1.5', '0x10', '', '1/x', '1/'])('refuses the port %j', port => {
    expect(trouble(changed('m=', `m=audio ${port} RTP/AVP 0`))).toBe('an m= line has no port.');
  });

  it.each(['m=audio 1 RTP/AVP', 'm=audio 1 RTP/AVP ', 'm=audio 1 RTP/AVP 0  8', 'm=audio 1'])(
    'refuses %j',
    line => {
      expect(trouble(changed('m=', line))).toBe('an m= line lacks a part.');
    },
  );

  it.each([
    'IP4 999.1.1.1',
    'IP4 224.0.0.1',
    'IP4 224.2.1.1/127',
    'IP4 255.255.255.255',
    'IP4 0.1.2.3',
    'IP4 240.0.0.1',
    'IP4 192.0.2.1/24',
    'IP4 ::1',
    'IP4 host.example',
    'IP4 127.1',
    'IP4 2130706433',
    'IP4',
    'IP6 192.0.2.1',
    'IP6 ff02::1',
    'IP6 fe80::1%eth0',
    'IP6 ::ffff:224.0.0.1',
    'IP6 :::1',
  ])('refuses the connection address %s', address => {
    expect(trouble(changed('c=', `c=IN ${address}`))).toBe('c= has no unicast address.');
  });

  it.each([
    'IP4 0.0.0.0',
    'IP4 127.0.0.1',
    'IP4 223.255.255.1',
    'IP6 ::',
    'IP6 ::1',
    'IP6 ::ffff:192.0.2.2',
    'IP6 2001:DB8::1',
  ])('takes the connection address %s', address => {
    expect(good(changed('c=', `c=IN ${address}`)).connection?.address).toBe(address.slice(4));
  });
});

describe('limits of SDP', () => {
  const many = (count: number, line: string) => Array<string>(count).fill(line);

  it('takes each limit exactly and nothing above it', () => {
    expect(good(crlf([...head, ...many(sdpLimits.mediaLines, 'm=audio 1 RTP/AVP 0')])).media).toHaveLength(
      16,
    );
    expect(trouble(crlf([...head, ...many(sdpLimits.mediaLines + 1, 'm=audio 1 RTP/AVP 0')]))).toBe(
      'it has too many m= lines.',
    );
    const formats = many(sdpLimits.payloadTypes, '0').join(' ');
    expect(good(changed('m=', `m=audio 1 RTP/AVP ${formats}`)).media[0]?.formats).toHaveLength(64);
    expect(trouble(changed('m=', `m=audio 1 RTP/AVP ${formats} 0`))).toBe('an m= line has too many formats.');
    expect(good(crlf([...head, ...many(sdpLimits.lines - head.length, 'a=x')])).attributes).toHaveLength(495);
    expect(trouble(crlf([...head, ...many(sdpLimits.lines - head.length + 1, 'a=x')]))).toBe(
      'it has too many lines.',
    );
  });

  it('counts octets of lines and of the whole', () => {
    const line = `a=${'\u20ac'.repeat(340)}`;
    expect(good(crlf([...head, `${line}xx`])).attributes).toHaveLength(1);
    expect(trouble(crlf([...head, `${line}xxx`]))).toBe('a line is too long.');
    expect(trouble(crlf([...head, ...many(33, `a=${'x'.repeat(1_000)}`)]))).toBe('it is too long.');
    expect(trouble(crlf([...head, ...many(20_000, 'a=x')]))).toBe('it is too long.');
  });
});

describe('writing SDP', () => {
  it('writes what it reads', () => {
    expect(formatSdp(good(crlf(lines)))).toBe(crlf(lines));
  });

  it('throws on a value with a line end, which would be a line of its own', () => {
    const sdp = good(crlf(lines));
    expect(() => formatSdp({ ...sdp, name: 'x\r\na=inactive' })).toThrow('line ends');
    expect(() => formatSdp({ ...sdp, attributes: [{ name: 'x', value: 'y\nz' }] })).toThrow('line ends');
  });
});
