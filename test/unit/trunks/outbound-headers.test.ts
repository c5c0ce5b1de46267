import { describe, expect, it } from 'vitest';
import { Headers } from '../../../src/sip/embedded/message/headers.ts';
import { formatRequest } from '../../../src/sip/embedded/message/writer.ts';
import { outboundHeaders } from '../../../src/trunks/outbound-headers.ts';

describe('header fields that others put on an INVITE of ours', () => {
  it('may be X- headers and the few that say who calls and why', () => {
    const given = {
      'X-Campaign': ' spring ',
      'User-to-User': '616263;encoding=hex',
      'P-Asserted-Identity': '<sip:+14155550199@trunk.example>',
      'x-ümlaut': 'no',
    };
    expect(outboundHeaders(given).ok).toBe(false);
    const { 'x-ümlaut': _, ...good } = given;
    expect(outboundHeaders(good)).toEqual({
      ok: true,
      value: [
        { name: 'X-Campaign', value: 'spring' },
        { name: 'User-to-User', value: '616263;encoding=hex' },
        { name: 'P-Asserted-Identity', value: '<sip:+14155550199@trunk.example>' },
      ],
    });
  });

  it.each([
    'Via',
    'v',
    'From',
    'f',
    'To',
    't',
    'Contact',
    'm',
    'Route',
    'Record-Route',
    'CSeq',
    'Call-ID',
    'i',
    'Content-Length',
    'l',
    'Content-Type',
    'Max-Forwards',
    'Authorization',
    'Proxy-Authorization',
    'Require',
    'Supported',
    'Replaces',
    'Refer-To',
    'X-',
    'X-Foo ',
    'X-Foo:',
    'X-Foo\r\nVia',
    ' X-Foo',
    '',
  ])('are never %j', name => {
    expect(outboundHeaders({ [name]: 'value' }).ok).toBe(false);
  });

  /** What breaks lines, in the value and around it, in every disguise that a decoder somewhere might undo. */
  const breaks = [
    '\r\n',
    '\n',
    '\r',
    '\0',
    '\u2028',
    '\u2029',
    '\u0085',
    '\u000b',
    '\u000c',
    '\u007f',
    '\r\n ',
    '\n\t',
  ];
  const payloads = breaks.flatMap(each => [
    `a${each}Via: SIP/2.0/TCP evil`,
    `${each}${each}INVITE sip:evil SIP/2.0`,
    `a${each}X-Other: b`,
    `a;x="${each}"`,
  ]);

  it('have no value that a reader could take for more than one line', () => {
    for (const value of payloads)
      expect(outboundHeaders({ 'X-Test': value }).ok, JSON.stringify(value)).toBe(false);
  });

  it('add exactly one line each to what goes over the wire, whatever is in them', () => {
    const harmless = [
      '%0d%0aVia: x',
      'a\u010d\u010ab',
      '\u560d\u560aX-Evil: 1',
      '\\r\\nX-Evil: 1',
      'a\tb',
      '嘊嘍Set: 1',
    ];
    for (const value of harmless) {
      const fields = outboundHeaders({ 'X-Test': value });
      expect(fields.ok, JSON.stringify(value)).toBe(true);
      const headers = new Headers();
      for (const field of fields.ok ? fields.value : []) headers.add(field.name, field.value);
      const bytes = formatRequest('INVITE', 'sip:trunk.example', headers);
      expect(bytes.toString('latin1').split(/[\r\n]+/), JSON.stringify(value)).toHaveLength(4);
    }
  });

  it('are bounded in length and number, and stand once', () => {
    expect(outboundHeaders({ 'X-Test': 'é'.repeat(512) }).ok).toBe(true);
    expect(outboundHeaders({ 'X-Test': 'é'.repeat(513) }).ok).toBe(false);
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`X-${i}`, 'v']));
    expect(outboundHeaders(many(32)).ok).toBe(true);
    expect(outboundHeaders(many(33)).ok).toBe(false);
    expect(outboundHeaders({ 'X-Test': 'a', 'x-test': 'b' }).ok).toBe(false);
  });

  it('do not show their value in the reason for a refusal', () => {
    const refused = outboundHeaders({ 'X-Test': 'hunter2\r\n' });
    expect(refused.ok ? '' : refused.failure.message).not.toContain('hunter2');
  });
});
