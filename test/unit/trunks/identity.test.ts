import { describe, expect, it } from 'vitest';
import type { HeaderField, InviteFacts } from '../../../src/sip/signalling.ts';
import { type IdentifyOptions, identify } from '../../../src/trunks/identity.ts';

const sid = `CA${'0123456789abcdef'.repeat(2)}`;

function invite(
  headers: Record<string, string | readonly string[]> = {},
  more: Partial<InviteFacts> = {},
): InviteFacts {
  const fields: HeaderField[] = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map(one => ({ name, value: one })),
  );
  return {
    sipCallId: 'abc@pbx',
    source: { transport: 'tcp', address: '10.0.0.5', port: 40000, localAddress: '10.0.0.1' },
    from: { displayName: 'Ann', user: '+14155552671', host: 'pbx.example' },
    to: { displayName: '', user: '+4930901820', host: 'bridge.example' },
    requestUser: '+4930901820',
    headers: fields,
    ...more,
  };
}

const from = (user: string, host = 'pbx.example'): Partial<InviteFacts> => ({
  from: { displayName: '', user, host },
});
const trusted = { trusted: true, trunk: 'default' } as const;
const untrusted = { trusted: false, trunk: 'digest' } as const;

describe('the id of a call', () => {
  const all = { 'X-CALL-ID': 'mine', 'sip.twilio.callSid': 'livekit', 'X-Twilio-CallSid': sid };

  it.each([
    ['X-CALL-ID before all others', all, 'mine'],
    ['sip.twilio.callSid when there is no X-CALL-ID', { ...all, 'X-CALL-ID': '' }, 'livekit'],
    ['X-Twilio-CallSid after those', { 'X-Twilio-CallSid': sid }, sid],
    ['the Call-ID of SIP when nothing else is there', {}, 'abc@pbx'],
    ['a header in whatever case it comes', { 'x-Call-Id': 'mine' }, 'mine'],
    ['the first of two', { 'X-CALL-ID': ['one', 'two'] }, 'one'],
  ])('is %s', (_title, headers, expected) => {
    expect(identify(invite(headers), trusted).party.callId).toBe(expected);
  });

  it.each([
    'a\r\nVia: evil',
    'a\nb',
    'a\u0000b',
    'a\u0085b',
    'a\u2028b',
    'x'.repeat(1025),
    '\u00e9'.repeat(513),
  ])('is never a value that is not clean or too long (%j)', value => {
    const { party, dropped } = identify(invite({ 'X-CALL-ID': value }), trusted);
    expect(party.callId).toBe('abc@pbx');
    expect(dropped).toBe(1);
  });

  it('comes from no header of a trunk that is not trusted, and those are counted', () => {
    const { party, dropped } = identify(invite(all), untrusted);
    expect(party.callId).toBe('abc@pbx');
    expect(party.callSid).toBeUndefined();
    expect(dropped).toBe(3);
  });

  it("has Twilio's own id beside it only when one of the right form was given", () => {
    expect(identify(invite(all), trusted).party.callSid).toBe(sid);
    expect(identify(invite({ 'X-Twilio-CallSid': 'CA1/../x' }), trusted).party).not.toHaveProperty('callSid');
  });
});

describe('the number of the caller', () => {
  it.each([
    [
      'X-CALLER-ID before all others',
      { 'X-CALLER-ID': '+442079460958', 'P-Asserted-Identity': '<tel:+33123456789>' },
      '+442079460958',
    ],
    [
      'P-Asserted-Identity before From',
      { 'P-Asserted-Identity': '"A, B" <sip:+33123456789@x>' },
      '+33123456789',
    ],
    [
      'the first of a pair',
      { 'P-Asserted-Identity': '<sip:+33123456789@x>, <tel:+442079460958>' },
      '+33123456789',
    ],
    [
      'taken out of a URI in X-CALLER-ID',
      { 'X-CALLER-ID': '<sip:+442079460958;npdi@x;user=phone>' },
      '+442079460958',
    ],
    [
      'From when what is asserted has no user',
      { 'P-Asserted-Identity': '<sip:gateway.example>' },
      '+14155552671',
    ],
    ['From when what is asserted is no address', { 'P-Asserted-Identity': '<<>,,@' }, '+14155552671'],
    ['From otherwise', {}, '+14155552671'],
  ])('is %s', (_title, headers, expected) => {
    const { party } = identify(invite(headers), trusted);
    expect(party.callerId).toBe(expected);
    expect(party.callerTrusted).toBe(true);
  });

  it('is From alone on a trunk that is not trusted, and then is not trusted', () => {
    const headers = { 'X-CALLER-ID': '+442079460958', 'P-Asserted-Identity': '<tel:+33123456789>' };
    const { party, dropped } = identify(invite(headers), untrusted);
    expect(party.callerId).toBe('+14155552671');
    expect(party.callerTrusted).toBe(false);
    expect(dropped).toBe(2);
  });

  it.each(['id', 'header;user', 'critical; ID', 'session,id'])('is withheld with Privacy: %s', value => {
    const headers = {
      Privacy: value,
      'P-Asserted-Identity': '<tel:+33123456789>',
      'X-CALLER-ID': '+442079460958',
    };
    const { party } = identify(invite(headers), trusted);
    expect(party.callerId).toBe('');
    expect(party.callerTrusted).toBe(false);
  });

  it.each(['none', 'session', 'critical', 'identity'])('is told with Privacy: %s', value => {
    expect(identify(invite({ Privacy: value }), trusted).party.callerId).toBe('+14155552671');
  });

  it.each([
    ['anonymous', 'anonymous.invalid'],
    ['+14155552671', 'anonymous.invalid'],
    ['Anonymous', 'pbx.example'],
    ['Restricted', 'pbx.example'],
    ['', 'pbx.example'],
  ])('is withheld with From %s@%s', (user, host) => {
    const { party } = identify(invite({}, from(user, host)), trusted);
    expect(party.callerId).toBe('');
    expect(party.callerTrusted).toBe(false);
  });

  it('is what the trunk asserts when only From is anonymous', () => {
    const facts = invite(
      { 'P-Asserted-Identity': '<tel:+33123456789>' },
      from('anonymous', 'anonymous.invalid'),
    );
    expect(identify(facts, trusted).party).toMatchObject({ callerId: '+33123456789', callerTrusted: true });
  });

  it('is withheld when the header says so, whatever From says', () => {
    expect(identify(invite({ 'X-CALLER-ID': 'anonymous' }), trusted).party.callerId).toBe('');
    const asserted = invite({ 'P-Asserted-Identity': '<sip:anonymous@anonymous.invalid>' });
    expect(identify(asserted, trusted).party.callerId).toBe('');
  });

  it('holds no control character even when the URI was escaped', () => {
    const { party } = identify(invite({ 'X-CALLER-ID': '<sip:1%0d%0a2@x>' }), trusted);
    expect(party.callerId).toBe('');
    expect(party.callerTrusted).toBe(false);
  });
});

describe('a header that says twice who calls', () => {
  const [mine, other] = ['+4930901821', '+14155550177'];
  const headersToAttributes = new Map([['x-from', 'caller_id']]);

  it.each([
    ['two numbers', { 'X-CALLER-ID': [other, mine] }],
    ['two of the header that the trunk names', { 'X-From': [other, mine], 'X-CALLER-ID': mine }],
    ['two of X-CALLER-ID beside that', { 'X-From': mine, 'X-CALLER-ID': [other, mine] }],
  ])('makes the number nobody’s own when it gives %s', (_title, headers) => {
    const { party } = identify(invite(headers), { ...trusted, headersToAttributes });
    expect(party.callerTrusted).toBe(false);
  });

  it.each([
    ['the same twice', { 'X-CALLER-ID': [mine, mine] }],
    [
      'a SIP and a tel URI in P-Asserted-Identity',
      { 'P-Asserted-Identity': ['<sip:ann@x>', `<tel:${mine}>`] },
    ],
  ])('is believed when it gives %s', (_title, headers) => {
    expect(identify(invite(headers), trusted).party.callerTrusted).toBe(true);
  });
});

describe('the number that was called', () => {
  it('is the user of the Request-URI, in E.164', () => {
    expect(
      identify(invite({}, { requestUser: '4930901820' }), { ...trusted, defaultCountry: 'DE' }).party
        .calledNumber,
    ).toBe('+4930901820');
  });

  it('is the user of To when the Request-URI has none', () => {
    expect(identify(invite({}, { requestUser: '' }), trusted).party.calledNumber).toBe('+4930901820');
  });

  it('is as given when it is no number', () => {
    expect(identify(invite({}, { requestUser: 'sales' }), trusted).party.calledNumber).toBe('sales');
  });
});

describe('the facts of a party', () => {
  it('name the trunk and hold the variables of the headers', () => {
    const { party, dropped } = identify(invite({ 'X-Customer-Id': '42', 'X-Auth-Token': 'no' }), trusted);
    expect(party.trunk).toBe('default');
    expect(party.variables).toEqual({ sip_customer_id: '42' });
    expect(dropped).toBe(1);
  });
});

describe('headers that a trunk names itself', () => {
  const headersToAttributes = new Map([
    ['x-sbc-call', 'call_id'],
    ['x-from-number', 'caller_id'],
    ['x-customer', 'customer'],
    ['subject', 'topic'],
  ]);
  const headers = {
    'X-SBC-Call': 'call-9',
    'X-From-Number': '<sip:+33123456789@sbc>',
    'X-Customer': '42',
    'X-Other': 'o',
    Subject: 'Billing',
    'X-CALL-ID': 'other',
    'X-CALLER-ID': '+4930901820',
  };

  it('say who calls, before those that always do, and give variables under their names', () => {
    const { party, dropped } = identify(invite(headers), { ...trusted, headersToAttributes });
    expect(party).toMatchObject({ callId: 'call-9', callerId: '+33123456789', callerTrusted: true });
    expect(party.variables).toEqual({ customer: '42', sip_other: 'o', topic: 'Billing' });
    expect(dropped).toBe(0);
  });

  it('do not say who calls where the word of the trunk does not count', () => {
    const { party } = identify(invite(headers), { ...untrusted, headersToAttributes });
    expect(party).toMatchObject({ callId: 'abc@pbx', callerId: '+14155552671', callerTrusted: false });
    expect(party.variables).toMatchObject({ customer: '42', topic: 'Billing' });
  });

  it('leave the usual ones when they are not there', () => {
    const { party } = identify(invite({ 'X-CALL-ID': 'other' }), { ...trusted, headersToAttributes });
    expect([party.callId, party.variables]).toEqual(['other', {}]);
  });
});

describe('the number that was called, on a trunk that we register with', () => {
  const toAccount = { requestUser: 'account7' };
  const registered = { ...trusted, registeredAs: 'account7' };
  const called = { 'P-Called-Party-ID': '"Us" <sip:+4930901899@pbx.example>' };
  const number = (options: IdentifyOptions, headers = {}, more: Partial<InviteFacts> = toAccount) =>
    identify(invite(headers, more), options).party.calledNumber;

  it('is that of P-Called-Party-ID, else of To, where the call is for our user name', () => {
    expect(number(registered, called)).toBe('+4930901899');
    expect(number(registered)).toBe('+4930901820');
    expect(number(registered, { 'P-Called-Party-ID': 'nonsense' })).toBe('+4930901820');
  });

  it('is not what a trunk says in P-Called-Party-ID that is not trusted', () => {
    expect(number({ ...registered, trusted: false }, called)).toBe('+4930901820');
  });

  it('is the Request-URI as ever where that has a number, or we did not register', () => {
    expect(number(registered, called, { requestUser: '+4930901811' })).toBe('+4930901811');
    expect(number(trusted, called)).toBe('account7');
  });
});
