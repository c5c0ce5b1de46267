import { describe, expect, it } from 'vitest';
import { certificateNames } from '../../../../../src/sip/embedded/transport/certificate-names.ts';

describe('the names of a certificate', () => {
  it('are its DNS names and its SIP domains', () => {
    expect(
      certificateNames(
        'DNS:PBX.example.com, URI:sip:example.com, IP Address:192.0.2.1, URI:https://x.example',
        'cn',
      ),
    ).toEqual(['pbx.example.com', 'example.com']);
  });

  it('are the common name only when there is none of those (RFC 5922 section 7.1)', () => {
    expect(certificateNames(undefined, 'PBX.example.com')).toEqual(['pbx.example.com']);
    expect(certificateNames('IP Address:192.0.2.1', 'pbx.example.com')).toEqual(['pbx.example.com']);
    expect(certificateNames('DNS:*.example.com', 'pbx.example.com')).toEqual([]);
    expect(certificateNames(undefined, undefined)).toEqual([]);
  });

  it.each([
    ['a wildcard', 'DNS:*.example.com'],
    ['a user of a domain', 'URI:sip:alice@example.com'],
    ['a name with a comma in quotes', 'DNS:"a, DNS:bank.example.com"'],
    ['a quote that does not end', 'DNS:"a, DNS:bank.example.com'],
    ['an escaped quote', 'DNS:"a\\", DNS:bank.example.com"'],
    ['a port', 'URI:sip:example.com:5061'],
    ['parameters', 'URI:sip:example.com;transport=tls'],
    ['nothing', 'DNS:'],
  ])('are not %s', (_title, altNames) => {
    expect(certificateNames(altNames, undefined)).toEqual([]);
  });
});
