import { Registry } from 'prom-client';
import { generate } from 'selfsigned';
import { describe, expect, it } from 'vitest';
import { CertificateExpiry } from '../../../src/observability/certificate-expiry.ts';

describe('the end of certificates', () => {
  it('is told in seconds that are left, for those that are in use now', async () => {
    const ends = new Date('2030-01-01T00:00:00Z');
    const { cert } = await generate([{ name: 'commonName', value: 'a' }], {
      keyType: 'ec',
      notAfterDate: ends,
    });
    const registry = new Registry();
    let now = ends.getTime() - 86_400_000;
    const expiry = new CertificateExpiry(registry, 'x_', () => now);
    const lines = async () => (await registry.metrics()).split('\n').filter(line => line.startsWith('x_'));
    expect(await lines()).toEqual([]);
    expiry.use([
      { name: 'default', cert },
      { name: 'sip.example.com', cert },
    ]);
    expect(await lines()).toEqual([
      'x_tls_certificate_expiry_seconds{certificate="default"} 86400',
      'x_tls_certificate_expiry_seconds{certificate="sip.example.com"} 86400',
    ]);
    now += 86_401_000;
    expiry.use([{ name: 'default', cert }]);
    expect(await lines()).toEqual(['x_tls_certificate_expiry_seconds{certificate="default"} -1']);
  });
});
