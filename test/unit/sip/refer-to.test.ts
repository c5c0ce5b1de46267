import { describe, expect, it } from 'vitest';
import type { TransferTarget } from '../../../src/call/party.ts';
import { placeOf, referRequest } from '../../../src/sip/refer-to.ts';
import { someInvite } from '../../support/fake-dialogue.ts';

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

  it.each([
    ['pbx.example', ['<sip:100@192.0.2.77:5070>'], 'pbx.example'],
    ['anonymous.invalid', ['"PBX" <sip:100@192.0.2.77:5070;transport=tcp>;expires=60'], '192.0.2.77'],
    ['x.anonymous.invalid', ['<sip:100@[2001:db8::7]>'], '2001:db8::7'],
    // A tel URI names no host.
    ['', ['<sip:contact.example>'], 'contact.example'],
    ['', [], '192.0.2.10'],
    ['', ['<tel:+14155550123>'], '192.0.2.10'],
    ['anonymous.invalid', ['<sip:a@anonymous.invalid>'], '192.0.2.10'],
  ])('is sent to a caller that is at %j, with Contact %j, as %s', (host, contacts, place) => {
    const from = { displayName: '', user: 'anonymous', host };
    const headers = contacts.map(value => ({ name: 'Contact', value }));
    expect(placeOf({ ...someInvite, from, headers })).toBe(place);
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
