import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type DigestProof,
  DigestServer,
  digestAccount,
  digestLimits,
  parseAuthorization,
} from '../../../src/trunks/digest.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const realm = 'trunkbridge';
const account = digestAccount('pbx', realm, 'a long password');
const request = { method: 'INVITE', uri: 'sip:+4930@192.0.2.1', address: '192.0.2.9' };
const hash = (algorithm: 'sha256' | 'md5', text: string) => createHash(algorithm).update(text).digest('hex');

interface Answer {
  readonly username?: string;
  readonly password?: string;
  readonly method?: string;
  readonly uri?: string;
  readonly nc?: string;
  readonly algorithm?: 'SHA-256' | 'MD5';
  readonly replace?: (value: string) => string;
}

/** An Authorization as RFC 7616 section 3.4 has clients compute it, written here anew. */
function answer(challenge: string, spec: Answer = {}): string {
  const nonce = /nonce="([^"]+)"/.exec(challenge)?.[1] ?? '';
  const algorithm = spec.algorithm ?? 'SHA-256';
  const h = (text: string) => hash(algorithm === 'MD5' ? 'md5' : 'sha256', text);
  const { username = 'pbx', password = 'a long password', nc = '00000001' } = spec;
  const uri = spec.uri ?? request.uri;
  const a1 = h(`${username}:${realm}:${password}`);
  const a2 = h(`${spec.method ?? 'INVITE'}:${uri}`);
  const response = h(`${a1}:${nonce}:${nc}:0a4f113b:auth:${a2}`);
  const value =
    `Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", ` +
    `algorithm=${algorithm}, cnonce="0a4f113b", opaque="0", qop=auth, nc=${nc}`;
  return spec.replace?.(value) ?? value;
}

function setup(limits = {}) {
  const clock = new ManualClock();
  const server = new DigestServer(realm, clock, limits);
  const challenge = () => server.challenge(request.address, false)[0] ?? '';
  /** What the server makes of Authorization values; every user but pbx does not exist. */
  const check = (values: string | readonly string[], from: Partial<typeof request> = {}): DigestProof => {
    const asked = { ...request, ...from };
    const claim = server.claim(typeof values === 'string' ? [values] : values, asked);
    if ('proof' in claim) return claim;
    return server.prove(claim, claim.username === 'pbx' ? account : undefined, asked);
  };
  return { clock, server, challenge, check };
}

const signedIn = { proof: 'user', username: 'pbx' };

describe('the challenge', () => {
  it('offers SHA-256 first and MD5 second, with one realm, one nonce and qop', () => {
    const values = setup().server.challenge('192.0.2.9', false);
    expect(values.map(value => /algorithm=([\w-]+)/.exec(value)?.[1])).toEqual(['SHA-256', 'MD5']);
    expect(new Set(values.map(value => /nonce="([^"]+)"/.exec(value)?.[1])).size).toBe(1);
    for (const value of values) {
      expect(value).toMatch(/^Digest realm="trunkbridge", .*qop="auth"/);
      expect(value).not.toContain('stale');
    }
  });

  it('says stale only when told to, and never has the same nonce twice', () => {
    const { server } = setup();
    expect(server.challenge('192.0.2.9', true).every(value => value.endsWith(', stale=true'))).toBe(true);
    expect(new Set(Array.from({ length: 1000 }, () => server.challenge('a', false)[0])).size).toBe(1000);
  });

  it('costs no memory until somebody signs in with it', () => {
    const { server, challenge, check } = setup();
    for (let i = 0; i < 1000; i++) challenge();
    check(answer(challenge(), { password: 'wrong' }));
    expect(server.size).toBe(0);
    check(answer(challenge()));
    expect(server.size).toBe(1);
  });
});

describe('the answer', () => {
  it.each(['SHA-256', 'MD5'] as const)('signs in with %s', algorithm => {
    const { challenge, check } = setup();
    expect(check(answer(challenge(), { algorithm }))).toEqual(signedIn);
  });

  it('is MD5 when it names no algorithm (RFC 7616 section 3.4)', () => {
    const { challenge, check } = setup();
    const replace = (value: string) => value.replace(' algorithm=MD5,', '');
    expect(check(answer(challenge(), { algorithm: 'MD5', replace }))).toEqual(signedIn);
  });

  it('computes what the example of RFC 7616 section 3.9.1 says', () => {
    const { secrets } = digestAccount('Mufasa', 'http-auth@example.org', 'Circle of Life');
    const nonce = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v';
    const cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';
    const respond = (algorithm: 'sha256' | 'md5') =>
      hash(
        algorithm,
        `${secrets[algorithm]}:${nonce}:00000001:${cnonce}:auth:${hash(algorithm, 'GET:/dir/index.html')}`,
      );
    expect(respond('md5')).toBe('8ca523f5e9506fed4657c9700eebdbec');
    expect(respond('sha256')).toBe('753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1');
  });

  it('may be used again with a rising count, and not with the same or a lower one', () => {
    const { challenge, check } = setup();
    const one = challenge();
    expect(check(answer(one, { nc: '00000002' }))).toEqual(signedIn);
    expect(check(answer(one, { nc: '00000002' }))).toEqual({ proof: 'stale' });
    expect(check(answer(one, { nc: '00000001' }))).toEqual({ proof: 'stale' });
    expect(check(answer(one, { nc: '00000003' }))).toEqual(signedIn);
  });

  it('that fails does not use up its count: nobody can block the nonce of another', () => {
    const { challenge, check } = setup();
    const one = challenge();
    expect(check(answer(one, { password: 'wrong', nc: 'ffffffff' }))).toEqual({ proof: 'none', guess: true });
    expect(check(answer(one))).toEqual(signedIn);
  });

  it('is stale after a minute, however often it was used before', () => {
    const { clock, challenge, check } = setup();
    const one = challenge();
    clock.advance(digestLimits.nonceMs);
    expect(check(answer(one))).toEqual(signedIn);
    clock.advance(1);
    expect(check(answer(one, { nc: '00000002' }))).toEqual({ proof: 'stale' });
  });

  it('is stale from another address, and to another server', () => {
    const { challenge, check } = setup();
    expect(check(answer(challenge()), { address: '198.51.100.7' })).toEqual({ proof: 'stale' });
    expect(setup().check(answer(challenge()))).toEqual({ proof: 'stale' });
  });

  it('is stale with a nonce that was touched, or spelled another way', () => {
    const { challenge, check } = setup();
    const nonce = /nonce="([^"]+)"/.exec(challenge())?.[1] ?? '';
    for (const forged of [`${nonce}=`, `${nonce} `, nonce.slice(0, -4), `A${nonce.slice(1)}x`, 'x', '']) {
      expect(check(answer(`nonce="${forged}"`)).proof).toBe('stale');
    }
  });

  const wrong: [string, Answer, Partial<typeof request>][] = [
    ['a wrong password', { password: 'another password' }, {}],
    ['a user who does not exist', { username: 'nobody' }, {}],
    ['the hash of another method', { method: 'OPTIONS' }, {}],
  ];
  it.each(wrong)('with %s compares and finds nothing', (_title, spec, from) => {
    const { challenge, check } = setup();
    expect(check(answer(challenge(), spec), from)).toEqual({ proof: 'none', guess: true });
  });

  it('for another URI than that of the request finds nothing', () => {
    const { challenge, check } = setup();
    expect(check(answer(challenge(), { uri: 'sip:+49900@192.0.2.1' }))).toEqual({
      proof: 'none',
      guess: false,
    });
    expect(check(answer(challenge()), { uri: 'sip:+49900@192.0.2.1' })).toEqual({
      proof: 'none',
      guess: false,
    });
  });

  it.each([
    ['no qop', (v: string) => v.replace(' qop=auth,', '')],
    ['auth-int', (v: string) => v.replace('qop=auth', 'qop=auth-int')],
    ['a session algorithm', (v: string) => v.replace('SHA-256', 'SHA-256-sess')],
    ['a count that is no count', (v: string) => v.replace('nc=00000001', 'nc=1')],
    ['another opaque', (v: string) => v.replace('opaque="0"', 'opaque="1"')],
    ['a response of no length', (v: string) => v.replace(/response="[^"]+"/, 'response=""')],
    ['a realm of another', (v: string) => v.replace('realm="trunkbridge"', 'realm="sip.example.com"')],
    ['a parameter twice', (v: string) => `${v}, username="root"`],
    ['another scheme', (v: string) => v.replace('Digest', 'Basic')],
  ])('with %s is compared with nothing', (_title, replace) => {
    const { challenge, check } = setup();
    expect(check(answer(challenge(), { replace }))).toEqual({ proof: 'none', guess: false });
  });

  it('is found among those for other realms', () => {
    const { challenge, check } = setup();
    const other = answer(challenge(), { replace: v => v.replace('realm="trunkbridge"', 'realm="proxy"') });
    expect(check([other, answer(challenge())])).toEqual(signedIn);
  });

  it('that was used before is stale for good, even when its count had to be forgotten', () => {
    const { clock, challenge, check, server } = setup({ nonces: 4 });
    const used = Array.from({ length: 12 }, () => {
      const value = answer(challenge());
      expect(check(value)).toEqual(signedIn);
      clock.advance(10);
      return value;
    });
    expect(server.size).toBeLessThanOrEqual(4);
    for (const value of used) expect(check(value)).toEqual({ proof: 'stale' });
    expect(check(answer(challenge()))).toEqual(signedIn);
  });

  it('leaves nothing behind after its minute', () => {
    const { clock, challenge, check, server } = setup();
    for (let i = 0; i < 100; i++) check(answer(challenge()));
    expect(server.size).toBe(100);
    clock.advance(digestLimits.nonceMs + 1);
    check(answer(challenge()));
    expect(server.size).toBe(1);
  });
});

describe('an account with one algorithm', () => {
  it('is offered that alone, and does not sign in with another', () => {
    const { server, challenge } = setup();
    expect(server.challenge('a', false, ['MD5']).map(value => /algorithm=([\w-]+)/.exec(value)?.[1])).toEqual(
      ['MD5'],
    );
    const strong = digestAccount('pbx', realm, 'a long password', ['SHA-256']);
    const prove = (algorithm: 'SHA-256' | 'MD5') => {
      const claim = server.claim([answer(challenge(), { algorithm })], request);
      return 'proof' in claim ? claim : server.prove(claim, strong, request);
    };
    expect(prove('MD5')).toEqual({ proof: 'none', guess: true });
    expect(prove('SHA-256')).toEqual(signedIn);
  });
});

describe('reading an Authorization', () => {
  it('resolves quotes and takes blanks where they may be', () => {
    const read = parseAuthorization('dIgEsT  Username = "a\\"b" ,\tnc=1,  uri="sip:a,b@c;d=<e>"');
    expect(Object.fromEntries(read ?? [])).toEqual({ username: 'a"b', nc: '1', uri: 'sip:a,b@c;d=<e>' });
  });

  it.each([
    '',
    'Digest',
    'Digest ',
    'Digest a',
    'Digest =b',
    'Digest a="b',
    'Digest a="b"c',
    'Digest a=b c',
    'Digest a=b, a=c',
    'Digest a=b,,c=d',
  ])('refuses %j', value => {
    expect(parseAuthorization(value)).toBeUndefined();
  });

  it('refuses what is longer or has more parameters than any client writes, at once', () => {
    expect(parseAuthorization(`Digest a="${'x'.repeat(digestLimits.characters)}"`)).toBeUndefined();
    const many = Array.from({ length: digestLimits.parameters + 1 }, (_, i) => `p${i}=1`).join(',');
    expect(parseAuthorization(`Digest ${many}`)).toBeUndefined();
  });

  it('never throws, whatever it is given', () => {
    const letters = 'Digest ="\\,;<>\t\u0000é';
    let seed = 7;
    const next = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed;
    };
    for (let i = 0; i < 5000; i++) {
      const text = Array.from({ length: next() % 40 }, () => letters[next() % letters.length]).join('');
      expect(() => parseAuthorization(`Digest ${text}`)).not.toThrow();
    }
  });
});
