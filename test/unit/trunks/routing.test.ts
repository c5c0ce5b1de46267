import { describe, expect, it } from 'vitest';
import { defaultTrunk, implicitRouting } from '../../../src/trunks/routing.ts';

const routing = implicitRouting({ allow: ['10.0.0.0/8', '::1/128'], agentId: 'agent_1' });

describe('routing without a configured trunk', () => {
  it('takes allowed sources over the trunk default, and trusts them', () => {
    expect(routing.trunk('::ffff:10.0.0.9')).toMatchObject({ name: defaultTrunk, trustIdentity: true });
    expect(routing.trunk('::1')).toMatchObject({ name: 'default' });
  });

  it('has no trunk for anybody else', () => {
    expect(routing.trunk('192.0.2.1')).toBeUndefined();
    expect(routing.trunk('not an address')).toBeUndefined();
  });

  it('reaches the one agent with every number', () => {
    const trunk = routing.trunk('10.0.0.9')!;
    expect([routing.agent(trunk, '+4930901820'), routing.agent(trunk, '')]).toEqual(['agent_1', 'agent_1']);
  });
});
