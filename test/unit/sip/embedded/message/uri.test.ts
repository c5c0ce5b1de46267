import { describe, expect, it } from 'vitest';
import { splitList } from '../../../../../src/sip/embedded/message/list.ts';
import { parseNameAddr, parseNameAddrList, parseUri } from '../../../../../src/sip/embedded/message/uri.ts';

describe('parsing a URI', () => {
  it('takes a SIP URI apart and leaves parameter values escaped', () => {
    const uri = parseUri('SIPS:%2B1415:pw@Example.NET:5061;Transport=tcp;lr;x=value%25%34%31?Subject=a%20b');
    expect(uri).toEqual({
      scheme: 'sips',
      user: '+1415',
      userRaw: '%2B1415',
      host: 'Example.NET',
      port: 5061,
      params: new Map([
        ['transport', 'tcp'],
        ['lr', undefined],
        ['x', 'value%25%34%31'],
      ]),
      headers: 'Subject=a%20b',
    });
  });

  it.each([
    ['sip:%73ip%3A@a', 'sip:'],
    ['sip:a%2541@b', 'a%41'],
    ['sip:null-%00-null@a', 'null-\u0000-null'],
    ['sip:user;par=u%40example.net@example.com', 'user;par=u@example.net'],
    ['sip:j%C3%BCrgen@a', 'j\u00fcrgen'],
    ['sip:*21#@a', '*21#'],
    ['sip:a?b;c=d@e', 'a?b;c=d'],
    ['sip:host', ''],
    ['tel:+1-201-555;phone-context=x', '+1-201-555'],
  ])('unescapes the user of %s once', (text, user) => {
    expect(parseUri(text)?.user).toBe(user);
  });

  it('gives an IPv6 host without brackets, and never takes its last group for a port', () => {
    expect(parseUri('sip:[2001:db8::10]:5070')).toMatchObject({ host: '2001:db8::10', port: 5070 });
    const ambiguous = parseUri('sip:a@[2001:db8::10:5070]');
    expect([ambiguous?.host, ambiguous?.port]).toEqual(['2001:db8::10:5070', undefined]);
  });

  it('keeps a URI of an unknown scheme whole', () => {
    expect(parseUri('isbn:2983792873')).toMatchObject({
      scheme: 'isbn',
      user: '',
      userRaw: '2983792873',
      host: '',
    });
    expect(parseUri('http://www.example.com')).toMatchObject({
      scheme: 'http',
      userRaw: '//www.example.com',
    });
    expect(parseUri('soap.beep://192.0.2.103:3002')?.scheme).toBe('soap.beep');
  });

  it('keeps magic parameter names readable', () => {
    expect(parseUri('sip:a;__proto__=x;constructor=y')?.params.get('__proto__')).toBe('x');
  });

  it.each([
    '',
    'sip',
    ':a',
    'sip:',
    'sip:@a',
    'sip:a@',
    'sip:a b@c',
    'sip:a@b c',
    'sip:a@b@c',
    'sip:a@b:',
    'sip:a@b:65536',
    'sip:a@b:-1',
    'sip:a@b:5x',
    'sip:a@b;',
    'sip:a@b;;lr',
    'sip:a@b;=x',
    'sip:%zz@a',
    'sip:%4@a',
    'sip:%@a',
    'sip:2001:db8::1',
    'sip:[2001:db8::1',
    'sip:[2001:db8:::1]',
    'sip:[::1]x',
    'sip:[fe80::1%eth0]',
    'sip:[]',
    'sip:<a>@b',
    'sip:\u00fc@a',
    'sip:a@\u00fc',
    'sip:a\r\nb@c',
    '1sip:a',
    'tel:',
    'tel:;x=y',
    'http://a b',
    'sip:a@b?x=\u00fc',
  ])('does not take %j', text => {
    expect(parseUri(text)).toBe(undefined);
  });
});

describe('parsing a name-addr', () => {
  it.each([
    ['"Quoted \\"string\\" \\\\, with <comma>" <sip:a@b>;tag=1', 'Quoted "string" \\, with <comma>'],
    ['caller<sip:a@b>;tag=1', 'caller'],
    ['  Two  Words \t<sip:a@b> ; tag = 1', 'Two  Words'],
    ['J\u00fcrgen & Co (main) <sip:a@b>;tag=1', 'J\u00fcrgen & Co (main)'],
    ['"" <sip:a@b>;tag=1', ''],
    ['<sip:a@b>;TAG=1', ''],
    ['sip:a@b;tag=1', ''],
    ['sip:a@b ;tag=1', ''],
  ])('reads %s', (text, displayName) => {
    const parsed = parseNameAddr(text);
    expect(parsed).toMatchObject({ displayName, uriText: 'sip:a@b' });
    expect(parsed?.params).toEqual(new Map([['tag', '1']]));
  });

  it('gives URI parameters to the URI in brackets, and to the header without them', () => {
    expect(parseNameAddr('<sip:a@b;x=1>;y=2')?.uri.params).toEqual(new Map([['x', '1']]));
    expect(parseNameAddr('sip:a@b;x=1')?.uri.params.size).toBe(0);
  });

  it('takes the quotes off a parameter and lets the first of a repeated name count', () => {
    const params = parseNameAddr('<sip:a@b>;q="a;b\\"c";q=2;flag')?.params;
    expect(params).toEqual(
      new Map([
        ['q', 'a;b"c'],
        ['flag', undefined],
      ]),
    );
  });

  it.each([
    '',
    '<sip:a@b',
    '"a <sip:a@b>',
    '"a" b <sip:a@b>',
    'a, b <sip:a@b>',
    'a; <sip:a@b>',
    '<sip:a@b>x',
    '<sip:a@b>;',
    '< sip:a@b>',
    '<sip:a@b>;=1',
    '<sip:a@b>;tag=',
    '<sip:a@b>;tag="1',
    '<sip:a@b>;a b',
    'sip:a@b?x=y',
    'sip:a@b, sip:c@d',
    '<>',
    'a@b',
    '<sip:a@b>;tag=1,2',
    '"a"b"c" <sip:a@b>',
  ])('does not take %j', text => {
    expect(parseNameAddr(text)).toBe(undefined);
  });

  it('reads lists over several rows and refuses an empty element', () => {
    const list = parseNameAddrList(['<sip:a,b@c>, "x, y" <sip:d@e>', 'sip:f@g']);
    expect(list?.map(each => each.uriText)).toEqual(['sip:a,b@c', 'sip:d@e', 'sip:f@g']);
    expect(parseNameAddrList('<sip:a@b>,')).toBe(undefined);
    expect(parseNameAddrList('<sip:a@b>,,<sip:c@d>')).toBe(undefined);
  });
});

describe('splitting a comma list', () => {
  it.each([
    ['100rel, timer ,\treplaces', ['100rel', 'timer', 'replaces']],
    ['"a,b" <sip:c,d>, e', ['"a,b" <sip:c,d>', 'e']],
    ['"a\\",b", c', ['"a\\",b"', 'c']],
    ['<a"b>, c', ['<a"b>', 'c']],
    ['"open, b', ['"open, b']],
    [', ,a,', ['a']],
    ['', []],
  ])('parts %j', (value, parts) => {
    expect(splitList(value)).toEqual(parts);
  });
});
