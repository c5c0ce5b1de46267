import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SipRequest } from '../../../../src/sip/embedded/message/message.ts';
import { registrationTable } from '../../../../src/sip/embedded/registration-table.ts';
import type { Challenge, NextHop, Registration } from '../../../../src/sip/signalling.ts';
import { authorizer, Calling, hop, nothingHeld, reply, settled } from './dialog/calling.ts';

let world: Calling;
beforeEach(() => {
  world = new Calling();
});
afterEach(async () => {
  expect(await world.close()).toEqual(nothingHeld);
});

interface Setting {
  readonly route?: () => Promise<readonly NextHop[]>;
  readonly seconds?: number;
  readonly deaf?: readonly string[];
}

/** A registration on its way; `changes` is what it tells. */
async function registering(setting: Setting = {}) {
  const changes: [boolean, number][] = [];
  const whys: (string | undefined)[] = [];
  const seen: Challenge[] = [];
  world.deaf = setting.deaf ?? [];
  const registration = world.stack.register(setting.route ?? (async () => [hop('192.0.2.10')]), {
    from: '1001',
    host: 'pbx.example',
    headers: [],
    seconds: setting.seconds ?? 600,
    authorize: authorizer(seen),
    onChange: (registered, status, why) => {
      changes.push([registered, status]);
      whys.push(why);
    },
  });
  await settled();
  return { registration, changes, whys };
}

function sent(): SipRequest {
  const requests = world.wire.take().filter(message => message.kind === 'request');
  const [only, ...others] = requests;
  if (only === undefined || others.length > 0) throw new Error(`${requests.length} requests were sent`);
  return only;
}

const nobodyElse = 'Contact: <sip:1001@198.51.100.7>;expires=9, ';
const ours = (seconds: number) => `<sip:1001@203.0.113.5:5060;transport=tcp>;expires=${seconds}`;

async function answer(request: SipRequest, status: number, ...headers: string[]): Promise<void> {
  world.wire.receive(reply(request, status, { headers }));
  await settled();
}

async function registered(setting: Setting = {}) {
  const begun = await registering(setting);
  await answer(sent(), 200, `Contact: ${ours(600)}`);
  return begun;
}

async function ended(registration: Registration): Promise<void> {
  const stopping = registration.stop();
  await settled();
  const removal = sent();
  expect(removal.headers.get('Expires')).toBe('0');
  expect(removal.headers.get('Contact')).toContain(';expires=0');
  await answer(removal, 200);
  await stopping;
}

describe('a registration', () => {
  it('names the user, our Contact and the time it shall hold, and tells when it holds', async () => {
    const { registration, changes } = await registering();
    const request = sent();
    expect(request.method).toBe('REGISTER');
    expect(request.uri).toBe('sip:pbx.example');
    expect(request.headers.get('To')).toBe('<sip:1001@pbx.example>');
    expect(request.headers.get('Contact')).toBe(ours(600));
    expect(registration.registered).toBe(false);
    await answer(request, 200, `Contact: ${ours(600)}`);
    expect(registration.registered).toBe(true);
    expect(changes).toEqual([[true, 200]]);
    await ended(registration);
    expect(changes).toEqual([
      [true, 200],
      [false, 200],
    ]);
  });

  it('holds among a dozen others of the same user', async () => {
    const { registration, changes } = await registering();
    const others = Array.from({ length: 11 }, (_, i) => `Contact: <sip:1001@198.51.100.${i}>;expires=60`);
    await answer(sent(), 200, ...others, `Contact: ${ours(600)}`);
    expect(registration.registered).toBe(true);
    expect(changes).toEqual([[true, 200]]);
    await ended(registration);
  });

  it('answers a challenge with the next CSeq of the same call', async () => {
    const { registration } = await registering();
    const first = sent();
    await answer(first, 401, 'WWW-Authenticate: Digest realm="trunk", nonce="n1"');
    const second = sent();
    expect(second.headers.get('Authorization')).toContain('nonce="n1"');
    expect(second.headers.get('CSeq')).toBe('2 REGISTER');
    expect(second.headers.get('Call-ID')).toBe(first.headers.get('Call-ID'));
    await answer(second, 200);
    expect(registration.registered).toBe(true);
  });

  it('is refreshed before the time that the registrar granted is over', async () => {
    const { changes } = await registering({ seconds: 3600 });
    await answer(sent(), 200, `${nobodyElse}${ours(100)}`);
    world.clock.advance(79_999);
    await settled();
    expect(world.wire.take()).toEqual([]);
    world.clock.advance(1);
    await settled();
    await answer(sent(), 200, 'Expires: 100');
    world.clock.advance(80_000);
    await settled();
    expect(sent().method).toBe('REGISTER');
    expect(changes).toEqual([[true, 200]]);
  });

  it('is refreshed by its own time, where another at our address has a longer one', async () => {
    await registering({ seconds: 3600 });
    const other = ours(3000).replace(/:\d+;/, ':5999;');
    await answer(sent(), 200, `Contact: ${other}`, `Contact: ${ours(100)}`);
    world.clock.advance(80_000);
    await settled();
    expect(sent().method).toBe('REGISTER');
  });

  it('is taken back without the nonce that it was made with, and with a new one where that is asked for', async () => {
    const { registration } = await registering();
    await answer(sent(), 401, 'WWW-Authenticate: Digest realm="trunk", nonce="n1"');
    await answer(sent(), 200);
    const stopping = registration.stop();
    await settled();
    const removal = sent();
    expect(removal.headers.get('Authorization')).toBeUndefined();
    await answer(removal, 401, 'WWW-Authenticate: Digest realm="trunk", nonce="n2"');
    const again = sent();
    expect(again.headers.get('Authorization')).toContain('nonce="n2"');
    expect(again.headers.get('Expires')).toBe('0');
    await answer(again, 200);
    await stopping;
  });

  it('goes to the next hop after one that took it and never answered', async () => {
    await registering({ route: async () => [hop('192.0.2.10'), hop('192.0.2.11')] });
    expect(sent().method).toBe('REGISTER');
    world.clock.advance(32_000);
    await settled();
    world.clock.advance(5_000);
    await settled();
    expect(world.dialled).toEqual(['192.0.2.10', '192.0.2.11']);
    await answer(sent(), 200);
  });

  it('asks for longer when the registrar finds it too brief', async () => {
    const { registration } = await registering({ seconds: 60 });
    await answer(sent(), 423, 'Min-Expires: 300');
    const second = sent();
    expect(second.headers.get('Expires')).toBe('300');
    await answer(second, 200);
    expect(registration.registered).toBe(true);
  });

  it('uses no nonce a second time for the longer interval', async () => {
    const { registration } = await registering({ seconds: 60 });
    await answer(sent(), 401, 'WWW-Authenticate: Digest realm="trunk", nonce="n1"');
    await answer(sent(), 423, 'Min-Expires: 300');
    const longer = sent();
    expect(longer.headers.get('Expires')).toBe('300');
    expect(longer.headers.get('Authorization')).toBeUndefined();
    await answer(longer, 401, 'WWW-Authenticate: Digest realm="trunk", nonce="n2"');
    const signed = sent();
    expect(signed.headers.get('Authorization')).toContain('nonce="n2"');
    await answer(signed, 200);
    expect(registration.registered).toBe(true);
  });

  it('waits longer after each failure, and never longer than ten minutes', async () => {
    const { changes } = await registering({ deaf: ['192.0.2.10'] });
    const tries: number[] = [];
    let last = world.clock.now();
    for (let i = 0; i < 12; i++) {
      const before = world.dialled.length;
      while (world.dialled.length === before && world.clock.now() - last < 700_000) {
        world.clock.advance(500);
        await settled();
      }
      tries.push(world.clock.now() - last);
      last = world.clock.now();
    }
    for (const [i, wait] of tries.entries()) {
      const most = Math.min(5_000 * 2 ** i, 600_000);
      expect(wait).toBeGreaterThanOrEqual(most / 2);
      expect(wait).toBeLessThanOrEqual(most + 500);
    }
    expect(changes.every(([holds]) => !holds)).toBe(true);
  });

  it('waits at least as long as Retry-After says', async () => {
    await registering();
    await answer(sent(), 503, 'Retry-After: 60');
    world.clock.advance(59_999);
    await settled();
    expect(world.wire.take()).toEqual([]);
    world.clock.advance(1);
    await settled();
    expect(sent().method).toBe('REGISTER');
  });

  it('is not registered any more, and tries again, when its connection goes', async () => {
    const { registration, changes } = await registered();
    world.wire.reset();
    expect(registration.registered).toBe(false);
    world.clock.advance(5_000);
    await settled();
    expect(world.wires).toHaveLength(2);
    await answer(sent(), 200);
    expect(changes.map(([holds]) => holds)).toEqual([true, false, true]);
  });

  it('is given up for a while when the registrar says nothing for 32 s', async () => {
    const { changes } = await registering();
    sent();
    world.clock.advance(32_000);
    await settled();
    expect(changes).toEqual([[false, 0]]);
    world.clock.advance(5_000);
    await settled();
    expect(sent().method).toBe('REGISTER');
  });

  it('does not answer the same challenge for ever', async () => {
    const { changes } = await registering();
    for (let i = 0; i < 2; i++)
      await answer(sent(), 401, `WWW-Authenticate: Digest realm="trunk", nonce="n${i}"`);
    expect(world.wire.take()).toEqual([]);
    expect(changes).toEqual([[false, 401]]);
  });

  it('tries the next hop when one cannot be reached', async () => {
    await registering({ route: async () => [hop('192.0.2.10'), hop('192.0.2.11')], deaf: ['192.0.2.10'] });
    expect(world.dialled).toEqual(['192.0.2.10', '192.0.2.11']);
    expect(sent().method).toBe('REGISTER');
  });

  it('tries again when its name cannot be looked up', async () => {
    let asked = 0;
    await registering({
      route: async () => {
        asked++;
        throw new Error('no such name');
      },
    });
    world.clock.advance(5_000);
    await settled();
    expect(asked).toBe(2);
  });

  it.each<[string, Setting, RegExp]>([
    [
      'cannot be connected to',
      { deaf: ['192.0.2.10'] },
      /^192\.0\.2\.10 port 5060 over TCP: the test says so$/,
    ],
    ['has no address', { route: async () => [] }, /^pbx\.example has no address/],
    ['cannot be looked up', { route: () => Promise.reject(new Error('no such name')) }, /^no such name$/],
  ])('says that the registrar %s', async (_, setting, why) => {
    const { whys } = await registering(setting);
    expect(whys).toEqual([expect.stringMatching(why)]);
  });

  it('says what the registrar answered, or that it said nothing', async () => {
    const refused = await registering();
    await answer(sent(), 403);
    expect(refused.whys).toEqual(['SIP 403']);
    await refused.registration.stop();
    const wrong = await registering();
    for (let i = 0; i < 2; i++)
      await answer(sent(), 401, `WWW-Authenticate: Digest realm="trunk", nonce="n${i}"`);
    expect(wrong.whys).toEqual([expect.stringMatching(/^SIP 401: .*outbound_trunk_config\.credentials/)]);
    await wrong.registration.stop();
    const forbidden = await registering();
    await answer(sent(), 401, 'WWW-Authenticate: Digest realm="trunk", nonce="n1"');
    await answer(sent(), 403);
    expect(forbidden.whys).toEqual([expect.stringMatching(/^SIP 403: .*outbound_trunk_config\.credentials/)]);
    await forbidden.registration.stop();
    const mute = await registering();
    sent();
    world.clock.advance(32_000);
    await settled();
    expect(mute.whys).toEqual(['no response from 192.0.2.10 port 5060 over TCP']);
  });

  it('gives no reason where it holds, and where we have taken it back', async () => {
    const { registration, whys } = await registered();
    await ended(registration);
    expect(whys).toEqual([undefined, undefined]);
  });

  it('ends with the stack, which takes it back', async () => {
    await registered();
    const closing = world.stack.close(1_000);
    await settled();
    await answer(sent(), 200);
    world.clock.advance(1_000);
    await closing;
  });
});

describe('the table of a registration', () => {
  it('takes stop in every state, and leaves the last one never', () => {
    for (const row of Object.values(registrationTable)) expect(Object.keys(row)).toContain('stop');
    expect(registrationTable.stopped.stop).toEqual(['stopped']);
  });
});
