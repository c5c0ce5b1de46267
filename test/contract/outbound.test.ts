import { generate } from 'selfsigned';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { ending } from '../../src/core/ending.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { EmbeddedSignalling } from '../../src/sip/embedded/stack.ts';
import type {
  Dialogue,
  ListenAddress,
  NextHop,
  OutboundDialogue,
  OutboundOptions,
} from '../../src/sip/signalling.ts';
import { offer } from '../unit/sip/embedded/messages.ts';

const answerSdp = offer.replaceAll('192.0.2.10', '192.0.2.1');
const options: OutboundOptions = {
  to: '+14155550123',
  from: '+14155550199',
  host: 'trunk.example',
  headers: [{ name: 'X-Campaign', value: 'spring' }],
  ringMs: 20_000,
};

let pem = { cert: '', key: '' };

beforeAll(async () => {
  const made = await generate([{ name: 'commonName', value: 'trunk.example' }], {
    keySize: 2048,
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'trunk.example' }] },
    ],
  });
  pem = { cert: made.cert, key: made.private };
});

/** Two ends that know nothing of each other but what goes over real sockets. */
describe('a call from one signalling to another', () => {
  let bridge: EmbeddedSignalling;
  let trunk: EmbeddedSignalling;
  let where: readonly ListenAddress[] = [];
  let arrived: Dialogue[] = [];
  let take: (call: Dialogue) => void = () => undefined;

  function signalling(onInvite: (call: Dialogue) => void): EmbeddedSignalling {
    return new EmbeddedSignalling({
      listen: [
        { transport: 'tcp', address: '127.0.0.1', port: 0 },
        { transport: 'tls', address: '127.0.0.1', port: 0 },
      ],
      tls: pem,
      admit: () => true,
      contactFor: ({ localAddress, transport }) => ({
        host: localAddress,
        port: where.find(listening => listening.transport === transport)?.port ?? 0,
      }),
      clock: systemClock,
      log: silentLogger,
      onInvite,
      onRefused: () => undefined,
    });
  }

  beforeEach(async () => {
    arrived = [];
    take = () => undefined;
    bridge = signalling(() => undefined);
    trunk = signalling(call => {
      arrived.push(call);
      take(call);
    });
    where = await trunk.listen();
  });

  afterEach(async () => {
    await bridge.close(500);
    await trunk.close(500);
    for (const end of [bridge, trunk])
      expect(Object.values(end.stats()).reduce((sum, value) => sum + value, 0)).toBe(0);
  });

  function call(transport: 'tcp' | 'tls', more: Partial<NextHop> = {}): OutboundDialogue {
    const port = where.find(listening => listening.transport === transport)?.port ?? 0;
    return bridge.call([{ transport, address: '127.0.0.1', port, ...more }], offer, options);
  }

  it.each(['tcp', 'tls'] as const)('is answered, and hung up from either end, over %s', async transport => {
    take = incoming => {
      incoming.ring();
      void incoming.answer(answerSdp);
    };
    for (const who of ['we', 'they']) {
      const placed = call(transport, { serverName: 'trunk.example', ca: pem.cert });
      expect(await placed.answered).toEqual({ ok: true, value: { sdp: answerSdp } });
      const incoming = arrived.at(-1);
      expect(incoming?.facts).toMatchObject({
        requestUser: '+14155550123',
        from: { user: '+14155550199' },
        offer,
      });
      expect(incoming?.facts.headers).toContainEqual({ name: 'X-Campaign', value: 'spring' });
      if (who === 'we') placed.hangup(ending('agent-ended-call'));
      else incoming?.hangup(ending('agent-ended-call'));
      expect((await placed.ended).reason).toBe(who === 'we' ? 'agent-ended-call' : 'callee-hung-up');
      expect((await incoming?.ended)?.reason).toBe(who === 'we' ? 'caller-hung-up' : 'agent-ended-call');
    }
  });

  it('is refused, given up, and told apart', async () => {
    take = incoming => incoming.reject(486, ending('agent-busy'));
    expect(await call('tcp').answered).toMatchObject({ ok: false, failure: { reason: 'callee-busy' } });
    take = incoming => incoming.ring();
    const ringing = call('tcp');
    const rang = new Promise<number>(resolve => {
      ringing.onProgress = resolve;
    });
    expect(await rang).toBe(180);
    ringing.hangup(ending('agent-unreachable'));
    expect((await ringing.ended).reason).toBe('agent-unreachable');
    expect((await arrived.at(-1)?.ended)?.reason).toBe('caller-cancelled');
  });

  it.each([
    ['nobody vouches for', { serverName: 'trunk.example' }],
    ['is good for another name', { serverName: 'other.example' }],
    ['is good for a name alone, where an address was configured', {}],
  ])('is not made over TLS to a certificate that %s', async (why, more) => {
    const ca = why.startsWith('nobody') ? {} : { ca: pem.cert };
    const placed = call('tls', { ...more, ...ca });
    expect(await placed.answered).toMatchObject({ ok: false, failure: { reason: 'trunk-unreachable' } });
    expect(arrived).toEqual([]);
  });

  it('is made over TLS to any certificate only where the configuration says so', async () => {
    take = incoming => void incoming.answer(answerSdp);
    const placed = call('tls', { verify: false });
    expect((await placed.answered).ok).toBe(true);
  });

  it('is ended cleanly with the signalling, whatever state it is in', async () => {
    take = incoming => {
      if (arrived.length === 1) void incoming.answer(answerSdp);
      else incoming.ring();
    };
    const up = call('tcp');
    expect((await up.answered).ok).toBe(true);
    const ringing = call('tcp');
    await new Promise<void>(resolve => {
      ringing.onProgress = () => resolve();
    });
    await bridge.close(2_000);
    expect((await up.ended).reason).toBe('shutdown');
    expect((await ringing.ended).reason).toBe('shutdown');
    expect((await arrived[0]?.ended)?.reason).toBe('caller-hung-up');
    expect((await arrived[1]?.ended)?.reason).toBe('caller-cancelled');
  });
});
