import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Challenge } from '../../../src/sip/signalling.ts';
import { DigestServer, digestAccount, parseAuthorization } from '../../../src/trunks/digest.ts';
import { answerChallenge } from '../../../src/trunks/digest-client.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const uri = 'sip:+14155550123@trunk.example;transport=tls';
const credentials = { username: 'alice', password: 'open "sesame"' };
const challenge = (...values: string[]): Challenge => ({ status: 407, values, method: 'INVITE', uri });
const parametersOf = (...values: string[]) =>
  parseAuthorization(answerChallenge(challenge(...values), credentials)?.value ?? '');

describe('an answer to a challenge', () => {
  // RFC 7616 section 3.9.1.
  const example = {
    credentials: { username: 'Mufasa', password: 'Circle of Life' },
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    rest: 'realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
  };

  it.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('is that of RFC 7616 section 3.9.1 for %s', (algorithm, response) => {
    const request = { status: 401, method: 'GET', uri: '/dir/index.html' } as const;
    const values = [`Digest ${example.rest}, algorithm=${algorithm}`];
    const answer = answerChallenge({ ...request, values }, example.credentials, example.cnonce);
    const parameters = parseAuthorization(answer?.value ?? '');
    expect(Object.fromEntries(parameters ?? [])).toMatchObject({
      username: 'Mufasa',
      algorithm,
      qop: 'auth',
      nc: '00000001',
      opaque: 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS',
      response,
    });
  });

  it('is taken by the server of this project, over either algorithm', () => {
    const server = new DigestServer('bridge', new ManualClock());
    const account = digestAccount('alice', 'bridge', credentials.password);
    const request = { method: 'INVITE', uri, address: '192.0.2.10' };
    for (const pick of [0, 1]) {
      const value = server.challenge(request.address, false)[pick] ?? '';
      const claim = server.claim([answerChallenge(challenge(value), credentials)?.value ?? ''], request);
      if ('proof' in claim) throw new Error('the answer was not read');
      expect(server.prove(claim, account, request)).toEqual({ proof: 'user', username: 'alice' });
    }
  });

  it('without qop in the challenge is that of RFC 2069, which Twilio’s elders still ask for', () => {
    const md5 = (text: string) => createHash('md5').update(text).digest('hex');
    const parameters = parametersOf('Digest realm="r", nonce="n"');
    const expected = md5(`${md5(`alice:r:${credentials.password}`)}:n:${md5(`INVITE:${uri}`)}`);
    expect(parameters?.get('response')).toBe(expected);
    for (const absent of ['qop', 'nc', 'cnonce', 'algorithm', 'opaque'])
      expect(parameters?.has(absent)).toBe(false);
  });

  it('binds a session algorithm to both nonces', () => {
    const md5 = (text: string) => createHash('md5').update(text).digest('hex');
    const value = 'Digest realm="r", nonce="n", algorithm=MD5-sess, qop="auth"';
    const parameters = parseAuthorization(answerChallenge(challenge(value), credentials, 'c')?.value ?? '');
    const a1 = md5(`${md5(`alice:r:${credentials.password}`)}:n:c`);
    expect(parameters?.get('response')).toBe(md5(`${a1}:n:00000001:c:auth:${md5(`INVITE:${uri}`)}`));
  });

  it('takes the strongest challenge, wherever it stands', () => {
    const values = ['MD5', 'SHA-256', 'SHA-512-256'].map(
      name => `Digest realm="r", nonce="n", algorithm=${name}`,
    );
    expect(parametersOf(...values)?.get('algorithm')).toBe('SHA-256');
  });

  it('is only given to the realm of the trunk, where one is configured', () => {
    const bound = { ...credentials, realm: 'sip.twilio.com' };
    const of = (realm: string) => answerChallenge(challenge(`Digest realm="${realm}", nonce="n"`), bound);
    expect(of('sip.twilio.com')).toBeDefined();
    expect(of('sip.twilio.com.evil')).toBeUndefined();
    expect(of('SIP.TWILIO.COM')).toBeUndefined();
  });

  it.each([
    ['another scheme', 'Basic realm="r"'],
    ['an unknown algorithm', 'Digest realm="r", nonce="n", algorithm=SHA-1'],
    ['auth-int alone', 'Digest realm="r", nonce="n", qop="auth-int"'],
    ['no nonce', 'Digest realm="r"'],
    ['no realm', 'Digest nonce="n"'],
    ['a nonce without end', `Digest realm="r", nonce="${'n'.repeat(1_025)}"`],
    ['nothing', ''],
  ])('is not made up for %s', (_what, value) => {
    expect(answerChallenge(challenge(value), credentials)).toBeUndefined();
  });

  it('says whether only the nonce was old', () => {
    const staleness = (more: string) =>
      answerChallenge(challenge(`Digest realm="r", nonce="n"${more}`), credentials)?.stale;
    expect([staleness(''), staleness(', stale=TRUE'), staleness(', stale=false')]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('repeats quotes of the challenge quoted, and holds no password', () => {
    const value = answerChallenge(challenge('Digest realm="a\\"b", nonce="n\\\\"'), credentials)?.value ?? '';
    expect(value).toContain('realm="a\\"b"');
    expect(value).toContain('nonce="n\\\\"');
    expect(value).not.toContain('sesame');
  });

  it('never uses the same cnonce twice', () => {
    const value = 'Digest realm="r", nonce="n", qop="auth"';
    const cnonces = new Set(Array.from({ length: 100 }, () => parametersOf(value)?.get('cnonce')));
    expect(cnonces.size).toBe(100);
  });
});
