import { describe, expect, it } from 'vitest';
import { headerLimits, headerVariables } from '../../../src/trunks/header-variables.ts';

const read = (headers: readonly (readonly [string, string])[], trusted = true) =>
  headerVariables(
    headers.map(([name, value]) => ({ name, value })),
    trusted,
  );

describe('variables from headers', () => {
  it('are X- headers without X-, in lower case, with underscores', () => {
    const { variables, dropped } = read([
      ['X-Customer-Tier', 'gold'],
      ['x-FOO-bar', ' padded\tvalue '],
      ['Subject', 'not an X- header'],
      ['Via', 'SIP/2.0/TCP x'],
    ]);
    expect(variables).toEqual({ sip_customer_tier: 'gold', sip_foo_bar: 'padded value' });
    expect(dropped).toBe(0);
  });

  it('leave out the headers that have a variable of their own', () => {
    const headers = [
      ['X-CALL-ID', 'a'],
      ['X-Caller-Id', 'b'],
      ['X-Twilio-CallSid', 'c'],
    ] as const;
    expect(read(headers)).toEqual({ variables: {}, dropped: 0 });
  });

  it.each(['X-Twilio-CallToken', 'X-AUTH', 'X-My-Secret-Id', 'X-Signature', 'X-Authorization', 'X-tokenise'])(
    'never hold %s',
    name => {
      expect(read([[name, 'v']])).toEqual({ variables: {}, dropped: 1 });
    },
  );

  it.each([
    ['CR and LF', 'a\r\nX-Evil: 1'],
    ['NUL', 'a\u0000'],
    ['an escape', '\u001b[31m'],
    ['DEL', 'a\u007f'],
    ['a next line of Unicode', 'a\u0085b'],
    ['a line separator', 'a\u2028b'],
    ['nothing', '   '],
    ['too many bytes', '\u00fc'.repeat(513)],
  ])('never hold a value with %s', (_title, value) => {
    expect(read([['X-Value', value]])).toEqual({ variables: {}, dropped: 1 });
  });

  it('hold a value of the longest length', () => {
    const value = 'v'.repeat(headerLimits.valueBytes);
    expect(read([['X-Value', value]]).variables).toEqual({ sip_value: value });
  });

  it.each(['X-', 'X-a b', 'X-a\r\nb', 'X-a:b', 'X-\u010d\u010a', 'X-a"', 'X-{{a}}'])(
    'have no name made of %j',
    name => {
      expect(read([[name, 'v']])).toEqual({ variables: {}, dropped: 1 });
    },
  );

  it('are at most as many as the limit says; the rest is counted', () => {
    const many = Array.from({ length: headerLimits.headers + 5 }, (_, i) => [`X-H-${i}`, 'v'] as const);
    const { variables, dropped } = read(many);
    expect(Object.keys(variables)).toHaveLength(headerLimits.headers);
    expect(dropped).toBe(5);
  });

  it('keep the first of two headers with one name', () => {
    const headers = [
      ['X-A-B', 'first'],
      ['X-A_B', 'second'],
    ] as const;
    expect(read(headers)).toEqual({ variables: { sip_a_b: 'first' }, dropped: 1 });
  });

  it('have no effect on any prototype', () => {
    const { variables } = read([
      ['X-__proto__', 'p'],
      ['X-constructor', 'c'],
    ]);
    expect(variables).toEqual({ sip___proto__: 'p', sip_constructor: 'c' });
    expect(Object.getPrototypeOf(variables)).toBe(Object.prototype);
  });

  it("hold Twilio's other headers only from a trusted trunk", () => {
    const header = [['X-Twilio-AccountSid', 'AC1']] as const;
    expect(read(header, true).variables).toEqual({ sip_twilio_accountsid: 'AC1' });
    expect(read(header, false)).toEqual({ variables: {}, dropped: 1 });
  });
});

describe('User-to-User', () => {
  it.each([
    ['text', 'hello;encoding=ascii', 'hello'],
    ['a quoted text', '"hello";purpose=x', 'hello'],
    ['hexadecimal', '48656c6c6f;encoding=hex', 'Hello'],
    ['hexadecimal in capitals', '48656C6C6F ; Encoding = HEX', 'Hello'],
  ])('gives its raw form and its data from %s', (_title, raw, data) => {
    expect(read([['User-to-User', raw]]).variables).toEqual({ sip_uui_raw: raw, sip_uui_data: data });
  });

  it.each([
    ['is not hexadecimal', 'xyz;encoding=hex'],
    ['is no text', 'ff00fe;encoding=hex'],
    ['smuggles a line in', '610d0a62;encoding=hex'],
  ])('gives its raw form alone when its data %s', (_title, raw) => {
    expect(read([['user-to-user', raw]]).variables).toEqual({ sip_uui_raw: raw });
  });

  it('cannot be imitated by an X- header', () => {
    const headers = [
      ['X-UUI-Raw', 'fake'],
      ['X-uui-data', 'fake'],
      ['User-to-User', 'real'],
    ] as const;
    expect(read(headers)).toEqual({ variables: { sip_uui_raw: 'real', sip_uui_data: 'real' }, dropped: 2 });
  });
});
