import { describe, expect, it } from 'vitest';
import { headerVariables } from '../../../src/trunks/header-variables.ts';
import { identify } from '../../../src/trunks/identity.ts';
import { passportVariables } from '../../../src/trunks/passport.ts';
import { someInvite } from '../../support/fake-dialogue.ts';

const encoded = (claims: unknown) => Buffer.from(JSON.stringify(claims)).toString('base64url');
const identity = (claims: unknown, signature = 'c2ln') => ({
  name: 'Identity',
  value: `${encoded({ alg: 'ES256', ppt: 'shaken' })}.${encoded(claims)}.${signature};info=<https://cert.example/a.pem>;alg=ES256;ppt="shaken"`,
});

describe('the Identity of a trusted trunk', () => {
  it('reaches the agent as it came, with what it attests', () => {
    const header = identity({ attest: 'A', orig: { tn: '14155550123' } });
    expect(passportVariables([header], true)).toEqual({
      variables: { sip_identity: header.value, sip_identity_attest: 'A' },
      dropped: 0,
    });
  });

  it('that is too long for a variable still says what it attests', () => {
    const header = identity({ attest: 'B', more: 'x'.repeat(2_000) });
    expect(passportVariables([header], true)).toEqual({
      variables: { sip_identity_attest: 'B' },
      dropped: 1,
    });
  });

  it.each([
    ['no token', 'garbage'],
    ['no JSON', 'YQ.YQ.YQ;info=x'],
    ['no semicolon and no payload', 'a..b'],
    ['an attestation of its own making', identity({ attest: 'A+' }).value],
    ['a list', identity(['attest']).value],
    ['nothing at all', identity(null).value],
    ['a level that is not text', identity({ attest: ['A'] }).value],
  ])('with %s attests nothing', (_title, value) => {
    const { variables } = passportVariables([{ name: 'identity', value }], true);
    expect(variables).toEqual({ sip_identity: value });
  });

  it('that is huge is not read at all', () => {
    const header = identity({ attest: 'A', more: 'x'.repeat(9_000) });
    expect(passportVariables([header], true)).toEqual({ variables: {}, dropped: 1 });
  });

  it('is the first of several', () => {
    const first = identity({ div: {} });
    const headers = [first, identity({ attest: 'C' }), identity({ attest: 'A' })];
    expect(passportVariables(headers, true)).toEqual({
      variables: { sip_identity: first.value, sip_identity_attest: 'C' },
      dropped: 2,
    });
  });
});

describe('the Identity of any other trunk', () => {
  it('is left out and counted', () => {
    expect(passportVariables([identity({ attest: 'A' })], false)).toEqual({ variables: {}, dropped: 1 });
  });
});

describe('a caller', () => {
  const header = identity({ attest: 'A', orig: { tn: '14155550123' } });
  const facts = (...headers: { name: string; value: string }[]) => ({ ...someInvite, headers });

  it('is told to the agent with its Identity', () => {
    const { party } = identify(facts(header), { trusted: true, trunk: 'one' });
    expect(party.variables).toEqual({ sip_identity: header.value, sip_identity_attest: 'A' });
  });

  it('that wants to be hidden is hidden in its Identity too', () => {
    const hidden = facts(header, { name: 'Privacy', value: 'id' });
    expect(identify(hidden, { trusted: true, trunk: 'one' }).party.variables).toEqual({});
  });

  it('cannot pass an X- header off as an Identity', () => {
    const headers = ['X-Identity', 'X-Identity-Attest'].map(name => ({ name, value: 'A' }));
    expect(headerVariables(headers, false)).toEqual({ variables: {}, dropped: 2 });
  });
});
