import { describe, expect, it } from 'vitest';
import { Access } from '../../src/access.ts';
import { readImportedTrunk } from '../../src/config/imported.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type Logger, silentLogger } from '../../src/core/logger.ts';
import { ManualClock } from '../support/manual-clock.ts';

function load(yaml: string) {
  const env = { ELEVENLABS_API_KEY: 'sk_1', ELEVENLABS_AGENT_ID: 'agent_default', SIP_ALLOW: '192.0.2.1' };
  return loadConfig({ env, path: 'c.yaml', read: () => yaml });
}

function accessTo(state: { yaml: string }, log: Logger = silentLogger): Access {
  const loaded = load(state.yaml);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
  return new Access(loaded.value.config, {
    ...{ clock: new ManualClock(), log, events: { emit: () => undefined } },
    ...{ metrics: { certificates: () => undefined }, setLogLevel: () => undefined },
    load: () => load(state.yaml),
  });
}

function imported() {
  const trunk = readImportedTrunk('phnum_1', { inbound: { allowed_addresses: ['192.0.2.9'] } });
  if (!trunk.ok) throw new Error(trunk.failure);
  const pattern = { kind: 'number', number: '+4930901820' } as const;
  return { ...trunk.value, numbers: [{ pattern, agentId: 'agent_api', policy: {}, trunk: 'phnum_1' }] };
}

const agent = ({ gate }: Access, trunk: string) => gate.routing.route(trunk, '+4930901820')?.agentId;
const trunksAt = ({ gate }: Access, address: string) =>
  gate.routing.candidates({ address }).map(({ name }) => name);

describe('numbers that came over the API', () => {
  it('hold at once beside the implicit trunk, and go when they are taken away', () => {
    const access = accessTo({ yaml: '{}\n' });
    access.import(imported());
    expect(trunksAt(access, '192.0.2.9')).toEqual(['phnum_1']);
    expect(trunksAt(access, '192.0.2.1')).toEqual(['default']);
    expect(agent(access, 'phnum_1')).toBe('agent_api');
    expect(agent(access, 'default')).toBe('agent_default');
    access.import({ numbers: [], trunks: [], passwords: new Map() });
    expect(trunksAt(access, '192.0.2.9')).toEqual([]);
    expect(agent(access, 'phnum_1')).toBe('agent_default');
  });

  it('stay over a reload, are no change of the configuration, and give way to its number', async () => {
    const state = { yaml: '{}\n' };
    const access = accessTo(state);
    access.import(imported());
    expect(await access.reload()).toEqual({ ok: true, applied: [], needsRestart: [] });
    expect(agent(access, 'phnum_1')).toBe('agent_api');
    state.yaml = 'numbers: [{ phone_number: "+4930901820", agent_id: agent_file }]\n';
    expect(await access.reload()).toMatchObject({ ok: true, applied: ['numbers'] });
    expect(agent(access, 'phnum_1')).toBe('agent_file');
    expect(trunksAt(access, '192.0.2.9')).toEqual(['phnum_1']);
    state.yaml = '{}\n';
    await access.reload();
    expect(agent(access, 'phnum_1')).toBe('agent_api');
  });
});

describe('transfers over the trunk of an imported number', () => {
  const id = `phnum_${'0a'.repeat(12)}`;
  const yaml = `transfers: [{ name: Sales, phone_number: "+14155550150", trunk: ${id} }]\n`;
  const trunk = (outbound?: object) => {
    const read = readImportedTrunk(id, { inbound: { allowed_addresses: ['192.0.2.9'] }, outbound });
    if (!read.ok) throw new Error(read.failure);
    return { ...read.value, numbers: [] };
  };

  it('are told of once where nobody can be called over it, and not while somebody can', async () => {
    const told: unknown[] = [];
    const log: Logger = { ...silentLogger, error: (_, fields) => void told.push(fields?.['transfers']) };
    const state = { yaml };
    const access = accessTo(state, log);
    access.import(trunk({ address: '192.0.2.20' }));
    access.start(() => undefined);
    expect(told).toEqual([]);
    access.import(trunk());
    access.import(trunk());
    await access.reload();
    expect(told).toEqual([['Sales']]);
    access.import(trunk({ address: '192.0.2.20' }));
    state.yaml = yaml.replaceAll('0a', '0b');
    await access.reload();
    expect(told).toEqual([['Sales'], ['Sales']]);
    access.stop();
  });

  it('are told of at the start, when what was imported is known', () => {
    const told: unknown[] = [];
    const log: Logger = { ...silentLogger, error: (_, fields) => void told.push(fields?.['transfers']) };
    const access = accessTo({ yaml }, log);
    expect(told).toEqual([]);
    access.start(() => undefined);
    expect(told).toEqual([['Sales']]);
    access.stop();
  });
});
