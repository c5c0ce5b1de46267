import { describe, expect, it } from 'vitest';
import { changesBetween, liveParts } from '../../../src/config/changes.ts';
import { loadConfig } from '../../../src/config/load.ts';

const known = { ELEVENLABS_API_KEY: 'sk_1', ELEVENLABS_AGENT_ID: 'agent_1' };

function load(yaml: string, env: Record<string, string> = {}) {
  return loadConfig({ env: { ...known, ...env }, sipLimits: {}, path: '/c.yaml', read: () => yaml });
}

function good(yaml: string, env?: Record<string, string>) {
  const loaded = load(yaml, env);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
  return loaded.value.config;
}

const problems = (yaml: string, env?: Record<string, string>) => {
  const loaded = load(yaml, env);
  return loaded.ok ? [] : loaded.failure.map(({ where, what }) => `${where}: ${what}`);
};

describe('sip.backend', () => {
  it('is the embedded stack unless it is said otherwise', () => {
    expect(good('').sip.backend).toEqual({ kind: 'embedded' });
  });

  it('of drachtio connects to a server on this machine by default', () => {
    const config = good('sip: { backend: drachtio }', { DRACHTIO_SECRET: 'hush' });
    expect(config.sip.backend).toEqual({ kind: 'drachtio', mode: 'inbound', host: '127.0.0.1', port: 9022 });
    expect(config.secrets.drachtio).toBe('hush');
    expect(JSON.stringify(config)).not.toContain('hush');
  });

  it('of drachtio may be connected to, from loopback unless it is said otherwise', () => {
    const drachtio = 'drachtio: { mode: outbound, listen: "10.0.0.6:9024", secret: a }';
    expect(good(`sip: { backend: drachtio, ${drachtio} }`).sip.backend).toEqual({
      kind: 'drachtio',
      mode: 'outbound',
      listen: { address: '10.0.0.6', port: 9024 },
      allow: ['127.0.0.0/8', '::1/128'],
    });
  });

  it('of drachtio needs a secret', () => {
    expect(problems('sip: { backend: drachtio }')).toEqual([
      'DRACHTIO_SECRET: is missing beside sip.backend drachtio',
    ]);
    // The separator of its protocol.
    expect(problems('sip: { backend: drachtio, drachtio: { secret: "a|b" } }')).toHaveLength(1);
  });

  it('of drachtio cannot go by the certificates of peers', () => {
    const trunk = '{ name: a, inbound_trunk_config: { remote_domains: [pbx.example] } }';
    const yaml = `sip: { backend: drachtio, drachtio: { secret: a } }\ntrunks: [${trunk}]\n`;
    expect(problems(yaml)).toEqual([
      'trunk a: has remote_domains, but a drachtio-server does not tell whose certificate it was shown',
    ]);
  });

  it('changes with a restart alone', () => {
    const before = good('sip: { backend: drachtio, drachtio: { secret: a } }');
    const after = good('sip: { backend: drachtio, drachtio: { secret: b, port: 9 } }');
    expect(changesBetween(before, after)).toEqual({ live: [], restart: ['sip.backend'] });
    expect(liveParts(before, after).sip.backend).toEqual(before.sip.backend);
    expect(liveParts(before, after).secrets.drachtio).toBe('a');
  });
});
