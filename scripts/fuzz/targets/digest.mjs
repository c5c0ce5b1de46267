// Digest authentication, the server's side and ours.

import { isFieldText } from '../../../dist/src/sip/embedded/message/characters.js';
import { DigestServer, digestAccount, parseAuthorization } from '../../../dist/src/trunks/digest.js';
import { answerChallenge } from '../../../dist/src/trunks/digest-client.js';
import { must } from '../rule.mjs';

const clock = { now: () => 0, wall: () => 1_700_000_000_000, timer: () => ({ cancel: () => undefined }) };
const server = new DigestServer('realm', clock);
const account = digestAccount('anna', 'realm', 'a password that nobody guesses');
const [sha256, md5] = server.challenge('192.0.2.1', false);
const nonce = /nonce="([^"]+)"/.exec(sha256)[1];
const request = { method: 'INVITE', uri: 'sip:a@b', address: '192.0.2.1' };
const zeros = '0'.repeat(64);

export const seeds = [
  `Digest username="anna", realm="realm", nonce="${nonce}", uri="sip:a@b", response="${zeros}", algorithm=SHA-256, cnonce="x", qop=auth, nc=00000001, opaque="0"`,
  `Digest username="anna", realm="realm", nonce="${nonce}", uri="sip:a@b", response="${zeros.slice(32)}", cnonce="x\\"y", qop="auth", nc=00000002, opaque="0"`,
  sha256,
  md5,
  'Basic dXNlcjpwYXNz',
];

export const dictionary = [
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
    nonce,
  ],
  ...[
    'algorithm=MD5',
    'algorithm=SHA-256',
    'algorithm=SHA-512-256',
    'stale=true',
    'opaque="0"',
    'response=""',
    zeros,
  ],
  ...[
    '__proto__=x',
    "username*=UTF-8''a",
    ', '.repeat(40),
    '\u0000',
    '\u20ac',
    'uri="sip:a@b"',
    'cnonce=',
    'userhash=true',
  ],
];

/** Nobody is let in who does not know the password, and nothing else happens. */
export function authenticate(input) {
  const text = input.toString('utf8');
  // No parser lets such a value through.
  if (!isFieldText(text))
    return { parameters: parseAuthorization(text), claim: server.claim([text], request) };
  const parameters = parseAuthorization(text);
  const claim = server.claim([text], request);
  if (!('proof' in claim)) {
    const proof = server.prove(claim, account, request);
    must(proof.proof === 'none' && proof.guess, 'somebody was let in');
  }
  must(server.size === 0, 'a count was kept of a nonce that signed nobody in');
  const answer = answerChallenge(
    { status: 401, values: [text], method: 'INVITE', uri: 'sip:a@b' },
    { username: 'anna', password: 'p' },
  );
  must(answer === undefined || !/[\r\n]/.test(answer.value), 'a line end in our own credentials');
  return { parameters, claim };
}
