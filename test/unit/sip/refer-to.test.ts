import { describe, expect, it } from 'vitest';
import type { TransferTarget } from '../../../src/call/party.ts';
import { referRequest } from '../../../src/sip/refer-to.ts';

const number: TransferTarget = {
  destination: { kind: 'phone', number: '+14155550150' },
  headers: [{ name: 'X-Team', value: 'sales' }],
};

describe('the REFER of a transfer', () => {
  it.each([
    ['pbx.example.com', 'sip:+14155550150@pbx.example.com;user=phone'],
    ['2001:db8::5', 'sip:+14155550150@[2001:db8::5];user=phone'],
  ])('asks for a number where the peer says that it is: %s', (host, uri) => {
    expect(referRequest(number, host)).toEqual({ uri, headers: number.headers });
  });

  it('asks for a SIP URI as it is configured', () => {
    const uri = 'sip:100@other.example;transport=tls';
    expect(referRequest({ destination: { kind: 'sip', uri }, headers: [] }, 'pbx.example').uri).toBe(uri);
  });

  it('has User-to-User escaped in the URI, for the INVITE to the target', () => {
    const { uri } = referRequest({ ...number, userToUser: '0461;encoding=hex' }, 'pbx.example');
    expect(uri).toBe('sip:+14155550150@pbx.example;user=phone?User-to-User=0461%3Bencoding%3Dhex');
  });
});
