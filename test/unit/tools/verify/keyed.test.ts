import { describe, expect, it } from 'vitest';
import { KeyedDigits } from '../../../../src/core/keyed-digits.ts';
import { createLogger } from '../../../../src/observability/log.ts';
import { checkKeyed } from '../../../../src/tools/verify/keyed.ts';
import { SecureKeypad } from '../../../../src/tools/verify/keypad.ts';
import { verifyLimits } from '../../../../src/tools/verify/limits.ts';
import { PendingVerifications } from '../../../../src/tools/verify/pending.ts';
import { defaultVerifyPolicy } from '../../../../src/tools/verify/policy.ts';
import { TwilioFailure } from '../../../../src/twilio/failure.ts';
import type { VerifyPort } from '../../../../src/twilio/verify.ts';
import { someFacts } from '../../../support/fake-call.ts';
import { FakeControl, toolContext } from '../../../support/fake-control.ts';
import { FakeStore } from '../../../support/fake-store.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { OpenGate } from '../../../support/open-gate.ts';

const own = someFacts.callerId;
type Checked = Awaited<ReturnType<VerifyPort['check']>>;

const answered = (status: string, valid = false): Checked => ({
  ok: true,
  value: { verificationSid: 'VE1', status, valid },
});
const refused = (status: number, errorCode?: number): Checked => ({
  ok: false,
  failure: new TwilioFailure('twilio-refused', { status, errorCode }),
});

/** A call in which a code was sent, and a Verify that gives these answers; all that is logged and told comes out. */
function keying(answers: Checked[], configured = true) {
  const clock = new ManualClock();
  const control = new FakeControl();
  const lines: string[] = [];
  const log = createLogger('trace', { write: (line: string) => void lines.push(line) });
  const context = { ...toolContext(clock, control), log };
  const asked: string[] = [];
  const verify: VerifyPort = {
    send: () => Promise.reject(new Error('nobody sends here')),
    check: async (_, code) => {
      asked.push(code);
      return answers.shift() ?? answered('pending');
    },
  };
  const pending = new PendingVerifications(clock, verifyLimits);
  pending.begin(context.call, own, 'VE1');
  const parts = {
    verify: () => (configured ? verify : undefined),
    gates: { read: () => ({ allowAutonomousSends: false, killSwitch: false }) },
    policy: () => defaultVerifyPolicy,
    gate: new OpenGate(),
    senders: () => [],
    counters: new FakeStore({ clock }).counters,
    clock,
    country: undefined,
    limits: verifyLimits,
    pending,
    keypad: new SecureKeypad(clock, { keyed: async () => undefined, expired: () => undefined }, () => true),
  };
  const key = (digits: string) => checkKeyed(parts, own, KeyedDigits.of(Buffer.from(digits)), context);
  const told = () =>
    control.asked
      .filter(each => each.startsWith('tell context The caller has keyed'))
      .map(each => each.slice('tell context '.length));
  const turns = () => control.asked.filter(each => each.startsWith('tell turn '));
  return { key, told, turns, asked, lines, context };
}

describe('what the agent is told of a keyed code', () => {
  it.each<[string, Checked, RegExp]>([
    ['right', answered('approved', true), /was approved: the number is verified\.$/],
    [
      'wrong',
      answered('pending'),
      /wrong code\. Four tries are left\. Ask the caller to key it once more\.$/,
    ],
    [
      'said to be approved, but not valid',
      answered('approved', false),
      /could not be checked\. Offer to hand over/,
    ],
    ['for an expired verification', refused(404, 20404), /not open any more\. Offer to send a new one\.$/],
    ['for a canceled one', answered('canceled'), /was canceled\. Offer to send a new one\.$/],
    ['one too many', refused(429, 60202), /wrong code too often, .*Offer to hand over/],
    [
      'not looked at',
      refused(429, 20429),
      /could not be checked yet\. Ask the caller to key it once more\.$/,
    ],
    ['lost on the way', refused(503), /could not be checked at the moment\. Ask the caller to key it/],
    [
      'refused for the credentials',
      refused(401, 20003),
      /numbers cannot be verified here\. Offer to hand over/,
    ],
    ['refused for no known reason', refused(400, 99999), /could not be checked\. Offer to hand over/],
  ])('that was %s is one sentence without a digit', async (_, answer, sentence) => {
    const { key, told, turns, asked, lines } = keying([answer]);
    await key('739164');
    expect(asked).toEqual(['739164']);
    expect(told()).toEqual([expect.stringMatching(sentence)]);
    expect(turns()).toEqual(['tell turn I have keyed something on the telephone.']);
    expect(told().join()).not.toMatch(/\d/);
    expect(lines).toHaveLength(1);
    expect(lines.join()).not.toContain('739164');
  });

  it('is not said to be approved unless it was', async () => {
    for (const answer of [
      answered('pending'),
      answered('approved', false),
      refused(503),
      refused(429, 60202),
    ]) {
      const { key, told, context } = keying([answer]);
      await key('739164');
      expect(told().join()).not.toContain('approved');
      expect(context.verified.of(own)).toBeUndefined();
    }
  });

  it.each([['123'], ['12345678901'], [''], ['12*4']])(
    'is that %s cannot be one, which uses no try',
    async digits => {
      const { key, told, asked } = keying([]);
      await key(digits);
      expect(told()).toEqual([expect.stringContaining('too few digits, or too many. Five tries are left')]);
      expect(asked).toEqual([]);
    },
  );

  it('is nothing where the number is verified already', async () => {
    const { key, told, asked } = keying([answered('approved', true)]);
    await key('739164');
    await key('739164');
    expect(told()).toHaveLength(1);
    expect(asked).toHaveLength(1);
  });

  it('is that numbers cannot be verified here where no Verify service is configured', async () => {
    const { key, told } = keying([], false);
    await key('739164');
    expect(told()).toEqual([expect.stringContaining('numbers cannot be verified here')]);
  });
});
