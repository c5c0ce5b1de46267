import { describe, expect, it } from 'vitest';
import { type LoadedConfig, loadConfig } from '../../../src/config/load.ts';
import { writeProblems } from '../../../src/config/problem.ts';
import { outboundTrunk } from '../../../src/outgoing.ts';

const env = { ELEVENLABS_API_KEY: 'sk_test_key', PBX_PASSWORD: 'a long password' };

function load(yaml: string, more: Record<string, string> = {}) {
  return loadConfig({
    env: { ...env, ELEVENLABS_AGENT_ID: 'agent_1', ...more },
    path: 'c.yaml',
    read(path) {
      if (path === 'c.yaml') return yaml;
      if (path === '/run/secrets/pbx') return 'a password of a file\n';
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    },
  });
}

function good(yaml: string, more: Record<string, string> = {}): LoadedConfig {
  const loaded = load(yaml, more);
  if (!loaded.ok) throw new Error(writeProblems(loaded.failure));
  return loaded.value;
}

function problems(yaml: string, more: Record<string, string> = {}): string[] {
  const loaded = load(yaml, more);
  return loaded.ok ? [] : loaded.failure.map(({ where, what }) => `${where}: ${what}`);
}

const whole = `
trunks:
  - name: twilio
    account_sid: AC0123456789abcdef0123456789abcdef
    trust_identity: false
    limits: { calls: 30, invites_per_second: 5 }
    inbound_trunk_config:
      allowed_addresses: [54.172.60.0/30, 2001:db8::1]
      allowed_numbers: ["+1 (415) 555-0123", +4930*]
      media_encryption: required
      headers_to_attributes: { X-SBC-Call: call_id, X-Customer: customer }
      attributes_to_headers: { conversation_id: X-Conversation }
  - name: office
    inbound_trunk_config:
      credentials: { username: pbx, password: "\${PBX_PASSWORD}" }
  - name: branch
    inbound_trunk_config:
      credentials: { username: branch, password: file:/run/secrets/pbx, algorithms: [md5] }
`;

describe('trunks', () => {
  it('take media.encryption where they do not say, so that required holds for all of them', () => {
    const { config } = good(`media: { encryption: required }${whole}`);
    expect(config.trunks.map(({ mediaEncryption }) => mediaEncryption)).toEqual(Array(3).fill('required'));
    const loose = good(whole).config.trunks.map(({ mediaEncryption }) => mediaEncryption);
    expect(loose).toEqual(['required', 'allowed', 'allowed']);
  });

  it('are read with every word', () => {
    const { trunks, secrets } = good(whole).config;
    expect(trunks).toEqual([
      {
        name: 'twilio',
        accountSid: 'AC0123456789abcdef0123456789abcdef',
        trustIdentity: false,
        limits: { calls: 30, invitesPerSecond: 5 },
        allowedAddresses: ['54.172.60.0/30', '2001:db8::1/128'],
        allowedNumbers: ['+14155550123', '+4930*'],
        remoteDomains: [],
        mediaEncryption: 'required',
        headersToAttributes: { 'X-SBC-Call': 'call_id', 'X-Customer': 'customer' },
        attributesToHeaders: { conversation_id: 'X-Conversation' },
      },
      expect.objectContaining({ name: 'office', username: 'pbx', mediaEncryption: 'allowed', limits: {} }),
      expect.objectContaining({ name: 'branch', username: 'branch', digestAlgorithms: ['MD5'] }),
    ]);
    expect([...secrets.trunkPasswords]).toEqual([
      ['office', 'a long password'],
      ['branch', 'a password of a file'],
    ]);
  });

  it('show no password, printed as they may be', () => {
    const { config } = good(whole);
    expect(JSON.stringify(config)).not.toMatch(/a long password|a password of a file/);
  });

  it('are none when the section is empty', () => {
    expect(good('trunks:\nnumbers: []\n').config).toMatchObject({ trunks: [], numbers: [] });
  });

  const inbound = (text: string) => `trunks:\n  - name: t\n    inbound_trunk_config: ${text}\n`;
  it.each([
    ['trunks: 5\n', 'c.yaml:1 trunks: must be a list'],
    ['trunks: [5]\n', 'c.yaml:1 trunks[0]: must be a map'],
    [
      'trunks:\n  - name: a b\n    inbound_trunk_config: {allowed_addresses: [10.0.0.1]}\n',
      'c.yaml:2 trunks[0].name: must be',
    ],
    ['trunks:\n  - inbound_trunk_config: {allowed_addresses: [10.0.0.1]}\n', 'trunks[0]: needs a name'],
    [
      'trunks:\n  - {name: t, inbound_trunk_config: {allowed_addresses: [10.0.0.1]}}\n  - {name: t, inbound_trunk_config: {allowed_addresses: [10.0.0.1]}}\n',
      'c.yaml:3 trunks[1].name: is the name of two trunks',
    ],
    ['trunks:\n  - {name: t}\n', 'c.yaml:2 trunks[0]: lets everybody in'],
    [
      inbound('{}'),
      'trunks[0]: lets everybody in: inbound_trunk_config needs allowed_addresses, credentials or remote_domains',
    ],
    [
      inbound('{allowed_addresses: []}'),
      'trunks[0].inbound_trunk_config.allowed_addresses: is empty, which needs credentials',
    ],
    [inbound('{allowed_adresses: [10.0.0.1]}'), 'is not a key; did you mean allowed_addresses?'],
    [inbound('{allowed_addresses: [10.0.0.300]}'), 'allowed_addresses: "10.0.0.300" is not a network'],
    [inbound('{allowed_addresses: [10.0.0.1], allowed_numbers: ["+1*5"]}'), 'is not a number'],
    [
      inbound('{allowed_addresses: [10.0.0.1], media_encryption: enabled}'),
      'must be one of disabled, allowed, required',
    ],
    [inbound('{allowed_addresses: [10.0.0.1], remote_domains: ["*.example.com"]}'), 'is not a domain'],
    [
      inbound('{remote_domains: [pbx.example.com]}'),
      'trunk t: has remote_domains, which needs a tls:// address',
    ],
    [
      inbound('{credentials: {username: u, password: a long password, algorithms: [SHA-1]}}'),
      'algorithms: "SHA-1" is not one of SHA-256, MD5',
    ],
    [inbound('{credentials: {username: u}}'), 'credentials: needs a password'],
    [inbound('{credentials: {password: a long password}}'), 'credentials: needs a username'],
    [inbound('{credentials: {username: u, password: short}}'), 'password: must be 8 to 256'],
    [inbound('{credentials: {username: "a:b", password: a long password}}'), 'username: must be'],
    [
      inbound('{credentials: {username: u, password: "\x24{NOT_SET}"}}'),
      'uses \x24{NOT_SET}, and that variable is not set',
    ],
    [
      inbound('{credentials: {username: u, password: file:/none}}'),
      'names a file that cannot be read (ENOENT)',
    ],
    [inbound('{credentials: [u, p]}'), 'credentials: must be a map'],
    [
      inbound('{allowed_addresses: [10.0.0.1], headers_to_attributes: {X-Auth-Token: a}}'),
      'is never passed on',
    ],
    [
      inbound('{allowed_addresses: [10.0.0.1], headers_to_attributes: {X-A: system__x}}'),
      'which ElevenLabs keeps to itself',
    ],
    [
      inbound('{allowed_addresses: [10.0.0.1], headers_to_attributes: {X-A: called_number}}'),
      'cannot be called_number',
    ],
    [inbound('{allowed_addresses: [10.0.0.1], headers_to_attributes: {X-A: Big}}'), 'must be a variable'],
    [inbound('{allowed_addresses: [10.0.0.1], attributes_to_headers: {a: Via}}'), 'must be an X- header'],
    [
      'trunks:\n  - {name: t, account_sid: AC1, inbound_trunk_config: {allowed_addresses: [10.0.0.1]}}\n',
      'must be AC and 32',
    ],
    [
      'trunks:\n  - {name: t, limits: {calls: 0}, inbound_trunk_config: {allowed_addresses: [10.0.0.1]}}\n',
      'limits.calls: must be',
    ],
    [
      'trunks:\n  - {name: t, limits: {cps: 1}, inbound_trunk_config: {allowed_addresses: [10.0.0.1]}}\n',
      'limits.cps: is not a key',
    ],
  ])('%j is refused', (yaml, problem) => {
    const found = problems(yaml);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(problem);
  });

  it('each need their own username, and the problem does not tell any password', () => {
    const found = problems(
      whole.replace('username: branch', 'username: pbx').replace('"\x24{PBX_PASSWORD}"', 'secret'),
    );
    expect(found.join()).not.toMatch(/secret|a password of a file/);
    expect(problems(whole.replace('username: branch', 'username: pbx'))[0]).toContain(
      'has the username of trunk office',
    );
  });

  it('put SIP_ALLOW out of effect, which is noted', () => {
    expect(good(whole, { SIP_ALLOW: '10.0.0.0/8' }).notes).toContain(
      'SIP_ALLOW is set, and has no effect while trunks are configured.',
    );
    expect(good(whole).notes).toEqual([]);
  });

  it('that let everybody call are noted', () => {
    const open = inbound('{allowed_addresses: [0.0.0.0/0]}');
    expect(good(open).notes).toEqual([
      'Trunk t allows 0.0.0.0/0: anybody who reaches the SIP port may call.',
    ]);
    expect(
      good(inbound('{allowed_addresses: [0.0.0.0/0], credentials: {username: u, password: 12345678}}')).notes,
    ).toEqual([]);
  });
});

describe('numbers', () => {
  const numbers = (...entries: string[]) => `numbers:\n${entries.map(entry => `  - ${entry}\n`).join('')}`;

  it('are numbers, ranges, prefixes and all others, with what is different for their calls', () => {
    const yaml =
      numbers(
        '{phone_number: "+49 30 901820", agent_id: a, label: Sales, trunk: office, settle_ms: 0, max_seconds: 60}',
        '{phone_number: 4930901821, agent_id: a, queue_policy: ring, queue_wait_seconds: 5, ring_seconds: 20}',
        '{range: +4930901800 - +4930901899, agent_id: b}',
        '{prefix: +4930, agent_id: c}',
        '{phone_number: sales, agent_id: d}',
        '{phone_number: "*", agent_id: e}',
      ) + whole;
    expect(good(yaml).config.numbers).toEqual([
      {
        pattern: { kind: 'number', number: '+4930901820' },
        agentId: 'a',
        label: 'Sales',
        trunk: 'office',
        policy: { settleMs: 0, longestMs: 60_000 },
      },
      {
        pattern: { kind: 'number', number: '4930901821' },
        agentId: 'a',
        policy: { queuePolicy: 'ring', queueWaitMs: 5_000, ringMs: 20_000 },
      },
      { pattern: { kind: 'range', first: '4930901800', last: '4930901899' }, agentId: 'b', policy: {} },
      { pattern: { kind: 'prefix', prefix: '4930' }, agentId: 'c', policy: {} },
      { pattern: { kind: 'number', number: 'sales' }, agentId: 'd', policy: {} },
      { pattern: { kind: 'any' }, agentId: 'e', policy: {} },
    ]);
  });

  it.each([
    [
      '{phone_number: "+49 30", prefix: "+49", agent_id: a}',
      'needs exactly one of phone_number, range and prefix',
    ],
    ['{agent_id: a}', 'needs exactly one of phone_number, range and prefix'],
    ['{phone_number: "+49"}', 'needs an agent_id'],
    ['{phone_number: "+49 30/1", agent_id: a}', 'must be a number like +4930901820'],
    ['{range: "+4930-+49301", agent_id: a}', 'must be two numbers of the same length'],
    ['{range: "+4931-+4930", agent_id: a}', 'must be two numbers of the same length'],
    ['{prefix: abc, agent_id: a}', 'must be digits'],
    ['{phone_number: "1", agent_id: a, trunk: nowhere}', 'names no trunk; there is none'],
    ['{phone_number: "1", agent_id: a, settle_ms: 9999}', 'must be a whole number from 0 to 5000'],
    ['{phone_number: "1", agent: a}', 'needs an agent_id'],
  ])('%j is refused', (entry, problem) => {
    expect(problems(numbers(entry)).join('\n')).toContain(problem);
  });

  it('are refused when two entries say the same', () => {
    const twice = numbers('{phone_number: "1", agent_id: a}', '{phone_number: "1", agent_id: b}');
    expect(problems(twice)[0]).toContain('c.yaml:3 numbers[1]: says the same numbers');
    const ways = numbers('{phone_number: "+4930", agent_id: a}', '{phone_number: "004930", agent_id: b}');
    expect(problems(ways)[0]).toContain('c.yaml:3 numbers[1]: says the same numbers');
  });

  it('lift the need for ELEVENLABS_AGENT_ID, and it is noted what they do not cover', () => {
    const { config, notes } = good(numbers('{phone_number: "1", agent_id: a}'), { ELEVENLABS_AGENT_ID: '' });
    expect(config.elevenlabs).not.toHaveProperty('agentId');
    expect(notes).toEqual([
      'Numbers without an entry are refused with 404: there is no "*" and no ELEVENLABS_AGENT_ID.',
    ]);
    expect(good(numbers('{phone_number: "*", agent_id: a}'), { ELEVENLABS_AGENT_ID: '' }).notes).toEqual([]);
    expect(problems('numbers: []\n', { ELEVENLABS_AGENT_ID: '' })[0]).toContain(
      'ELEVENLABS_AGENT_ID: is missing',
    );
  });
});

describe('keys in the sound', () => {
  it('are set for the calls of a trunk, in and out', () => {
    const yaml = `
trunks:
  - name: gateway
    dtmf_in_band: "on"
    inbound_trunk_config: { allowed_addresses: [192.0.2.1] }
    outbound_trunk_config: { address: 192.0.2.1 }
  - name: other
    inbound_trunk_config: { allowed_addresses: [192.0.2.2] }
    outbound_trunk_config: { address: 192.0.2.2 }
`;
    const { config } = good(yaml);
    expect(config.trunks.map(({ tones }) => tones)).toEqual(['on', undefined]);
    expect(['gateway', 'other'].map(name => outboundTrunk(config, name)?.tones)).toEqual(['on', undefined]);
    expect(problems(yaml.replace('"on"', 'sometimes'))).toEqual([expect.stringMatching(/dtmf_in_band/)]);
  });
});

describe('the country of numbers without one', () => {
  const yaml = `
trunks:
  - name: london
    default_country: GB
    inbound_trunk_config: { allowed_addresses: [192.0.2.1] }
numbers:
  - { phone_number: "4155551234", agent_id: a, default_country: US }
`;

  it('is set for a trunk and for a number', () => {
    const { config } = good(yaml);
    expect(config.trunks[0]?.defaultCountry).toBe('GB');
    expect(config.numbers[0]?.defaultCountry).toBe('US');
  });

  it.each(['gb', 'UK', 'GBR', 'XX'])('is none that is not in ISO 3166, such as %s', code => {
    expect(problems(yaml.replace('GB', code))).toEqual([
      expect.stringMatching(/trunks.*default_country.*must be a country code of two capital letters/),
    ]);
    expect(problems(yaml.replace('US', code))).toEqual([expect.stringMatching(/numbers.*default_country/)]);
  });
});
