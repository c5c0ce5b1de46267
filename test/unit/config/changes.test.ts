import { generate } from 'selfsigned';
import { beforeAll, describe, expect, it } from 'vitest';
import { changesBetween, liveParts, reloadKeys } from '../../../src/config/changes.ts';
import type { Config } from '../../../src/config/config.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { type SettingKey, settings } from '../../../src/config/settings.ts';

function load(env: Record<string, string> = {}, yaml = ''): Config {
  const loaded = loadConfig({
    env: { ELEVENLABS_API_KEY: 'sk_1', ELEVENLABS_AGENT_ID: 'agent_1', ...env },
    path: 'c.yaml',
    read: () => yaml,
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
  return loaded.value.config;
}

let one: { readonly cert: string; readonly key: string };
beforeAll(async () => {
  const made = await generate([{ name: 'commonName', value: 'a' }], { keyType: 'ec', algorithm: 'sha256' });
  one = { cert: made.cert, key: made.private };
});

const trunk = (password: string) =>
  `trunks: [{ name: t, inbound_trunk_config: { credentials: { username: u, password: ${password} } } }]\n`;

describe('changes', () => {
  it('are none between two readings of the same', () => {
    expect(changesBetween(load({}, trunk('password 1')), load({}, trunk('password 1')))).toEqual({
      live: [],
      restart: [],
    });
  });

  it.each([
    ['another password', {}, trunk('password 2'), ['trunks']],
    ['another agent', { ELEVENLABS_AGENT_ID: 'agent_2' }, trunk('password 1'), ['elevenlabs.agent_id']],
    ['numbers', {}, `${trunk('password 1')}numbers: [{ phone_number: "1", agent_id: a }]\n`, ['numbers']],
    ['another log level', { LOG_LEVEL: 'debug' }, trunk('password 1'), ['log.level']],
    [
      'Twilio',
      { TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`, TWILIO_AUTH_TOKEN: 't' },
      trunk('password 1'),
      ['twilio'],
    ],
    ['a kill switch', {}, `${trunk('password 1')}tools: { kill_switch: true }\n`, ['tools.kill_switch']],
  ])('of %s hold at once', (_title, env, yaml, live) => {
    expect(changesBetween(load({}, trunk('password 1')), load(env, yaml))).toEqual({ live, restart: [] });
  });

  it.each([
    [{ SIP_LISTEN: 'tcp://0.0.0.0:5070' }, 'sip.listen'],
    [{ ELEVENLABS_API_KEY: 'sk_2' }, 'elevenlabs.api_key'],
    [{ RTP_PORTS: '20000-30000' }, 'media.rtp_ports'],
    [{ API_KEYS: 'a:admin:0123456789abcdef' }, 'http.api_keys'],
    [{ PUBLIC_ADDRESS: '192.0.2.1' }, 'network'],
  ])('of %j need a restart', (env, key) => {
    expect(changesBetween(load(), load(env))).toEqual({ live: [], restart: [key] });
  });

  it('of where workers take media streams need a restart', () => {
    const open = { PUBLIC_HTTP_LISTEN: '127.0.0.1:8081', PUBLIC_URL: 'https://bridge.example' };
    const after = load({ ...open, TWILIO_STREAM_LISTEN: '127.0.0.1:8090' });
    expect(changesBetween(load(open), after)).toEqual({ live: [], restart: ['twilio.stream_listen'] });
  });

  it('that need a restart are told again at the next reload, because they still do', () => {
    const before = load();
    const after = load({ SIP_LISTEN: 'tcp://0.0.0.0:5070', ELEVENLABS_API_KEY: 'sk_2', LOG_LEVEL: 'debug' });
    const now = liveParts(before, after);
    expect(now.log.level).toBe('debug');
    expect(now.sip.listen).toEqual(before.sip.listen);
    expect(now.secrets.elevenLabsApiKey).toBe('sk_1');
    expect(changesBetween(now, after)).toEqual({ live: [], restart: ['elevenlabs.api_key', 'sip.listen'] });
  });

  it('of Twilio are in what holds now, and secrets that need a restart stay', () => {
    const secret = { TOOLS_SECRET: '0123456789abcdef' };
    const twilio = { TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`, TWILIO_AUTH_TOKEN: 't' };
    const after = load({ ...secret, ...twilio });
    const now = liveParts(load(secret), after);
    expect(now.twilio).toEqual(after.twilio);
    expect(now.secrets.twilio).toEqual({ kind: 'token', authToken: 't' });
    expect(liveParts(now, load(secret)).secrets.twilio).toBeUndefined();
    expect(changesBetween(now, after)).toEqual({ live: [], restart: [] });
  });

  it('of what may be swapped leave nothing of the old', () => {
    const before = load({}, trunk('password 1'));
    const now = liveParts(
      before,
      load({ ELEVENLABS_AGENT_ID: '' }, 'numbers: [{ phone_number: "*", agent_id: a }]\n'),
    );
    expect(now.trunks).toEqual([]);
    expect(now.secrets.trunkPasswords.size).toBe(0);
    expect(now.elevenlabs).not.toHaveProperty('agentId');
  });

  it('that are told as applied are: nothing of them differs any more', () => {
    const before = load();
    const after = load(
      { ELEVENLABS_AGENT_ID: 'agent_2', TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`, TWILIO_AUTH_TOKEN: 't' },
      `${trunk('password 2')}
numbers: [{ phone_number: "1", agent_id: a }]
transfers: [{ name: Desk, phone_number: "+14155550123", transfer_type: blind }]
menus: [{ name: main, say: Hello, choices: [{ digits: "1", action: hangup }] }]
sip:
  allow: 192.0.2.0/24
  tls_ca: "-----BEGIN CERTIFICATE-----"
  tls_cert: ${JSON.stringify(one.cert)}
  tls_key: ${JSON.stringify(one.key)}
  tls_certificates: [{ names: [a.example], cert: ${JSON.stringify(one.cert)}, key: ${JSON.stringify(one.key)} }]
media: { encryption: required, dtmf_in_band: "on" }
agent: { settle_ms: 77 }
survival: { policy: hangup }
waiting: { after_ms: 777 }
call: { max_seconds: 77, ring_seconds: 77 }
recording: { enabled: true, consent_prompt: beep, encrypt: false, min_free_mb: 77 }
tools: { kill_switch: true }
verify: { sends_per_call: 2 }
sending: { messages_per_call: 2 }
actions: { calls_per_day: 2 }
webhooks: { allowed_networks: [192.0.2.0/24] }
store: { keep_days: 7 }
drain: { deadline_seconds: 77 }
log: { level: debug }
`,
    );
    expect(changesBetween(before, after)).toEqual({ live: reloadKeys.live, restart: [] });
    expect(changesBetween(liveParts(before, after), after).live).toEqual([]);
  });

  it('are noticed of every setting', () => {
    const other: Partial<Record<SettingKey, string>> = {
      'elevenlabs.api_key': 'sk_other',
      'elevenlabs.agent_id': 'agent_other',
      'elevenlabs.base_url': 'https://api.eu.residency.elevenlabs.io',
      'sip.listen': 'tcp://0.0.0.0:5099',
      'sip.tls_client_certificate': 'optional',
      'sip.realm': 'other',
      'sip.allow': '192.0.2.0/24',
      'network.public_address': '192.0.2.1',
      'network.local_networks': '192.0.2.0/24',
      'media.rtp_ports': '20000-30000',
      'media.workers': '7',
      'media.timeout_seconds': '77',
      'media.encryption': 'required',
      'media.sdes_over_cleartext': 'true',
      'media.dtmf_in_band': 'on',
      'agent.settle_ms': '77',
      'agent.start_timeout_ms': '777',
      'agent.input_chunk_ms': '77',
      'agent.queue_policy': 'ring',
      'agent.queue_wait_seconds': '77',
      'call.max_seconds': '77',
      'call.ring_seconds': '77',
      'call.max_calls': '77',
      'tools.kill_switch': 'true',
      'tools.default_country': 'DE',
      'http.listen': '127.0.0.1:8099',
      'drain.deadline_seconds': '77',
      'log.level': 'debug',
    };
    const before = load(
      { ELEVENLABS_API_KEY: '', ELEVENLABS_AGENT_ID: '' },
      'elevenlabs: { api_key: sk_1, agent_id: agent_1 }\n',
    );
    for (const [key, value] of Object.entries(other)) {
      expect(Object.keys(settings)).toContain(key);
      const lines = { 'elevenlabs.api_key': 'sk_1', 'elevenlabs.agent_id': 'agent_1', [key]: value };
      const sections = Object.entries(lines).map(([path, text]) => [
        ...path.split('.'),
        JSON.stringify(text),
      ]);
      const names = [...new Set(sections.map(([section]) => section))];
      const yaml = names
        .map(
          name =>
            `${name}: {${sections
              .filter(([s]) => s === name)
              .map(([, k, v]) => `${k}: ${v}`)
              .join(', ')}}`,
        )
        .join('\n');
      const { live, restart } = changesBetween(
        before,
        load({ ELEVENLABS_API_KEY: '', ELEVENLABS_AGENT_ID: '' }, yaml),
      );
      expect([key, [...live, ...restart].length]).toEqual([key, 1]);
    }
  });
});
