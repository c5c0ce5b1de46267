import { describe, expect, it } from 'vitest';
import { callerOf } from '../../../src/streams/caller.ts';

const of = (fields: Readonly<Record<string, string>>) =>
  callerOf(new Map(Object.entries({ CallSid: 'CA1', To: '+14155550199', ...fields })), 'US');

describe('who calls by a signed webhook', () => {
  it('is trusted with a number', () => {
    expect(of({ From: '+14155550123', StirVerstat: 'TN-Validation-Passed-A' })).toMatchObject({
      callerId: '+14155550123',
      calledNumber: '+14155550199',
      callerTrusted: true,
      variables: { stir_verstat: 'TN-Validation-Passed-A' },
    });
  });

  it.each(['anonymous', 'Restricted', '+266696687', '+7378742833', '+464'])('is nobody as %s', From => {
    expect(of({ From })).toMatchObject({ callerId: '', callerTrusted: false });
  });

  it.each(['client:bob', 'sip:bob@example.org', ''])('is not trusted without a number, as %s', From => {
    expect(of({ From })).toMatchObject({ callerId: From, callerTrusted: false });
  });

  it('is not trusted with a number that STIR/SHAKEN has found to be wrong', () => {
    const caller = of({ From: '+14155550123', StirVerstat: 'TN-Validation-Failed-C' });
    expect(caller).toMatchObject({ callerId: '+14155550123', callerTrusted: false });
  });
});
