import { expect, it } from 'vitest';
import { Failure, fail, ok } from '../../src/core/errors.ts';
import { OutboundLines } from '../../src/outbound-line.ts';
import type { Resolver } from '../../src/sip/resolver.ts';
import type { OutboundTrunk } from '../../src/trunks/outbound.ts';

const trunk = { host: 'pbx.example', transport: 'tcp', mediaEncryption: 'allowed', tlsVerify: true };

const linesOf = (resolved: Awaited<ReturnType<Resolver['resolve']>>) =>
  new OutboundLines({
    resolver: { resolve: async () => resolved },
    legs: { open: async () => fail(new Failure('no-ports', 'none is asked for')) } as never,
    keysOverCleartext: false,
    advertised: () => '127.0.0.1',
    options: () => ({}),
  });

const hops = (resolved: Awaited<ReturnType<Resolver['resolve']>>, more: Partial<OutboundTrunk> = {}) =>
  linesOf(resolved).hops({ ...trunk, ...more } as OutboundTrunk);

it('tells why there is no way to a trunk, to whoever registers with it', async () => {
  const failed = fail(new Failure('dns-failed', 'pbx.example could not be looked up: EAI_AGAIN'));
  await expect(hops(failed)).rejects.toThrow('pbx.example could not be looked up: EAI_AGAIN');
  const plain = ok([{ transport: 'tcp', address: '127.0.0.1', port: 5060 } as const]);
  await expect(hops(plain, { mediaEncryption: 'required' })).rejects.toThrow('it has no TLS');
  expect(await hops(plain)).toMatchObject([{ address: '127.0.0.1', port: 5060 }]);
});
