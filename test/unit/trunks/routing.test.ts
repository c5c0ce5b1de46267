import { describe, expect, it } from 'vitest';
import { defaultTrunk, implicitTrunk, Routing } from '../../../src/trunks/routing.ts';
import type { NumberConfig, TrunkConfig } from '../../../src/trunks/trunk.ts';

const trunk = (name: string, more: Partial<TrunkConfig> = {}): TrunkConfig => ({
  ...implicitTrunk([], 'allowed'),
  name,
  ...more,
});

const routing = (
  trunks: readonly TrunkConfig[],
  numbers: readonly NumberConfig[] = [],
  agentId: string | undefined = 'agent_1',
) => new Routing({ trunks, numbers, realm: 'r', ...(agentId === undefined ? {} : { agentId }) });

const names = (found: readonly { readonly name: string }[]) => found.map(({ name }) => name);

describe('routing without a configured trunk', () => {
  const implicit = routing([implicitTrunk(['10.0.0.0/8', '::1/128'], 'allowed')]);

  it('takes allowed sources over the trunk default, and trusts them', () => {
    const [found] = implicit.candidates({ address: '::ffff:10.0.0.9' });
    expect(found).toMatchObject({ name: defaultTrunk, trustIdentity: true });
    expect(names(implicit.candidates({ address: '::1' }))).toEqual(['default']);
  });

  it('has no trunk for anybody else, and does not let them connect', () => {
    for (const address of ['192.0.2.1', 'not an address', '']) {
      expect(implicit.candidates({ address })).toEqual([]);
      expect(implicit.admits(address)).toBe(false);
    }
  });

  it('reaches the one agent with every number', () => {
    expect(implicit.route('default', '+4930901820')).toEqual({ agentId: 'agent_1', policy: {} });
    expect(implicit.route('default', '')?.agentId).toBe('agent_1');
  });
});

describe('a trunk', () => {
  const credentials = { username: 'pbx', password: 'a long password' };

  it('trusts what an address or a certificate proves, and not a password alone, unless told otherwise', () => {
    const { trunks } = routing([
      trunk('address', { allowedAddresses: ['192.0.2.0/24'] }),
      trunk('certificate', { remoteDomains: ['pbx.example.com'] }),
      trunk('password', { credentials }),
      trunk('both', { allowedAddresses: ['192.0.2.0/24'], credentials: { ...credentials, username: 'b' } }),
      trunk('told', { credentials: { ...credentials, username: 'c' }, trustIdentity: true }),
      trunk('denied', { allowedAddresses: ['192.0.2.0/24'], trustIdentity: false }),
    ]);
    expect(trunks.map(({ name, trustIdentity }) => [name, trustIdentity])).toEqual([
      ['address', true],
      ['certificate', true],
      ['password', false],
      ['both', true],
      ['told', true],
      ['denied', false],
    ]);
  });

  it('is met only when address and certificate are both as demanded', () => {
    const both = routing([
      trunk('both', { allowedAddresses: ['192.0.2.0/24'], remoteDomains: ['PBX.example.com'] }),
    ]);
    const certificateNames = ['pbx.example.com'];
    expect(names(both.candidates({ address: '192.0.2.9', certificateNames }))).toEqual(['both']);
    expect(both.candidates({ address: '192.0.2.9' })).toEqual([]);
    expect(both.candidates({ address: '198.51.100.1', certificateNames })).toEqual([]);
    expect(both.candidates({ address: '192.0.2.9', certificateNames: ['evil.example.com'] })).toEqual([]);
  });

  it('that goes by a password lets everybody connect, and names nobody that we may dial', () => {
    const open = routing([trunk('a', { credentials }), trunk('b', { allowedAddresses: ['192.0.2.1/32'] })]);
    expect([open.admits('203.0.113.1'), open.lists('203.0.113.1')]).toEqual([true, false]);
    expect([open.admits('192.0.2.1'), open.lists('192.0.2.1')]).toEqual([true, true]);
  });

  it('is shown by an address or a certificate of its own, and not where a password is all that it demands', () => {
    const some = routing([
      trunk('a', { allowedAddresses: ['192.0.2.1/32', '192.0.2.2/32'] }),
      trunk('b', { allowedAddresses: ['192.0.2.3/32'], credentials }),
      trunk('c', { credentials: { ...credentials, username: 'c' } }),
      trunk('d', { remoteDomains: ['pbx.example.com'] }),
    ]);
    const shown = (address: string, certificateNames: readonly string[] = []) =>
      ['a', 'b', 'c', 'd', 'nobody'].filter(name => some.isOf(name, { address, certificateNames }));
    expect(shown('192.0.2.1')).toEqual(['a']);
    expect(shown('192.0.2.2')).toEqual(['a']);
    expect(shown('192.0.2.3', ['evil.example.com'])).toEqual(['b']);
    expect(shown('198.51.100.1')).toEqual([]);
    expect(shown('198.51.100.1', ['pbx.example.com'])).toEqual(['d']);
  });

  it("that demands nothing is nobody's", () => {
    const open = routing([trunk('a')]);
    expect([open.admits('127.0.0.1'), open.candidates({ address: '127.0.0.1' })]).toEqual([false, []]);
  });

  it('keeps no password, only what digest needs of it', () => {
    const { trunks } = routing([trunk('a', { credentials })]);
    expect(JSON.stringify(trunks)).not.toContain(credentials.password);
    expect(trunks[0]?.account?.username).toBe('pbx');
  });
});

describe('a number', () => {
  const numbers: NumberConfig[] = [
    {
      pattern: { kind: 'number', number: '+4930901820' },
      agentId: 'exact',
      policy: { settleMs: 7 },
      label: 'Sales',
    },
  ];

  it('has its own agent and policy, with and without its plus', () => {
    const found = routing([trunk('t')], numbers).route('t', '4930901820');
    expect(found).toMatchObject({ agentId: 'exact', policy: { settleMs: 7 }, label: 'Sales' });
  });

  it('without an entry reaches the agent for all others, and does not exist when there is none', () => {
    expect(routing([trunk('t')], numbers).route('t', '+4930901821')?.agentId).toBe('agent_1');
    const none = new Routing({ trunks: [trunk('t')], numbers, realm: 'r' });
    expect(none.route('t', '+4930901821')).toBeUndefined();
  });
});
