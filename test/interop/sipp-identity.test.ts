import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requirePrograms } from '../support/programs.ts';
import { runSipp } from '../support/sipp.ts';
import { StagedDaemon } from '../support/staged-daemon.ts';

const available = requirePrograms('Identity from SIPp', ['sipp']);

const encoded = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
/** A PASSporT (RFC 8225) with these claims, as a provider sends it (RFC 8588). Nobody verifies its signature here. */
const passport = (claims: object) => {
  const header = { alg: 'ES256', ppt: 'shaken', typ: 'passport', x5u: 'https://cert.example/shaken.pem' };
  const token = `${encoded(header)}.${encoded(claims)}.${'c2lnbmF0dXJl'.repeat(7)}`;
  return `${token};info=<https://cert.example/shaken.pem>;alg=ES256;ppt="shaken"`;
};
const claims = { dest: { tn: ['14155550199'] }, iat: 1_790_000_000, orig: { tn: '14155550100' } };
const attested = passport({ attest: 'A', ...claims, origid: '123e4567-e89b-12d3-a456-426655440000' });

const trusted = '127.0.0.1';
const untrusted = '127.0.0.2';
const config = [
  'trunks:',
  `  - { name: provider, inbound_trunk_config: { allowed_addresses: [${trusted}] } }`,
  `  - { name: branch, trust_identity: false, inbound_trunk_config: { allowed_addresses: [${untrusted}] } }`,
].join('\n');

/** What is sent, from where, and what the agent learns of it. */
const cases = [
  ['attested', attested, trusted, { sip_identity: attested, sip_identity_attest: 'A' }],
  ['without a level', passport(claims), trusted, { sip_identity: passport(claims) }],
  ['that is garbage', 'no.passport."%00<;info', trusted, { sip_identity: 'no.passport."%00<;info' }],
  [
    'too long for a variable',
    passport({ attest: 'B', ...claims, more: 'x'.repeat(3000) }),
    trusted,
    { sip_identity_attest: 'B' },
  ],
  ['that is long garbage', `${'x'.repeat(6000)};info=<>`, trusted, {}],
  ['attested, over a trunk whose word on identity does not count', attested, untrusted, {}],
] as const;

describe.skipIf(!available)('the Identity of a call of SIPp', () => {
  let daemon: StagedDaemon;
  beforeAll(async () => {
    daemon = await StagedDaemon.start({ agentId: 'agent_echo', config });
  });
  afterAll(async () => {
    expect(await daemon.stop()).toBe(0);
  });

  it.each(cases)('%s reaches the agent as data, and the call goes on', async (_, value, from, learnt) => {
    const { agent } = daemon.world;
    const before = agent.conversations.length;
    const { code, output } = await runSipp({
      scenario: 'identity',
      folder: daemon.folder,
      port: daemon.tcp,
      codecs: ['PCMU'],
      calls: 1,
      callsPerSecond: 1,
      length: 100,
      toneHz: 1000,
      timeout: 20,
      more: ['-key', 'passport', value, '-i', from],
    });
    expect(code, output).toBe(0);
    const { initiation } = await agent.conversation(before);
    const variables = Object.entries(initiation?.dynamic_variables ?? {});
    expect(Object.fromEntries(variables.filter(([name]) => name.startsWith('sip_identity')))).toEqual(learnt);
    await daemon.logs('call ended', before + 1);
    expect(daemon.logged('call ended').at(-1)).toMatchObject({ reason: 'caller-hung-up' });
    // It names numbers and may be used to pretend to be somebody.
    expect(daemon.child.output).not.toContain(value.slice(0, 40));
  });
});
