import { describe, expect, it } from 'vitest';
import { type TransferDestination, targetOf, wayOf } from '../../../../src/tools/transfer/destination.ts';
import { userToUser } from '../../../../src/tools/transfer/user-to-user.ts';
import { someFacts } from '../../../support/fake-call.ts';

const dynamic = (value: string): TransferDestination => ({
  name: 'x',
  destination: { kind: 'phone', number: '+14155550150' },
  transferType: 'blind',
  headers: [{ type: 'dynamic', key: 'X-Given', value }],
});

describe('a destination in a call', () => {
  it.each([['a\r\nRoute: <sip:evil>'], ['a\u0000b'], ['x'.repeat(513)], ['   ']])(
    'leaves out a header whose variable is not one short line: %j',
    value => {
      const facts = { ...someFacts, variables: { sip_x: value } };
      expect(targetOf(dynamic('sip_x'), facts).headers).toEqual([]);
    },
  );

  it('knows the variables that every conversation gets', () => {
    const value = (name: string) =>
      targetOf(dynamic(name), { ...someFacts, callSid: 'CA1' }).headers[0]?.value;
    expect(['call_id', 'call_sid', 'caller_id', 'called_number'].map(value)).toEqual([
      'pbx-1',
      'CA1',
      '+14155550123',
      '+14155550199',
    ]);
  });

  it('is reached by REFER unless it is a conference', () => {
    expect((['conference', 'blind', 'sip_refer'] as const).map(wayOf)).toEqual(['bridge', 'refer', 'refer']);
  });
});

describe('User-to-User', () => {
  it('is hexadecimal, with its discriminator in front or in a parameter', () => {
    const uui = { data: 'Größe', protocolDiscriminator: '04' };
    expect(userToUser({ ...uui, mode: 'prefix' })).toBe('044772c3b6c39f65;encoding=hex');
    expect(userToUser({ ...uui, mode: 'pd_parameter' })).toBe('4772c3b6c39f65;encoding=hex;pd=04');
  });
});
