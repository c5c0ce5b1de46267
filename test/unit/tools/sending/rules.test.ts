import { describe, expect, it } from 'vitest';
import { amountOf, microsOf } from '../../../../src/core/money.ts';
import { type AccessRule, accessDecision, tierOf } from '../../../../src/tools/sending/access.ts';
import { costOf, defaultCosts, priceOf, segmentsOf } from '../../../../src/tools/sending/costs.ts';
import { defaultSendingPolicy } from '../../../../src/tools/sending/policy.ts';
import { quietFor } from '../../../../src/tools/sending/quiet-hours.ts';
import { recipientDecision } from '../../../../src/tools/sending/recipients.ts';
import { FakeControl, toolContext } from '../../../support/fake-control.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const caller = '+14155550123';
const other = '+14155550124';
const calling = (callerId = caller, callerTrusted = true, calledNumber = '+4930901820') =>
  toolContext(new ManualClock(), new FakeControl(), { callerId, callerTrusted, calledNumber });

describe('the tier of a caller', () => {
  const lists = { knownNumbers: ['+1415*'], internalNumbers: ['+4930901820', '101'] };
  it.each([
    ['is anyone where nobody is listed', caller, true, 'anyone', { knownNumbers: [], internalNumbers: [] }],
    ['is known by a beginning of the number', caller, true, 'known', lists],
    ['is internal by the number', '+4930901820', true, 'internal', lists],
    ['is internal by the extension', '101', true, 'internal', lists],
    ['is anyone where nobody vouches for the number', '+4930901820', false, 'anyone', lists],
    ['is anyone where the number is withheld', '', true, 'anyone', lists],
  ] as const)('%s', (_title, callerId, trusted, tier, known) => {
    expect(tierOf(calling(callerId, trusted), known, 'US')).toBe(tier);
  });

  it('is verified once the right number is, and not by another', () => {
    const context = calling();
    context.verified.note(other, 'sms');
    expect(tierOf(context, lists, undefined)).toBe('known');
    context.verified.note(caller, 'sms');
    expect(tierOf(context, lists, undefined)).toBe('verified');
  });

  it('is verified by the number that the operator names, for a caller whom nobody vouches for', () => {
    const context = { ...calling(caller, false), verifyNumber: other };
    context.verified.note(caller, 'sms');
    expect(tierOf(context, lists, undefined)).toBe('anyone');
    context.verified.note(other, 'sms');
    expect(tierOf(context, lists, undefined)).toBe('verified');
  });
});

describe('who may use a tool', () => {
  const decide = (
    tool: string,
    tier: Parameters<typeof accessDecision>[2],
    numbers: string[] = [],
    rules: AccessRule[] = [],
  ) => accessDecision({ tool, numbers }, calling(), tier, rules, undefined).decision;

  it.each([
    ['twilio_send_sms', 'anyone', [other], 'pass'],
    ['twilio_verify_phone', 'anyone', [other], 'pass'],
    ['twilio_lookup_phone', 'anyone', [caller], 'pass'],
    ['twilio_lookup_phone', 'verified', [other], 'refuse'],
    ['twilio_lookup_phone', 'verified', [caller, other], 'refuse'],
    ['twilio_lookup_phone', 'internal', [other], 'pass'],
    ['twilio_search_messages', 'known', [caller], 'refuse'],
    ['twilio_search_messages', 'verified', [caller], 'pass'],
    ['twilio_search_messages', 'verified', [], 'refuse'],
    ['twilio_manage_calls', 'anyone', [], 'refuse'],
    ['twilio_manage_calls', 'internal', [], 'pass'],
    ['twilio_account_overview', 'verified', [], 'refuse'],
    ['twilio_account_overview', 'internal', [], 'pass'],
    ['a_new_tool', 'verified', [], 'refuse'],
  ] as const)('by default: %s by %s about %j is %s', (tool, tier, numbers, decision) => {
    expect(decide(tool, tier, [...numbers])).toBe(decision);
  });

  it.each([
    ['a rule for all tools', { tools: ['*'], tier: 'nobody' }, 'refuse'],
    ['a rule for another tool', { tools: ['twilio_send_whatsapp'], tier: 'nobody' }, 'pass'],
    ['a rule for this agent', { tools: ['twilio_send_sms'], agentId: 'agent_1', tier: 'known' }, 'refuse'],
    ['a rule for another agent', { tools: ['twilio_send_sms'], agentId: 'agent_2', tier: 'known' }, 'pass'],
    ['a rule for this number', { tools: ['*'], number: '+4930*', tier: 'verified' }, 'refuse'],
    ['a rule for another number', { tools: ['*'], number: '+49309018201', tier: 'verified' }, 'pass'],
  ] as const)('by %s', (_title, rule, decision) => {
    expect(decide('twilio_send_sms', 'anyone', [other], [rule])).toBe(decision);
  });

  it('by the first rule that fits', () => {
    const rules: AccessRule[] = [
      { tools: ['twilio_account_overview'], agentId: 'agent_1', tier: 'anyone' },
      { tools: ['*'], tier: 'nobody' },
    ];
    expect(decide('twilio_account_overview', 'anyone', [], rules)).toBe('pass');
    expect(decide('twilio_manage_calls', 'internal', [], rules)).toBe('refuse');
  });
});

describe('whom messages may go to', () => {
  it.each([
    ['+14155550123', {}, undefined],
    ['+19005550123', {}, 'premium'],
    ['+8816123456789', {}, 'denied'],
    ['4155550123', {}, 'no_number'],
    ['+14155550123', { deniedRecipients: ['+1415*'] }, 'denied'],
    ['+14155550123', { allowedRecipients: ['+14155550199'] }, 'not_allowed'],
    ['+14155550123', { allowedRecipients: ['+14155550123'] }, undefined],
    ['+14155550123', { allowedRecipients: ['+1*'], deniedRecipients: ['+14155550123'] }, 'denied'],
    ['+14155550123', { allowedCountries: ['DE', 'AT'] }, 'not_allowed_country'],
    ['+4915123456789', { allowedCountries: ['DE', 'AT'] }, undefined],
    ['+4915123456789', { deniedCountries: ['DE'] }, 'denied_country'],
    // Canada shares +1: the country is told by the plan, not by the beginning.
    ['+16135550123', { allowedCountries: ['US'] }, 'not_allowed_country'],
  ] as const)('%s with %j: %s', (to, more, detail) => {
    const decision = recipientDecision(to, { ...defaultSendingPolicy, ...more });
    expect(decision).toEqual({
      gate: 'recipient',
      decision: detail === undefined ? 'pass' : 'refuse',
      ...(detail && { detail }),
    });
  });
});

describe('quiet hours', () => {
  const night = { from: 21 * 60, to: 8 * 60 };
  const at = (text: string) => Date.parse(text);
  const hour = 3_600_000;
  it.each([
    ['go over midnight', { ...night, zone: 'UTC' }, undefined, '2026-01-15T22:00:00Z', 10 * hour],
    ['begin on the minute', { ...night, zone: 'UTC' }, undefined, '2026-01-15T20:59:59Z', 0],
    ['end on the minute', { ...night, zone: 'UTC' }, undefined, '2026-01-15T08:00:00Z', 0],
    ['are those of the recipient', night, 'DE', '2026-01-15T20:30:00Z', 10.5 * hour],
    ['know of summer time', night, 'DE', '2026-07-15T19:30:00Z', 10.5 * hour],
    ['are quiet while it is night anywhere in the country', night, 'US', '2026-01-15T13:30:00Z', 4.5 * hour],
    ['are over where it is day everywhere', night, 'US', '2026-01-15T19:00:00Z', 0],
    ['are those of UTC where the country is not known', night, undefined, '2026-01-15T12:00:00Z', 0],
    ['may lie within a day', { from: 60, to: 120, zone: 'UTC' }, undefined, '2026-01-15T01:30:00Z', hour / 2],
  ] as const)('%s', (_title, quiet, country, when, ms) => {
    expect(quietFor(quiet, country, at(when))).toBe(ms);
  });
});

describe('what a send costs', () => {
  it.each([
    ['a', 1],
    ['a'.repeat(160), 1],
    ['a'.repeat(161), 2],
    ['€'.repeat(80), 1],
    ['€'.repeat(81), 2],
    ['ж'.repeat(70), 1],
    ['ж'.repeat(71), 2],
    ['a'.repeat(1_600), 11],
    ['😀'.repeat(36), 2],
    ['', 1],
  ])('counts %j in %d pieces', (text, pieces) => expect(segmentsOf(text)).toBe(pieces));

  it('goes by the longest beginning, and by the name without its end', () => {
    const costs = [...defaultCosts, { item: 'sms', prefix: '+1415', micros: 5 }];
    expect(priceOf('sms', '+14155550123', costs)).toBe(5);
    expect(priceOf('sms', '+12125550123', costs)).toBe(12_000);
    expect(priceOf('sms', '+4915123456789', costs)).toBe(100_000);
    expect(priceOf('lookup_caller_name', '', costs)).toBe(priceOf('lookup', '', costs));
    expect(priceOf('carrier_pigeon', '', costs)).toBeGreaterThan(0);
  });

  it('is a price for each piece of an SMS, and one for anything else', () => {
    const send = { to: '+12125550123', text: 'a'.repeat(161) };
    expect(costOf({ ...send, kind: 'sms' }, defaultSendingPolicy)).toEqual({
      micros: 24_000,
      currency: 'USD',
    });
    expect(costOf({ ...send, kind: 'whatsapp' }, defaultSendingPolicy).micros).toBe(150_000);
  });

  it.each([
    ['0.0079', 7_900, '0.0079'],
    ['5', 5_000_000, '5.00'],
    ['1.5', 1_500_000, '1.50'],
    ['0.000001', 1, '0.000001'],
    ['0', 0, '0.00'],
  ])('reads %s as %d and writes %s', (text, micros, written) => {
    expect(microsOf(text)).toBe(micros);
    expect(amountOf(micros)).toBe(written);
  });
  it.each(['', '-1', '1,5', '1e3', '0.0000001'])('reads %j as no amount', text =>
    expect(microsOf(text)).toBeUndefined(),
  );
});
