import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { PartyFacts } from '../../../src/call/party.ts';
import { verifiedMs } from '../../../src/core/verified.ts';
import type { Tool, ToolContext } from '../../../src/tools/tool.ts';
import { numberToVerify, verifiedOnly } from '../../../src/tools/verified-only.ts';
import { someFacts } from '../../support/fake-call.ts';
import { FakeControl, toolContext } from '../../support/fake-control.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const own = someFacts.callerId;
const named = '+442071838750';
const clock = new ManualClock();
const never = new AbortController().signal;

/** A tool that opens an account. */
const open: Tool = {
  name: 'open_account',
  description: '',
  input: z.unknown(),
  run: async () => ({ status: 'opened', message: '' }),
};
const within = (facts: Partial<PartyFacts> = {}, verifyNumber?: string): ToolContext => ({
  ...toolContext(clock, new FakeControl(), facts),
  ...(verifyNumber === undefined ? {} : { verifyNumber }),
});
const run = (context: ToolContext, required = true) =>
  verifiedOnly(open, 'US', () => required).run({}, context, never);

describe('a tool for verified callers alone', () => {
  it('runs once the number that the network vouches for is verified, and says so before', async () => {
    const context = within();
    expect(await run(context)).toEqual({
      status: 'not_verified',
      message:
        'This needs a verified caller: first send a code to the number ending in 23, and have it checked.',
    });
    context.verified.note(own, 'sms');
    expect(await run(context)).toMatchObject({ status: 'opened' });
  });

  it('is not opened by his own telephone where the operator names another number', async () => {
    const context = within({}, named);
    context.verified.note(own, 'sms');
    expect(await run(context)).toMatchObject({
      status: 'not_verified',
      message: expect.stringContaining('ending in 50'),
    });
    context.verified.note(named, 'call');
    expect(await run(context)).toMatchObject({ status: 'opened' });
  });

  it('is not opened by a number that was said in the call', async () => {
    const context = within();
    context.verified.note('+14155550177', 'sms');
    expect(await run(context)).toMatchObject({ status: 'not_verified' });
  });

  it.each([
    ['is not vouched for', { callerTrusted: false }],
    ['is withheld', { callerId: '' }],
    ['is no number', { callerId: 'anonymous' }],
  ])('has nobody to verify where the caller id %s, unless the operator names one', async (_, facts) => {
    const context = within(facts);
    context.verified.note(own, 'sms');
    expect(await run(context)).toMatchObject({
      status: 'not_verified',
      message: expect.stringContaining('no number to verify'),
    });
    const known = within(facts, named);
    known.verified.note(named, 'sms');
    expect(await run(known)).toMatchObject({ status: 'opened' });
  });

  it('asks again when the verification is old', async () => {
    const context = within();
    context.verified.note(own, 'sms');
    clock.advance(verifiedMs - 1);
    expect(await run(context)).toMatchObject({ status: 'opened' });
    clock.advance(1);
    expect(await run(context)).toMatchObject({ status: 'not_verified' });
  });

  it('asks again when somebody else is at the telephone', async () => {
    const context = within();
    context.verified.note(own, 'sms');
    context.verified.forget();
    expect(await run(context)).toMatchObject({ status: 'not_verified' });
  });

  it('is for everybody where the operator does not ask for it, from one run to the next', async () => {
    let required = false;
    const tool = verifiedOnly(open, 'US', () => required);
    expect(await tool.run({}, within(), never)).toMatchObject({ status: 'opened' });
    required = true;
    expect(await tool.run({}, within(), never)).toMatchObject({ status: 'not_verified' });
  });
});

describe('the number to verify', () => {
  it('is made E.164 where the network gives it in the form of its country', () => {
    const facts = { callerId: '(415) 555-0123' };
    expect(numberToVerify(within(facts), 'US')).toBe(own);
    expect(numberToVerify(within(facts), undefined)).toBeUndefined();
  });
});
