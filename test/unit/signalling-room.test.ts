import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { Access } from '../../src/access.ts';
import { loadConfig } from '../../src/config/load.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { composeSignalling } from '../../src/signalling-room.ts';
import { EmbeddedSignalling } from '../../src/sip/embedded/stack.ts';
import type { Dialogue } from '../../src/sip/signalling.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { FakeWire } from './sip/embedded/fake-wire.ts';
import { invite, offer, request, toTagOf } from './sip/embedded/messages.ts';

const yaml = `
trunks:
  - name: pbx
    inbound_trunk_config: { credentials: { username: pbx, password: a long password } }
`;

async function setup() {
  const env = { ELEVENLABS_API_KEY: 'sk_1', ELEVENLABS_AGENT_ID: 'agent_a' };
  const loaded = loadConfig({ env, path: 'c.yaml', read: () => yaml });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
  const clock = new ManualClock();
  const calls: Dialogue[] = [];
  const base = { clock, log: silentLogger, events: { emit: () => undefined } };
  const access = new Access(loaded.value.config, {
    ...base,
    metrics: { certificates: () => undefined },
    setLogLevel: () => undefined,
  });
  const signalling = await composeSignalling(loaded.value.config, {
    ...base,
    access,
    overload: { screen: (_, admission) => admission },
    contactFor: () => ({ host: '203.0.113.5', port: 5060 }),
    wayTo: () => Promise.resolve([]),
    onInvite: call => void calls.push(call),
    tap: () => undefined,
  });
  if (!(signalling instanceof EmbeddedSignalling)) throw new Error('another backend');
  const wire = new FakeWire();
  signalling.attach(wire);
  return { access, signalling, clock, calls, wire };
}

/** The answer to a challenge in the name of the trunk's user. */
function authorization(challenge: string): string {
  const h = (text: string) => createHash('sha256').update(text).digest('hex');
  const field = (name: string) => new RegExp(`${name}="([^"]+)"`).exec(challenge)?.[1] ?? '';
  const [realm, nonce, opaque] = [field('realm'), field('nonce'), field('opaque')];
  const uri = 'sip:+18005550100@192.0.2.1';
  const response = h(`${h(`pbx:${realm}:a long password`)}:${nonce}:00000001:c:auth:${h(`INVITE:${uri}`)}`);
  return `Authorization: Digest username="pbx", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=SHA-256, cnonce="c", opaque="${opaque}", qop=auth, nc=00000001`;
}

let world: Awaited<ReturnType<typeof setup>>;
afterEach(async () => {
  const closing = world.signalling.close(0);
  world.clock.advance(40_000);
  await closing;
  world.access.stop();
});

describe('a call of a PBX that only has a password', () => {
  it('outlives a hundred pings without one that begin long after it', async () => {
    world = await setup();
    const { wire, clock, calls } = world;
    wire.receive(invite());
    const challenge = wire.response().headers.all('WWW-Authenticate')[0] ?? '';
    wire.receive(invite({ branch: 'z9hG4bKtwo', cseq: 2, headers: [authorization(challenge)] }));
    const answered = calls[0]?.answer(offer);
    const toTag = toTagOf(wire.response());
    wire.receive(request('ACK', { toTag, branch: 'z9hG4bKack', cseq: 2 }));
    expect((await answered)?.ok).toBe(true);
    clock.advance(7_200_000);
    for (let i = 0; i < 100; i++) {
      wire.receive(request('OPTIONS', { branch: `z9hG4bKping${i}`, callId: `ping-${i}` }));
      clock.advance(30_000);
    }
    expect(new Set(wire.statuses())).toEqual(new Set([401]));
    expect(world.access.gate.objection(wire.source.address)).toBeUndefined();
    wire.receive(request('BYE', { toTag, branch: 'z9hG4bKbye', cseq: 3 }));
    expect(wire.statuses()).toEqual([200]);
    expect((await calls[0]?.ended)?.reason).toBe('caller-hung-up');
  });
});
