import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';

const trunk = (name: string) => `
  - name: ${name}
    inbound_trunk_config: { allowed_addresses: [192.0.2.0/24] }
    outbound_trunk_config: { address: sip.example.com }`;

function load(transfers: string, trunks: readonly string[] = ['carrier']) {
  const list = trunks.length === 0 ? '' : `trunks:${trunks.map(trunk).join('')}\n`;
  return loadConfig({
    env: { ELEVENLABS_API_KEY: 'sk_test_key', ELEVENLABS_AGENT_ID: 'agent_1' },
    path: 'c.yaml',
    read: () => `${list}transfers:\n${transfers}`,
  });
}

function good(transfers: string, trunks?: readonly string[]) {
  const loaded = load(transfers, trunks);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
  return loaded.value.config.transfers;
}

function problems(transfers: string, trunks?: readonly string[]): string {
  const loaded = load(transfers, trunks);
  return loaded.ok ? '' : loaded.failure.map(({ where, what }) => `${where}: ${what}`).join('\n');
}

const whole = `
  - name: Sales
    phone_number: "+1 (415) 555-0150"
    transfer_type: blind
    trunk: carrier
    custom_sip_headers:
      - { type: dynamic, key: X-Caller, value: caller_id }
      - { key: X-Team, value: sales }
    uui: { data: abc, protocol_discriminator: "04", mode: pd_parameter }
    post_dial_digits: ww12#
  - name: Desk
    sip_uri: sip:100@pbx.example.com:5070;transport=tls
    transfer_type: sip_refer
`;

describe('transfers', () => {
  it('are read with every word', () => {
    expect(good(whole)).toEqual([
      {
        name: 'Sales',
        destination: { kind: 'phone', number: '+14155550150' },
        transferType: 'blind',
        trunk: 'carrier',
        headers: [
          { type: 'dynamic', key: 'X-Caller', value: 'caller_id' },
          { type: 'static', key: 'X-Team', value: 'sales' },
        ],
        uui: { data: 'abc', protocolDiscriminator: '04', mode: 'pd_parameter' },
        postDialDigits: 'ww12#',
      },
      {
        name: 'Desk',
        destination: { kind: 'sip', uri: 'sip:100@pbx.example.com:5070;transport=tls' },
        transferType: 'sip_refer',
        trunk: 'carrier',
        headers: [],
      },
    ]);
  });

  it('are conferences over the only trunk that can call unless they say otherwise', () => {
    const [transfer] = good('  - { name: A, phone_number: "+14155550150" }');
    expect(transfer).toMatchObject({ transferType: 'conference', trunk: 'carrier' });
    const two = problems('  - { name: A, phone_number: "+14155550150" }', ['one', 'two']);
    expect(two).toContain('needs a trunk with an outbound_trunk_config');
    expect(
      good('  - { name: A, phone_number: "+14155550150", transfer_type: blind }', [])[0],
    ).not.toHaveProperty('trunk');
  });

  it.each([
    ['phone_number: "4155550150"', 'must be a number with plus and country code'],
    ['phone_number: "+1900"', 'must be a number with plus and country code'],
    ['sip_uri: "tel:+14155550150"', 'must be a SIP URI'],
    ['sip_uri: "sip:a@b.example?Route=x"', 'must be a SIP URI'],
    ['sip_uri: "sip:a@b.example>;x=<y"', 'must be a SIP URI'],
    ['label: x', 'needs exactly one of phone_number and sip_uri'],
    ['phone_number: "+14155550150", sip_uri: "sip:a@b.example"', 'needs exactly one of'],
    ['phone_number: "+14155550150", transfer_type: warm', 'must be one of conference, blind, sip_refer'],
    [
      'phone_number: "+14155550150", trunk: other',
      'names no trunk with an outbound_trunk_config; there are carrier; that of an imported number is named by its id, phnum_…',
    ],
    ['phone_number: "+14155550150", post_dial_digits: 12a', 'up to 32 of 0-9'],
    ['phone_number: "+14155550150", uui: { data: "", mode: prefix }', 'must be text of at most 256 bytes'],
    ['phone_number: "+14155550150", custom_sip_headers: { X-A: b }', 'must be a list of maps'],
    [
      'phone_number: "+14155550150", custom_sip_headers: [{ key: Route, value: b }]',
      'the name of an X- header',
    ],
    ['phone_number: "+14155550150", custom_sip_headers: [{ key: X-A }]', 'needs a value'],
    ['phone_number: "+14155550150", transfer_typ: blind', 'did you mean transfer_type?'],
  ])('with { %s } are refused', (fields, expected) => {
    expect(problems(`  - { name: A, ${fields} }`)).toContain(expected);
  });

  it('may go over the trunk of an imported number, which no file knows', () => {
    const trunk = `phnum_${'0a'.repeat(12)}`;
    expect(good(`  - { name: A, phone_number: "+14155550150", trunk: ${trunk} }`, [])).toMatchObject([
      { trunk, transferType: 'conference' },
    ]);
    expect(problems('  - { name: A, phone_number: "+14155550150", trunk: phnum_1 }')).toContain(
      'names no trunk',
    );
  });

  it('have a name each, whatever its letters look like', () => {
    const two = ['A', 'a'].map(name => `  - { name: ${name}, phone_number: "+14155550150" }`).join('\n');
    expect(problems(two)).toContain('is the name of two transfers');
    expect(problems('  - { phone_number: "+14155550150" }')).toContain('needs a name');
  });
});
