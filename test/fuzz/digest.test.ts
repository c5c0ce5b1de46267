import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DigestServer, digestAccount, parseAuthorization } from '../../src/trunks/digest.ts';
import { answerChallenge } from '../../src/trunks/digest-client.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { mutated, settings } from './mutation.ts';

const password = 'a password that nobody guesses';
const request = { method: 'INVITE', uri: 'sip:bridge@192.0.2.1', address: '192.0.2.10' };
const account = digestAccount('anna', 'realm', password);

function parts() {
  const server = new DigestServer('realm', new ManualClock());
  const [challenge = ''] = server.challenge(request.address, false);
  return { server, challenge };
}

const { challenge } = parts();
const proper = `Digest username="anna", realm="realm", nonce="x", uri="${request.uri}", response="${'0'.repeat(64)}", algorithm=SHA-256, cnonce="a\\"b", qop=auth, nc=00000001, opaque="0"`;
const dictionary = [
  ...[
    'Digest ',
    ',',
    '=',
    '"',
    '\\',
    '\\"',
    ' ',
    '\t',
    ';',
    'realm="realm"',
    'qop=auth',
    'nc=ffffffff',
    'nc=0',
  ],
  ...['algorithm=MD5', 'algorithm=SHA-512-256', 'stale=true', 'opaque="0"', 'response=""', '0'.repeat(64)],
  ...['__proto__=x', "username*=UTF-8''a", ', '.repeat(40), '\u0000', '\u20ac', 'cnonce=', '='.repeat(300)],
];
const texts = mutated([proper, challenge, 'Basic dXNlcjpwYXNz'], dictionary).map(bytes =>
  bytes.toString('utf8'),
);

/** The answer of somebody who knows the password to a challenge of this server. */
function honest(server: DigestServer): string {
  const asked = { status: 401, values: server.challenge(request.address, false), ...request } as const;
  return answerChallenge(asked, { username: 'anna', password })?.value ?? '';
}

describe('digest authentication under mutated input', { timeout: 180_000 }, () => {
  it('never throws, lets nobody in, and keeps nothing of who was not let in', () => {
    const { server } = parts();
    fc.assert(
      fc.property(fc.array(texts, { maxLength: 4 }), values => {
        for (const value of values) parseAuthorization(value);
        const claim = server.claim(values, request);
        if (!('proof' in claim)) {
          expect(server.prove(claim, account, request)).toEqual({ proof: 'none', guess: true });
        }
        expect(server.size).toBe(0);
      }),
      settings,
    );
  });

  it('lets in who knows the password, once, and nobody whose answer has one character changed', () => {
    const { server } = parts();
    fc.assert(
      fc.property(fc.nat(400), fc.constantFrom('0', 'f', '"', ' ', 'Z'), (at, character) => {
        const given = honest(server);
        const place = at % given.length;
        const changed = given.slice(0, place) + character + given.slice(place + 1);
        const signed = (value: string) => {
          const claim = server.claim([value], request);
          if ('proof' in claim) return claim.proof;
          const known = claim.username === 'anna' ? account : undefined;
          return server.prove(claim, known, request).proof;
        };
        // What is not hashed may differ in writing: its meaning has to be the same.
        if (meaning(changed) !== meaning(given)) expect(signed(changed)).not.toBe('user');
        else expect(signed(changed)).toBe('user');
        expect(signed(given)).toBe(meaning(changed) === meaning(given) ? 'stale' : 'user');
      }),
      { ...settings, numRuns: Math.ceil(settings.numRuns / 10) },
    );
  });

  it('answers a challenge with one line, whatever the challenge', () => {
    fc.assert(
      fc.property(texts, value => {
        // The parser lets no line end into a header field.
        const asked = { status: 401, values: [value.replace(/[\r\n]/g, ' ')], ...request } as const;
        const answer = answerChallenge(asked, { username: 'anna', password });
        if (answer === undefined) return;
        expect(answer.value).not.toMatch(/[\r\n]/);
        expect(parseAuthorization(answer.value)?.get('username')).toBe('anna');
        expect(answer.value).not.toContain(password);
      }),
      settings,
    );
  });

  it('would find a server that takes any response of the right length', () => {
    const { server } = parts();
    const lenient = (value: string) => {
      const claim = server.claim([value], request);
      return 'proof' in claim ? claim.proof : 'user';
    };
    const forged = fc.nat(63).map(at => {
      const response = createHash('sha256').update(String(at)).digest('hex');
      return honest(server).replace(/response="[^"]*"/, `response="${response}"`);
    });
    const outcome = fc.check(
      fc.property(forged, value => expect(lenient(value)).not.toBe('user')),
      settings,
    );
    expect(outcome.failed).toBe(true);
  });
});

/** What a response means: its parameters, with those that compare without case in lower case. */
function meaning(value: string): string {
  const parameters = parseAuthorization(value);
  if (parameters === undefined) return 'nothing';
  const lower = ['response', 'algorithm', 'nc'];
  const shown = [...parameters].map(([name, text]) => [
    name,
    lower.includes(name) ? text.toLowerCase() : text,
  ]);
  return JSON.stringify(shown.sort());
}
