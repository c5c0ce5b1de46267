import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { deferred } from '../../../src/core/deferred.ts';
import type { Admission, RequestFacts } from '../../../src/sip/signalling.ts';
import { Gate } from '../../../src/trunks/gate.ts';
import { type TrunkLimits, trunkLimits } from '../../../src/trunks/limits.ts';
import { implicitTrunk, Routing } from '../../../src/trunks/routing.ts';
import type { NumberConfig, TrunkConfig } from '../../../src/trunks/trunk.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const realm = 'trunkbridge';
const pbx = '192.0.2.10';
const stranger = '203.0.113.66';
const credentials = { username: 'pbx', password: 'a long password' };

const trunk = (name: string, more: Partial<TrunkConfig> = {}): TrunkConfig => ({
  ...implicitTrunk([], 'allowed'),
  name,
  ...more,
});
const listed = trunk('listed', { allowedAddresses: [`${pbx}/32`] });
const secret = trunk('secret', { credentials });

interface Ask {
  readonly address?: string;
  readonly method?: string;
  readonly user?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly certificateNames?: readonly string[];
}

function facts({
  address = stranger,
  method = 'INVITE',
  user = '+4930',
  headers = {},
  certificateNames,
}: Ask): RequestFacts {
  return {
    method,
    uri: `sip:${user}@192.0.2.1`,
    requestUser: user,
    source: {
      transport: 'tls',
      address,
      port: 40_000,
      localAddress: '192.0.2.1',
      ...(certificateNames === undefined ? {} : { certificateNames }),
    },
    // Two fields of a name are written with a bar between them here.
    header: name => headers[name]?.split('|') ?? [],
  };
}

function setup(
  trunks: readonly TrunkConfig[],
  { numbers = [], limits = {} }: { numbers?: readonly NumberConfig[]; limits?: Partial<TrunkLimits> } = {},
) {
  const clock = new ManualClock();
  const dropped: string[] = [];
  const routing = new Routing({ trunks, numbers, realm, agentId: 'agent' });
  const gate = new Gate({ routing, realm, clock, limits, onDropped: cause => void dropped.push(cause) });
  const ask = (asked: Ask = {}) => gate.admit(facts(asked));
  /** Asks, answers the challenge, and asks again. */
  const signIn = (password = credentials.password, asked: Ask = {}, username = 'pbx') => {
    const challenged = ask(asked);
    const value = challenged.verdict === 'refuse' ? (challenged.headers[0]?.[1] ?? '') : '';
    return ask({
      ...asked,
      headers: { ...asked.headers, Authorization: answer(value, username, password, asked) },
    });
  };
  return { clock, dropped, gate, ask, signIn };
}

function answer(
  challenge: string,
  username: string,
  password: string,
  { user = '+4930', method = 'INVITE' }: Ask,
) {
  const h = (text: string) => createHash('sha256').update(text).digest('hex');
  const nonce = /nonce="([^"]+)"/.exec(challenge)?.[1] ?? '';
  const uri = `sip:${user}@192.0.2.1`;
  const response = h(
    `${h(`${username}:${realm}:${password}`)}:${nonce}:00000001:c:auth:${h(`${method}:${uri}`)}`,
  );
  return `Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=SHA-256, cnonce="c", opaque="0", qop=auth, nc=00000001`;
}

/** A verdict in short: the trunk, the status with its reason, or `drop`. */
function short(admission: Admission): string {
  if (admission.verdict === 'pass') return admission.trunk ?? 'pass';
  return admission.verdict === 'drop' ? 'drop' : `${admission.status} ${admission.end.reason}`;
}

describe('the gate', () => {
  it('lets an address of a trunk in, and refuses every other', () => {
    const { ask, gate } = setup([listed]);
    expect(short(ask({ address: pbx }))).toBe('listed');
    expect(short(ask())).toBe('403 source-not-allowed');
    expect([gate.objection(pbx), gate.objection(stranger)]).toEqual([undefined, 'source-not-allowed']);
  });

  it('challenges where a trunk has credentials, and lets in who knows them', () => {
    const { ask, signIn } = setup([secret]);
    const challenged = ask();
    expect(short(challenged)).toBe('401 credentials-missing');
    expect(challenged.verdict === 'refuse' && challenged.headers.map(([name]) => name)).toEqual([
      'WWW-Authenticate',
      'WWW-Authenticate',
    ]);
    expect(short(signIn())).toBe('secret');
    expect(short(signIn('another password'))).toBe('401 credentials-wrong');
  });

  it('demands address and password where a trunk has both', () => {
    const both = trunk('both', { allowedAddresses: [`${pbx}/32`], credentials });
    const { ask, signIn } = setup([both]);
    expect(short(ask())).toBe('403 source-not-allowed');
    expect(short(ask({ address: pbx }))).toBe('401 credentials-missing');
    expect(short(signIn(credentials.password, { address: pbx }))).toBe('both');
  });

  it('does not take the password of a trunk that the address may not use', () => {
    const elsewhere = trunk('elsewhere', { allowedAddresses: ['198.51.100.0/24'], credentials });
    const other = trunk('other', { credentials: { username: 'other', password: 'another password' } });
    const { signIn } = setup([elsewhere, other]);
    expect(short(signIn())).toBe('401 credentials-wrong');
    expect(short(signIn('another password', {}, 'other'))).toBe('other');
    // Nor is it signed in by it: it is silenced as every stranger.
    const { gate, signIn: again } = setup([elsewhere, other]);
    for (let i = 0; i < 10; i++) again();
    expect(gate.objection(stranger)).toBe('silenced');
  });

  it('says stale to a replay, with a new nonce', () => {
    const { ask } = setup([secret]);
    const challenged = ask();
    const value = challenged.verdict === 'refuse' ? (challenged.headers[0]?.[1] ?? '') : '';
    const headers = { Authorization: answer(value, 'pbx', credentials.password, {}) };
    expect(short(ask({ headers }))).toBe('secret');
    const again = ask({ headers });
    expect(short(again)).toBe('401 credentials-stale');
    expect(again.verdict === 'refuse' && again.headers[0]?.[1]).toMatch(/stale=true$/);
  });

  it('goes by the names in a certificate where a trunk has domains', () => {
    const { ask } = setup([trunk('named', { remoteDomains: ['pbx.example.com'] })]);
    expect(short(ask({ certificateNames: ['x.example.com', 'pbx.example.com'] }))).toBe('named');
    expect(short(ask({ certificateNames: ['x.example.com'] }))).toBe('403 source-not-allowed');
    expect(short(ask())).toBe('403 source-not-allowed');
  });

  it('tells the accounts of Twilio apart that share its addresses', () => {
    const account = `AC${'a'.repeat(32)}`;
    const other = `AC${'b'.repeat(32)}`;
    const { ask } = setup([
      trunk('a', { allowedAddresses: [`${pbx}/32`], accountSid: account }),
      trunk('b', { allowedAddresses: [`${pbx}/32`], accountSid: other }),
    ]);
    const from = (sid: string) => short(ask({ address: pbx, headers: { 'X-Twilio-AccountSid': sid } }));
    expect([from(account), from(other)]).toEqual(['a', 'b']);
    expect(from(`AC${'c'.repeat(32)}`)).toBe('403 account-not-allowed');
    expect(short(ask({ address: pbx }))).toBe('403 account-not-allowed');
    expect([from(`${account}|${other}`), from(`${account}|${account}`)]).toEqual(
      Array(2).fill('403 account-not-allowed'),
    );
  });

  it('of trunks with the same address takes the one that has the number, else the first', () => {
    const entry = (trunkName: string, number: string): NumberConfig => ({
      pattern: { kind: 'number', number },
      agentId: 'a',
      trunk: trunkName,
      policy: {},
    });
    const addresses = { allowedAddresses: [`${pbx}/32`] };
    const numbers = [entry('two', '+4930901820'), entry('three', '+4930901830')];
    const trunks = [
      trunk('one', addresses),
      trunk('two', addresses),
      trunk('three', { ...addresses, credentials }),
    ];
    const { ask } = setup(trunks, { numbers });
    const called = (user: string) => short(ask({ address: pbx, user }));
    expect(called('4930901820')).toBe('two');
    expect(called('+4930901899')).toBe('one');
    expect(called('+4930901830')).toBe('401 credentials-missing');
  });

  it('takes the number from elsewhere in a call to the user name that we registered with', () => {
    const addresses = { allowedAddresses: [`${pbx}/32`] };
    const registered = { ...addresses, outbound: { username: 'account7', register: { seconds: 600 } } };
    const pattern = { kind: 'number', number: '+4930901820' } as const;
    const numbers = [{ pattern, agentId: 'a', trunk: 'two', policy: {} }];
    const { ask } = setup([trunk('one', addresses), trunk('two', registered)], { numbers });
    const called = (headers: Record<string, string>, user = 'account7') =>
      short(ask({ address: pbx, user, headers }));
    expect(called({ To: '<sip:+4930901820@pbx.example>' })).toBe('two');
    expect(called({ To: '<sip:a@b>', 'P-Called-Party-ID': '<sip:+4930901820@pbx.example>' })).toBe('two');
    expect(called({ To: '<sip:account7@b>' })).toBe('one');
    expect(called({ To: '<sip:+4930901820@pbx.example>' }, 'other')).toBe('one');
  });

  it('answers OPTIONS of a listed address without a password, and challenges those of a stranger', () => {
    const { ask } = setup([trunk('both', { allowedAddresses: [`${pbx}/32`], credentials }), secret]);
    expect(short(ask({ address: pbx, method: 'OPTIONS' }))).toBe('pass');
    expect(short(ask({ method: 'OPTIONS' }))).toBe('401 credentials-missing');
  });
});

describe('a scanner', () => {
  const scan = (trunks: readonly TrunkConfig[], users: number) => {
    const world = setup(trunks, { limits: { strangerRequestsPerSecond: 1000, strangerBurst: 1000 } });
    const answers = Array.from({ length: users }, (_, i) => {
      const admission = world.ask({ user: i % 2 === 0 ? '+4930901820' : `user${i}` });
      if (admission.verdict !== 'refuse') return admission.verdict;
      const headers = admission.headers.map(([name, value]) => [
        name,
        value.replace(/nonce="[^"]+"/, 'nonce'),
      ]);
      return JSON.stringify([admission.status, admission.end, headers]);
    });
    return { ...world, answers };
  };
  const numbers = [secret, listed];

  it('hears the same for users that exist and users that do not, twenty times, and then nothing', () => {
    const { answers, dropped, gate, clock } = scan(numbers, 1000);
    expect(new Set(answers.slice(0, 20)).size).toBe(1);
    expect(answers[0]).toContain('401');
    expect(new Set(answers.slice(20))).toEqual(new Set(['drop']));
    expect(dropped).toEqual(Array(980).fill('silenced'));
    expect(gate.objection(stranger)).toBe('silenced');
    clock.advance(trunkLimits.strangerSilenceMs);
    expect(gate.objection(stranger)).toBeUndefined();
  });

  it('gets challenges of one length', () => {
    const { ask } = setup(numbers);
    const lengths = Array.from({ length: 10 }, (_, i) => {
      const admission = ask({ user: `u${i}` });
      return admission.verdict === 'refuse' ? admission.headers.map(([, value]) => value.length).join() : '';
    });
    expect(new Set(lengths).size).toBe(1);
  });

  it('in the network of one IPv6 subscriber is one source', () => {
    const { gate } = setup(numbers);
    for (let i = 0; i < 20; i++) gate.admit(facts({ address: `2001:db8:1:2::${i.toString(16)}` }));
    expect(gate.objection('2001:db8:1:2:ffff::1')).toBe('silenced');
    expect(gate.objection('2001:db8:1:3::1')).toBeUndefined();
  });

  it('is silenced for breaking the protocol too, and a listed address never is', () => {
    const { gate, ask } = setup(numbers);
    for (let i = 0; i < 50; i++) gate.offence(stranger);
    for (let i = 0; i < 50; i++) gate.offence(pbx);
    expect([gate.objection(stranger), gate.objection(pbx)]).toEqual(['silenced', undefined]);
    expect(short(ask())).toBe('drop');
    expect(short(ask({ address: pbx }))).toBe('listed');
  });
});

describe('a PBX that pings every half minute without a password', () => {
  const pings = ({ ask, gate, clock }: ReturnType<typeof setup>, count: number) => {
    const heard = new Set<string>();
    for (let i = 0; i < count; i++) {
      clock.advance(30_000);
      heard.add(short(ask({ method: 'OPTIONS' })));
      heard.add(gate.objection(stranger) ?? 'may connect');
    }
    return [...heard];
  };
  const unharmed = ['401 credentials-missing', 'may connect'];

  it('hears 401 each time once it has signed in, for as long as it goes on', () => {
    const world = setup([secret]);
    world.signIn();
    expect(pings(world, 500)).toEqual(unharmed);
    expect([world.gate.isStranger(stranger), world.dropped]).toEqual([false, []]);
  });

  it('is silenced while it has never signed in', () => {
    const world = setup([secret]);
    expect(pings(world, 100)).toEqual([...unharmed, 'silenced', 'drop']);
  });

  it('is silenced an hour after it was last heard of', () => {
    const world = setup([secret]);
    world.signIn();
    world.clock.advance(trunkLimits.strangerMemoryMs);
    expect(world.gate.isStranger(stranger)).toBe(true);
    expect(pings(world, 100)).toContain('drop');
  });

  it('is no stranger in a call, however long that is, and for an hour after it', async () => {
    const world = setup([secret]);
    world.signIn();
    const calls = [deferred<void>(), deferred<void>()];
    for (const { promise } of calls) world.gate.holdsCall(stranger, promise);
    world.clock.advance(3 * trunkLimits.strangerMemoryMs);
    calls[0]?.resolve();
    await calls[0]?.promise;
    expect(pings(world, 10)).toEqual(unharmed);
    world.clock.advance(3 * trunkLimits.strangerMemoryMs);
    calls[1]?.resolve();
    await calls[1]?.promise;
    world.clock.advance(trunkLimits.strangerMemoryMs - 1);
    expect(world.gate.isStranger(stranger)).toBe(false);
    world.clock.advance(1);
    expect(world.gate.isStranger(stranger)).toBe(true);
  });

  it('is heard as soon as it signs in, though it was silenced before', () => {
    const world = setup([secret], { limits: { strangerSilenceMs: 60_000 } });
    expect(pings(world, 20)).toContain('silenced');
    world.clock.advance(60_000);
    world.signIn();
    expect(pings(world, 100)).toEqual(unharmed);
  });

  it('is not silenced for a device at its address that has a wrong password', () => {
    const world = setup([secret]);
    world.signIn();
    for (let i = 0; i < 100; i++) world.signIn('wrong password', {}, 'fax');
    expect(world.gate.objection(stranger)).toBeUndefined();
    expect(short(world.signIn())).toBe('secret');
  });
});

describe('guesses', () => {
  it('ten thousand of them compare at most five passwords in ten minutes', () => {
    const { gate, clock } = setup([secret], {
      limits: {
        strangerRefusals: 1e9,
        strangerRequestsPerSecond: 1e9,
        strangerBurst: 1e9,
        strangersPerSecond: 1e9,
      },
    });
    let right = 0;
    let asked = 0;
    for (let i = 0; i < 5_000; i++) {
      const challenged = gate.admit(facts({}));
      const value = challenged.verdict === 'refuse' ? (challenged.headers[0]?.[1] ?? '') : '';
      // Every guess after the fifth is the password itself: it must not be looked at any more.
      const password = i < 5 ? 'wrong password' : credentials.password;
      const verdict = gate.admit(facts({ headers: { Authorization: answer(value, 'pbx', password, {}) } }));
      asked += 2;
      if (verdict.verdict === 'pass') right++;
      clock.advance(120);
    }
    expect([asked, right]).toEqual([10_000, 0]);
  });

  it('from elsewhere do not lock out the one who knows the password', () => {
    const { signIn } = setup([secret]);
    const home = { address: '198.51.100.1' };
    expect(short(signIn(credentials.password, home))).toBe('secret');
    for (let i = 0; i < 100; i++) signIn('wrong password', { address: `203.0.113.${i}` });
    expect(short(signIn(credentials.password, home))).toBe('secret');
    expect(short(signIn(credentials.password, { address: '203.0.113.200' }))).toBe('401 credentials-wrong');
  });
});

describe('floods', () => {
  const flood = (ask: () => Admission, count: number) => {
    const verdicts = Array.from({ length: count }, () => short(ask()));
    return Object.fromEntries(
      [...new Set(verdicts)].map(each => [each, verdicts.filter(v => v === each).length]),
    );
  };

  it('of a trunk above its rate hear 503 that names the limit, and it goes on a second later', () => {
    const { ask, clock } = setup([
      trunk('small', { allowedAddresses: [`${pbx}/32`], limits: { invitesPerSecond: 5 } }),
    ]);
    const invite = () => ask({ address: pbx });
    expect(flood(invite, 100)).toEqual({ small: 10, '503 too-many-requests': 90 });
    const refused = invite();
    expect(refused.verdict === 'refuse' && refused.headers).toEqual([
      ['Retry-After', '5'],
      ['Warning', '399 trunkbridge "over the limit invites_per_second of trunk small"'],
    ]);
    clock.advance(1_000);
    expect(flood(invite, 100)).toMatchObject({ small: 5 });
  });

  it('of a stranger hear a few refusals and then nothing, while a trunk goes on', () => {
    const { ask, dropped } = setup([secret, listed]);
    const told = flood(() => ask(), 5_000);
    expect(told).toEqual({ '401 credentials-missing': 20, drop: 4_980 });
    expect(new Set(dropped)).toEqual(new Set(['silenced']));
    expect(flood(() => ask({ address: pbx }), 100)).toEqual({ listed: 100 });
  });

  it('of many strangers are cut off together, while trunks and those who signed in go on', () => {
    const { ask, signIn, dropped } = setup([secret, listed]);
    const home = { address: '198.51.100.1' };
    expect(short(signIn(credentials.password, home))).toBe('secret');
    let next = 0;
    const told = flood(
      () => ask({ address: `10.${next >> 16}.${(next >> 8) & 255}.${next++ & 255}` }),
      5_000,
    );
    // Two were taken by signing in, which is when home still was a stranger.
    expect(told).toEqual({ '401 credentials-missing': 2 * trunkLimits.strangersPerSecond - 2, drop: 4_602 });
    expect(new Set(dropped)).toEqual(new Set(['too-many-strangers']));
    expect(short(signIn(credentials.password, home))).toBe('secret');
    expect(short(ask({ address: pbx }))).toBe('listed');
  });

  it('of everybody together have a limit', () => {
    const { ask } = setup([listed], { limits: { invitesPerSecond: 50, trunkInvitesPerSecond: 1000 } });
    expect(flood(() => ask({ address: pbx }), 100)).toEqual({ listed: 50, '503 too-many-requests': 50 });
  });
});

describe('a reload', () => {
  it('holds for the next request, and forgives nobody', () => {
    const { gate, ask } = setup([secret, listed]);
    for (let i = 0; i < 20; i++) ask();
    const now = new Routing({
      trunks: [secret, trunk('new', { allowedAddresses: ['198.51.100.0/24'] })],
      numbers: [],
      realm,
      agentId: 'agent',
    });
    gate.use(now);
    expect(gate.objection(stranger)).toBe('silenced');
    expect(short(ask({ address: '198.51.100.1' }))).toBe('new');
    expect(short(ask({ address: pbx }))).toBe('401 credentials-missing');
  });

  it('gives a trunk its new rate', () => {
    const rated = (invitesPerSecond: number) =>
      trunk('t', { allowedAddresses: [`${pbx}/32`], limits: { invitesPerSecond } });
    const { gate, ask, clock } = setup([rated(1)]);
    expect(short(ask({ address: pbx }))).toBe('t');
    gate.use(new Routing({ trunks: [rated(30)], numbers: [], realm, agentId: 'a' }));
    clock.advance(1_000);
    const passed = Array.from({ length: 100 }, () => short(ask({ address: pbx }))).filter(
      each => each === 't',
    );
    expect(passed).toHaveLength(31);
  });
});
