import { describe, expect, it } from 'vitest';
import { parseCSeq } from '../../../../../src/sip/embedded/message/cseq.ts';
import { formatVia, parseVia, parseViaList } from '../../../../../src/sip/embedded/message/via.ts';

describe('parsing a Via', () => {
  it('takes it apart', () => {
    expect(parseVia('SIP/2.0/TLS host.example:5061;branch=z9hG4bKx;rport')).toEqual({
      transport: 'TLS',
      host: 'host.example',
      port: 5061,
      params: new Map([
        ['branch', 'z9hG4bKx'],
        ['rport', undefined],
      ]),
      branch: 'z9hG4bKx',
    });
  });

  it.each([
    ['SIP  / 2.0\t/ tcp   192.0.2.2 : 5060 ; branch = 390skdjuw', '192.0.2.2', 5060],
    ['sip/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3', '2001:db8::9:1', undefined],
    ['SIP/2.0/UDP [2001:db8::9:1]:5060;received=2001:db8::9:255', '2001:db8::9:1', 5060],
    ['SIP/2.0/UNKNOWN t5.example.com', 't5.example.com', undefined],
  ])('reads %s', (text, host, port) => {
    const via = parseVia(text);
    expect([via?.host, via?.port]).toEqual([host, port]);
  });

  it.each([
    '',
    'garbage',
    'SIP/2.0',
    'SIP/2.0/',
    'SIP/2.0/TCP',
    'SIP/2.0/TCP ',
    'SIP/7.0/UDP a',
    'HTTP/2.0/TCP a',
    'SIP/2.0/TCP a b',
    'SIP/2.0/TCP a:',
    'SIP/2.0/TCP a:70000',
    'SIP/2.0/TCP a;',
    'SIP/2.0/TCP a;;branch=1',
    'SIP/2.0/TCP a;branch=',
    'SIP/2.0/TCP 2001:db8::1',
    'SIP/2.0/T@P a',
    'SIP/2.0/TCP a,',
  ])('does not take %j', text => {
    expect(parseVia(text)).toBe(undefined);
  });

  it('keeps the order of lists over several rows', () => {
    const list = parseViaList(['SIP/2.0/TCP a, SIP/2.0/TCP b', 'SIP/2.0/UDP c']);
    expect(list?.map(via => via.host)).toEqual(['a', 'b', 'c']);
    expect(parseViaList(['SIP/2.0/TCP a', ''])).toBe(undefined);
  });
});

describe('writing a Via', () => {
  it('writes what was filled in, and brackets round IPv6', () => {
    const via = parseVia('SIP/2.0/TCP [::1]:5060;rport;branch=z9hG4bK1');
    const params = new Map(via?.params).set('rport', '40000').set('received', '192.0.2.7');
    expect(via && formatVia({ ...via, params })).toBe(
      'SIP/2.0/TCP [::1]:5060;rport=40000;branch=z9hG4bK1;received=192.0.2.7',
    );
  });

  it('quotes a value that would not be read back otherwise', () => {
    const text = 'SIP/2.0/TCP a;x="b;c=\\"d\\", e"';
    const via = parseVia(text);
    expect(via && formatVia(via)).toBe(text);
  });
});

describe('parsing a CSeq', () => {
  it.each([
    ['0 INVITE', 0, 'INVITE'],
    ['0009 \t INVITE', 9, 'INVITE'],
    ['2147483647 ack', 2_147_483_647, 'ack'],
  ])('reads %j', (text, number, method) => {
    expect(parseCSeq(text)).toEqual({ number, method });
  });

  it.each([
    '',
    '1',
    '1 ',
    'INVITE 1',
    '2147483648 A',
    '99999999999 A',
    '1.5 A',
    '0x1 A',
    '1 A B',
    '1 \u00c4',
  ])('does not take %j', text => {
    expect(parseCSeq(text)).toBe(undefined);
  });
});
