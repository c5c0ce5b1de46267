import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { generate } from 'selfsigned';
import { describe, expect, it } from 'vitest';
import { type LoadedConfig, type LoadOptions, loadConfig } from '../../../src/config/load.ts';
import { writeProblems } from '../../../src/config/problem.ts';
import { type SettingKey, settings } from '../../../src/config/settings.ts';

const base = { ELEVENLABS_API_KEY: 'sk_test_key', ELEVENLABS_AGENT_ID: 'agent_1' };
const secret = 'a-secret-of-enough-length';

/** A configuration from variables and, by their paths, files; `/c.yaml` is the one that is loaded. */
function load(env: Record<string, string> = {}, files: Record<string, string> = {}, more: LoadOptions = {}) {
  return loadConfig({
    env: { ...base, ...env },
    path: '/c.yaml' in files ? '/c.yaml' : undefined,
    read(path) {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      return text;
    },
    ...more,
  });
}

function good(...args: Parameters<typeof load>): LoadedConfig {
  const loaded = load(...args);
  if (!loaded.ok) throw new Error(writeProblems(loaded.failure));
  return loaded.value;
}

function problems(...args: Parameters<typeof load>): string[] {
  const loaded = load(...args);
  return loaded.ok ? [] : loaded.failure.map(({ where, what }) => `${where}: ${what}`);
}

describe('the configuration', () => {
  it('needs nothing but the key and the agent', () => {
    const { config, notes } = good();
    expect(config).toMatchObject({
      elevenlabs: { agentId: 'agent_1', baseUrl: 'https://api.elevenlabs.io' },
      sip: { listen: [{ transport: 'tcp', address: '0.0.0.0', port: 5060 }], limits: {} },
      media: { rtpPorts: { first: 10000, last: 20000 }, timeoutSeconds: 30 },
      agent: { settleMs: 300, inputChunkMs: 20, queuePolicy: 'busy' },
      tools: { killSwitch: false },
      http: { listen: { address: '127.0.0.1', port: 8080 } },
      log: { level: 'info' },
    });
    expect(config.sip.allow).toContain('10.0.0.0/8');
    expect(config.media.workers).toBeGreaterThanOrEqual(1);
    expect(config.secrets.elevenLabsApiKey).toBe('sk_test_key');
    expect(config.twilio).toMatchObject({ senders: {} });
    expect(notes).toEqual([]);
  });

  it.each([
    ['ELEVENLABS_API_KEY', 'ELEVENLABS_API_KEY: is missing; set it to a key from'],
    ['ELEVENLABS_AGENT_ID', 'ELEVENLABS_AGENT_ID: is missing; set it to the id of the agent'],
  ])('says in one sentence that %s is missing', (name, sentence) => {
    const found = problems({ [name]: '' });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(sentence);
  });

  it('tells all that is wrong at once', () => {
    const env = { SIP_LISTEN: 'udp://1.2.3.4', RTP_PORTS: '5-1', LOG_LEVEL: 'loud', ELEVENLABS_API_KEY: '' };
    const found = problems(env, { '/c.yaml': 'agent:\n  settle_ms: soon\n' });
    expect(found.map(text => text.split(':', 1)[0])).toEqual(
      expect.arrayContaining(['SIP_LISTEN', 'RTP_PORTS', 'LOG_LEVEL', 'ELEVENLABS_API_KEY', '/c.yaml']),
    );
    expect(found).toHaveLength(5);
  });

  it('takes a variable before the file, and the file before the default', () => {
    const file = { '/c.yaml': 'log: {level: debug}\nmedia: {rtp_ports: 30000-30099}\n' };
    const { config, origins } = good({ LOG_LEVEL: 'error' }, file);
    expect(config.log.level).toBe('error');
    expect(config.media.rtpPorts).toEqual({ first: 30000, last: 30099 });
    expect(origins['log.level']).toEqual({ shown: 'error', where: 'LOG_LEVEL' });
    expect(origins['media.rtp_ports'].where).toBe('/c.yaml:2 media.rtp_ports');
    expect(origins['http.listen'].where).toBe('default');
  });

  it('takes the file from --config before TRUNKBRIDGE_CONFIG', () => {
    const files = { '/a.yaml': 'log: {level: warn}', '/c.yaml': 'log: {level: trace}' };
    expect(good({ TRUNKBRIDGE_CONFIG: '/a.yaml' }, files).config.log.level).toBe('trace');
    expect(good({ TRUNKBRIDGE_CONFIG: '/a.yaml' }, files, { path: undefined }).config.log.level).toBe('warn');
  });

  it('says that its file cannot be read', () => {
    expect(problems({ TRUNKBRIDGE_CONFIG: '/none.yaml' })).toEqual(['/none.yaml: cannot be read (ENOENT)']);
  });

  it('has a default that its own reader takes for every setting that has one', () => {
    const { origins } = good();
    for (const key of Object.keys(settings) as SettingKey[]) expect(origins[key]).toBeDefined();
  });
});

describe('keys of the file', () => {
  it.each([
    ['agent:\n  settel_ms: 5', '/c.yaml:2 agent.settel_ms: is not a key; did you mean agent.settle_ms?'],
    ['agnet: {settle_ms: 5}', '/c.yaml:1 agnet.settle_ms: is not a key; did you mean agent.settle_ms?'],
    ['max_calls: 5', '/c.yaml:1 max_calls: is not a key; did you mean call.max_calls?'],
    ['agent: 5', '/c.yaml:1 agent: is a section: put its keys below it'],
    ['weather: {in: {paris: rain}}', '/c.yaml:1 weather.in.paris: is not a key that this version knows'],
    ['__proto__: {polluted: 1}', '/c.yaml:1 __proto__.polluted: is not a key that this version knows'],
  ])('that are unknown name the nearest: %j', (text, problem) => {
    expect(problems({}, { '/c.yaml': text })).toEqual([problem]);
  });

  it('may be empty, and the whole file too', () => {
    expect(good({}, { '/c.yaml': 'agent:\nlog:\n  level:\n' }).config.log.level).toBe('info');
    expect(good({}, { '/c.yaml': '' }).config.log.level).toBe('info');
  });

  it('may not be an empty file at a reload: somebody writes it, and without it there is no trunk', () => {
    const reload = (text: string) => {
      const env = { ELEVENLABS_API_KEY: 'sk_1', ELEVENLABS_AGENT_ID: 'agent_1' };
      const loaded = loadConfig({ env, path: '/c.yaml', read: () => text, again: true });
      return loaded.ok ? [] : loaded.failure;
    };
    expect(reload('\n')).toEqual([{ where: '/c.yaml', what: 'is empty; {} is a file without settings' }]);
    expect(reload('{}\n')).toEqual([]);
    expect(reload('# nothing to set\n')).toEqual([]);
  });

  it('may be lists', () => {
    const text =
      'sip:\n  listen: [tcp://127.0.0.1:5070, "tcp://[::1]"]\n  allow:\n    - 192.0.2.0/24\n    - 198.51.100.7\n';
    const { sip } = good({}, { '/c.yaml': text }).config;
    expect(sip.listen).toEqual([
      { transport: 'tcp', address: '127.0.0.1', port: 5070 },
      { transport: 'tcp', address: '::1', port: 5060 },
    ]);
    expect(sip.allow).toEqual(['192.0.2.0/24', '198.51.100.7/32']);
  });

  it('override limits of the SIP stack by their names', () => {
    const sipLimits = { idleMs: 600_000, shedAt: 0.9 };
    const set = (text: string) => load({}, { '/c.yaml': `sip: {limits: ${text}}` }, { sipLimits });
    const loaded = set('{idleMs: 5, shedAt: 0.5}');
    expect(loaded.ok && loaded.value.config.sip.limits).toEqual({ idleMs: 5, shedAt: 0.5 });
    const bad = set('{idelMs: 5, shedAt: 2, constructor: 1}');
    expect(bad.ok ? [] : bad.failure.map(({ what }) => what)).toEqual([
      'is not a limit of the SIP stack; did you mean idleMs?',
      'must be a share above 0 and at most 1',
      'is not a limit of the SIP stack; known are idleMs, shedAt',
    ]);
  });

  it('take nothing for a value that is a map of its own or a list of lists', () => {
    expect(problems({}, { '/c.yaml': 'sip: {allow: [[1]]}' })).toEqual([
      '/c.yaml:1 sip.allow: must be text, a number, true, false, or a list of those',
    ]);
  });

  it('name the section that was meant, also where it is a list of maps or empty', () => {
    const text = 'trunk:\n  - name: a\nmedai: {}\nsip: {}\nnumbers: []\n';
    expect(problems({}, { '/c.yaml': text })).toEqual([
      '/c.yaml:1 trunk: is not a key; did you mean trunks?',
      '/c.yaml:3 medai: is not a key; did you mean media?',
    ]);
  });

  it('are told by line when the file is not YAML, without quoting it', () => {
    const found = problems({}, { '/c.yaml': `log:\n  level: "${secret}\n` });
    expect(found).not.toEqual([]);
    expect(found[0]).toMatch(/^\/c\.yaml:\d+: is not valid YAML/);
    expect(found.join()).not.toContain(secret);
  });
});

describe('secrets', () => {
  const bare = { ELEVENLABS_API_KEY: '' };

  it('may come from the file that <NAME>_FILE names', () => {
    const env = { ...bare, ELEVENLABS_API_KEY_FILE: '/run/secrets/key' };
    expect(good(env, { '/run/secrets/key': 'sk_from_file\n' }).config.secrets.elevenLabsApiKey).toBe(
      'sk_from_file',
    );
    expect(problems(env)).toEqual(['ELEVENLABS_API_KEY_FILE: names a file that cannot be read (ENOENT)']);
  });

  it('may not come from both', () => {
    const env = { ELEVENLABS_API_KEY_FILE: '/run/secrets/key' };
    expect(problems(env, { '/run/secrets/key': 'x' })).toEqual([
      'ELEVENLABS_API_KEY: is set, and ELEVENLABS_API_KEY_FILE too; keep one of them',
    ]);
  });

  it('may come into the file from a variable or another file', () => {
    const text = `elevenlabs: {api_key: "\${MY_KEY}"}\nhttp: {api_keys: ["file:/k"]}`;
    const { secrets } = good(
      { ...bare, MY_KEY: 'sk_mine' },
      { '/c.yaml': text, '/k': `ops:admin:${secret}\n` },
    ).config;
    expect(secrets.elevenLabsApiKey).toBe('sk_mine');
    expect(secrets.apiKeys).toEqual([{ name: 'ops', role: 'admin', secret }]);
    expect(problems(bare, { '/c.yaml': text, '/k': `ops:admin:${secret}` })).toEqual([
      `/c.yaml:1 elevenlabs.api_key: uses \${MY_KEY}, and that variable is not set`,
    ]);
  });

  it('are not shown, printed or made JSON', () => {
    const { config, origins } = good({ API_KEYS: `ops:admin:${secret}`, ELEVENLABS_API_KEY: secret });
    const shown = [
      JSON.stringify(config),
      inspect(config, { depth: 9 }),
      `${config.secrets}`,
      JSON.stringify(origins),
    ];
    for (const text of shown) expect(text).not.toContain(secret);
    expect(origins['http.api_keys'].shown).toBe('[hidden]');
  });

  it.each([
    ['API_KEYS', `ops:boss:${secret}`],
    ['API_KEYS', `ops:admin:${secret} x`],
    ['API_KEYS', secret],
    ['ELEVENLABS_API_KEY', `${secret} with spaces`],
    ['ELEVENLABS_BASE_URL', `https://user:${secret}@x.example`],
    ['SIP_TLS_KEY', `-----BEGIN CERTIFICATE-----${secret}`],
  ])('are not repeated in what is said about a wrong %s', (name, value) => {
    const found = problems({ [name]: value }).join('\n');
    expect(found).toContain(name);
    expect(found).not.toContain(secret);
  });
});

describe('what belongs together', () => {
  it('wants certificate and key for tls', () => {
    expect(problems({ SIP_LISTEN: 'tcp://0.0.0.0,tls://0.0.0.0' })).toEqual([
      'SIP_LISTEN: has a tls:// address, which needs SIP_TLS_CERT and SIP_TLS_KEY: set it to the path of a PEM file',
    ]);
  });

  it('takes certificate and key as paths or as PEM, and checks that they fit', async () => {
    const pair = await generate([{ name: 'commonName', value: 'localhost' }], { keySize: 2048 });
    const env = { SIP_LISTEN: 'tls://127.0.0.1:5061', SIP_TLS_CERT: '/cert.pem', SIP_TLS_KEY: pair.private };
    const { config } = good(env, { '/cert.pem': pair.cert });
    expect([config.sip.tlsCert, config.secrets.sipTlsKey]).toEqual([pair.cert, pair.private.trim()]);
    expect(problems(env)).toEqual(['SIP_TLS_CERT: names a PEM file that cannot be read (ENOENT)']);
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    });
    const wrong = problems({ ...env, SIP_TLS_KEY: String(other) }, { '/cert.pem': pair.cert });
    expect(wrong).toEqual(['SIP_TLS_KEY: is not the key of the certificate in SIP_TLS_CERT']);
  });

  it('refuses HTTP beyond loopback without keys', () => {
    expect(problems({ HTTP_LISTEN: '0.0.0.0:8080' })).toEqual([
      'HTTP_LISTEN: is beyond loopback, which needs API_KEYS; set those, or listen on 127.0.0.1',
    ]);
    expect(problems({ HTTP_LISTEN: '[::]:8080', API_KEYS: `ops:read:${secret}` })).toEqual([]);
    expect(problems({ HTTP_LISTEN: '[::1]:0' })).toEqual([]);
  });

  it('takes media streams at a port for each worker, below a public URL alone', () => {
    const open = { PUBLIC_HTTP_LISTEN: '127.0.0.1:8081', PUBLIC_URL: 'https://bridge.example' };
    const streams = (listen: string, more: Record<string, string> = {}) =>
      problems({ TWILIO_STREAM_LISTEN: listen, MEDIA_WORKERS: '4', ...more });
    expect(streams('127.0.0.1:65532', open)).toEqual([]);
    expect(streams('127.0.0.1:65533', open)).toEqual([
      'TWILIO_STREAM_LISTEN: has no port for each of 4 media workers: begin lower',
    ]);
    expect(streams('127.0.0.1:0', open)).toEqual(['TWILIO_STREAM_LISTEN: needs a port, like 127.0.0.1:8090']);
    expect(streams('127.0.0.1:8090')).toEqual([
      'TWILIO_STREAM_LISTEN: is of use only with PUBLIC_HTTP_LISTEN and PUBLIC_URL: set them, or leave this out',
    ]);
  });

  it('refuses two keys of one name', () => {
    expect(problems({ API_KEYS: `a:read:${secret},a:admin:${secret}2` })).toEqual([
      'API_KEYS: has two keys with the name a',
    ]);
  });

  const sid = (prefix: string) => prefix + '0123456789abcdef'.repeat(2);

  it('takes Twilio with a key, or with the token', () => {
    const account = { TWILIO_ACCOUNT_SID: sid('AC'), TWILIO_VERIFY_SERVICE_SID: sid('VA') };
    const key = { TWILIO_API_KEY_SID: sid('SK'), TWILIO_API_KEY_SECRET: 'k' };
    const both = good({ ...account, ...key, TWILIO_AUTH_TOKEN: 't' }).config;
    expect(both.secrets.twilio).toEqual({
      ...{ kind: 'key', keySid: sid('SK'), keySecret: 'k' },
      authToken: 't',
    });
    expect(both.twilio).toMatchObject({ accountSid: sid('AC'), senders: { verifyServiceSid: sid('VA') } });
    expect(good({ ...account, TWILIO_AUTH_TOKEN: 't' }).config.secrets.twilio).toEqual({
      kind: 'token',
      authToken: 't',
    });
  });

  it('reads what messages leave from as people write it, with the country of numbers that have none', () => {
    const env = {
      TWILIO_PHONE_NUMBER: '(415) 555-1234',
      TWILIO_WHATSAPP_NUMBER: 'whatsapp:+442071234567',
      TWILIO_MESSAGING_SERVICE_SID: sid('MG'),
    };
    const yaml = { 'c.yaml': 'tools: { default_country: US }\n' };
    expect(good({ ...env, TRUNKBRIDGE_CONFIG: 'c.yaml' }, yaml).config.twilio.senders).toEqual({
      phoneNumber: '+14155551234',
      whatsAppNumber: '+442071234567',
      messagingServiceSid: sid('MG'),
    });
    expect(good({ TWILIO_PHONE_NUMBER: 'auto' }).config.twilio.senders).toEqual({ phoneNumber: 'auto' });
    expect(problems({ TWILIO_PHONE_NUMBER: '(415) 555-1234' })).toEqual([
      'TWILIO_PHONE_NUMBER: needs a + and the country code in front (tools.default_country gives one)',
    ]);
  });

  it.each([
    [{ TWILIO_ACCOUNT_SID: sid('AC') }, 'TWILIO_API_KEY_SID'],
    [{ TWILIO_AUTH_TOKEN: 't' }, 'TWILIO_ACCOUNT_SID'],
    [{ TWILIO_ACCOUNT_SID: sid('AC'), TWILIO_API_KEY_SID: sid('SK') }, 'TWILIO_API_KEY_SECRET'],
    [{ TWILIO_ACCOUNT_SID: sid('AC'), TWILIO_API_KEY_SECRET: 'x' }, 'TWILIO_API_KEY_SID'],
    [{ TWILIO_ACCOUNT_SID: 'AC1', TWILIO_AUTH_TOKEN: 't' }, 'TWILIO_ACCOUNT_SID'],
  ])('names what is missing of Twilio in %j', (env, name) => {
    const found = problems(env as Record<string, string>);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${name}: `);
  });
});

describe('notes', () => {
  it.each([
    [{ SIP_ALOW: '10.0.0.0/8' }, 'SIP_ALOW is set and means nothing here; did you mean SIP_ALLOW?'],
    [
      { TWILIO_VERIFY_SERVICE_SID: `VA${'1'.repeat(32)}` },
      'Twilio has senders or a Verify service, and TWILIO_ACCOUNT_SID is not set: they are of use only once Twilio is connected over the API (PUT /v1/twilio/connection).',
    ],
    [{ SIP_ALLOW: '0.0.0.0/0' }, 'SIP_ALLOW has 0.0.0.0/0'],
  ])('tell what is allowed and may be a mistake: %j', (env, note) => {
    const { notes } = good(env as Record<string, string>);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain(note);
  });

  it.each([
    ['agent: { queue_policy: ring }\ncall: { ring_seconds: 30 }\n', ['(agent)']],
    [
      'numbers: [{ phone_number: "*", agent_id: a, queue_policy: ring, queue_wait_seconds: 90 }]\n',
      ['(1 of'],
    ],
    ['agent: { queue_policy: ring }\n', []],
    ['call: { ring_seconds: 30 }\n', []],
  ])('tell a wait in the queue that the end of ringing cuts off: %s', (yaml, told) => {
    const { notes } = good({}, { '/c.yaml': yaml });
    expect(notes).toHaveLength(told.length);
    for (const [i, place] of told.entries()) expect(notes[i]).toContain(place);
  });

  it('do not mind the variables of other programs', () => {
    expect(good({ PATH: '/bin', HOME: '/', LOG_LEVELS: 'x', SIPP_BIN: 'x', API_KEY: 'x' }).notes).toEqual([
      'LOG_LEVELS is set and means nothing here; did you mean LOG_LEVEL?',
    ]);
  });
});
