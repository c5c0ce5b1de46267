import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { outboundPasswordKey } from '../../../src/config/outbound.ts';
import { spendingLimits } from '../../../src/trunks/spending.ts';

const env = { ELEVENLABS_API_KEY: 'sk_test_key', ELEVENLABS_AGENT_ID: 'agent_1', SIP_PASSWORD: 's3cret' };

function load(lines: readonly string[]) {
  const yaml = [
    'trunks:',
    '  - name: carrier',
    '    outbound_trunk_config:',
    ...lines.map(line => `      ${line}`),
  ];
  return loadConfig({ env, path: 'c.yaml', read: () => yaml.join('\n') });
}

function outboundOf(...lines: string[]) {
  const loaded = load(lines);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
  const { trunks, secrets } = loaded.value.config;
  return { trunk: trunks[0], outbound: trunks[0]?.outbound, secrets };
}

const problems = (...lines: string[]) => {
  const loaded = load(lines);
  return loaded.ok ? [] : loaded.failure.map(({ what }) => what);
};

describe('outbound_trunk_config', () => {
  it('is read with every word, and its password is a secret', () => {
    const { trunk, outbound, secrets } = outboundOf(
      'address: sip.example:5080',
      'transport: tls',
      'media_encryption: required',
      'enabled_codecs: [PCMA/8000, G722/8000]',
      'headers: { X-Tenant: acme }',
      'from: "+14155550199"',
      'allowed_prefixes: ["+49"]',
      'denied_prefixes: ["+49900"]',
      'ring_seconds: 45',
      'register_seconds: 600',
      'tls_verify: false',
      `credentials: { username: user, password: "\${SIP_PASSWORD}", realm: sip.example }`,
    );
    expect(outbound).toEqual({
      host: 'sip.example',
      port: 5080,
      transport: 'tls',
      mediaEncryption: 'required',
      codecs: ['PCMA', 'G722'],
      headers: [{ name: 'X-Tenant', value: 'acme' }],
      from: '+14155550199',
      allowedPrefixes: ['+49'],
      deniedPrefixes: ['+49900'],
      ringSeconds: 45,
      spending: spendingLimits,
      register: { seconds: 600 },
      tlsVerify: false,
      username: 'user',
      realm: 'sip.example',
    });
    expect(secrets.trunkPasswords.get(outboundPasswordKey('carrier'))).toBe('s3cret');
    expect(JSON.stringify(trunk)).not.toContain('s3cret');
  });

  it('has defaults that are safe: auto, verified, every codec, no premium numbers', () => {
    const { outbound } = outboundOf('address: sip.example');
    expect(outbound).toMatchObject({
      transport: 'auto',
      mediaEncryption: 'allowed',
      tlsVerify: true,
      codecs: ['PCMU', 'PCMA', 'G722'],
      allowedPrefixes: [],
    });
    expect(outbound?.deniedPrefixes).toEqual(
      expect.arrayContaining(['+1900', '+979', '+881', '+882', '+883']),
    );
  });

  it('may cost what `trunks/spending` says, or what it says itself', () => {
    expect(outboundOf('address: sip.example').outbound?.spending).toEqual(spendingLimits);
    const given = 'limits: { calls_per_day: 5, minutes_per_day: 7, calls_per_second: 1 }';
    expect(outboundOf('address: sip.example', given).outbound?.spending).toEqual({
      callsPerDay: 5,
      minutesPerDay: 7,
      callsPerSecond: 1,
    });
    expect(problems('address: sip.example', 'limits: { calls_per_day: 0 }')).toHaveLength(1);
  });

  it('alone makes a trunk that nobody can call over', () => {
    expect(outboundOf('address: sip.example').trunk).toMatchObject({
      outboundOnly: true,
      allowedAddresses: [],
    });
  });

  it.each([
    ['sip.example', { host: 'sip.example' }],
    ['192.0.2.1:5062', { host: '192.0.2.1', port: 5062 }],
    ['"[2001:db8::1]:5061"', { host: '2001:db8::1', port: 5061 }],
    ['"2001:db8::1"', { host: '2001:db8::1' }],
  ])('takes %s for an address', (given, place) => {
    expect(outboundOf(`address: ${given}`).outbound).toMatchObject(place);
  });

  it.each([
    'sip:sip.example',
    'sip.example:0',
    'sip.example:70000',
    'a b',
    '"[sip.example]"',
    '-x',
    'a..b',
    '"a;lr"',
  ])('does not take %s for one', given => {
    expect(problems(`address: ${given}`)).toHaveLength(1);
  });

  it.each([
    ['no address', ['transport: tcp']],
    ['UDP', ['address: a.example', 'transport: udp']],
    ['an unknown codec', ['address: a.example', 'enabled_codecs: [G729/8000]']],
    ['a header that routes', ['address: a.example', 'headers: { Route: "<sip:evil>" }']],
    ['a header with a line break', ['address: a.example', 'headers: { X-A: "a\\r\\nVia: b" }']],
    ['credentials without a password', ['address: a.example', 'credentials: { username: u }']],
    ['registering without credentials', ['address: a.example', 'register_seconds: 60']],
    ['keys that cannot travel', ['address: a.example', 'transport: tcp', 'media_encryption: required']],
    ['a prefix that is none', ['address: a.example', 'denied_prefixes: ["0900"]']],
    ['a word that is not known', ['address: a.example', 'adress: b.example']],
  ])('refuses %s', (_what, lines) => {
    expect(problems(...lines).length).toBeGreaterThan(0);
  });
});
