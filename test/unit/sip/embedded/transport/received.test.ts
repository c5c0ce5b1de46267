import { describe, expect, it } from 'vitest';
import { stampVia } from '../../../../../src/sip/embedded/transport/received.ts';
import { plainAddress } from '../../../../../src/sip/embedded/transport/socket-wire.ts';
import { peerSource } from '../fake-wire.ts';
import { invite, parseRequest } from '../messages.ts';

const stamp = (via: string, source = peerSource) =>
  stampVia(parseRequest(invite({ via })), source).headers.all('Via');

describe('the top Via', () => {
  it('stays as it came when the peer is where it says', () => {
    const request = parseRequest(invite());
    expect(stampVia(request, peerSource)).toBe(request);
  });

  it('gets received when the peer is elsewhere, and the others stay as they are', () => {
    expect(
      stamp(
        'Via: SIP/2.0/TCP pbx.example;branch=z9hG4bK1, SIP/2.0/TLS a;x="b,c"\r\nVia: SIP/2.0/UDP  d ; branch=e',
      ),
    ).toEqual([
      'SIP/2.0/TCP pbx.example;branch=z9hG4bK1;received=192.0.2.10, SIP/2.0/TLS a;x="b,c"',
      'SIP/2.0/UDP  d ; branch=e',
    ]);
  });

  it('gets the port when it asks for it, and then received too', () => {
    expect(stamp('Via: SIP/2.0/TCP 192.0.2.10:5060;rport;branch=z9hG4bK1')).toEqual([
      'SIP/2.0/TCP 192.0.2.10:5060;rport=40000;branch=z9hG4bK1;received=192.0.2.10',
    ]);
  });
});

describe('an address', () => {
  it('is written plainly', () => {
    expect(plainAddress('::ffff:192.0.2.1')).toBe('192.0.2.1');
    expect(plainAddress('2001:db8::1')).toBe('2001:db8::1');
    expect(plainAddress('fe80::1%eth0')).toBe('fe80::1');
    expect(plainAddress(undefined)).toBe('');
  });
});
