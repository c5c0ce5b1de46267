import { describe, expect, it } from 'vitest';
import {
  outcomeOf,
  outcomeOfCode,
  twilioFailed,
  twilioOutcomes,
} from '../../../src/tools/twilio-outcomes.ts';
import { TwilioFailure } from '../../../src/twilio/failure.ts';

const refused = (status: number, errorCode?: number) =>
  new TwilioFailure('twilio-refused', { status, errorCode });

describe('what a failure of Twilio comes to', () => {
  it.each([
    [refused(400, 21610), 'write', 'opted_out'],
    [refused(400, 1), 'write', 'failed'],
    [refused(404, 1), 'read', 'not_found'],
    [refused(404, 20404), 'write', 'not_configured'],
    [refused(401), 'read', 'not_configured'],
    [refused(502), 'write', 'unavailable'],
    [new TwilioFailure('twilio-timeout'), 'write', 'unavailable'],
    [new TwilioFailure('twilio-unreachable'), 'read', 'unavailable'],
    [new TwilioFailure('twilio-bad-request'), 'read', 'failed'],
  ] as const)('%#: %s of a %s', (failure, on, status) => {
    expect(outcomeOf(failure, on).status).toBe(status);
  });

  it('says when to try again, in the seconds that Twilio names where it does', () => {
    const busy = (retryAfterSeconds?: number) =>
      new TwilioFailure('twilio-refused', { status: 429, errorCode: 20429, retryAfterSeconds });
    expect(twilioFailed(busy(), 'read')['retry_after_s']).toBe(5);
    expect(twilioFailed(busy(42), 'read')['retry_after_s']).toBe(42);
    expect(twilioFailed(refused(400, 21211), 'write')).not.toHaveProperty('retry_after_s');
  });

  it.each([21211, 21408, 21610, 21612, 30003, 30005, 30006, 30007, 30008, 30034, 63003, 63016, 63018])(
    'has words of its own for %d, whether it comes at once or afterwards',
    code => {
      const outcome = outcomeOfCode(code);
      expect(outcome?.status).toBeDefined();
      expect(outcome).toBe(outcomeOf(refused(400, code), 'write'));
    },
  );

  it('never has the word that only a right code brings', () => {
    expect(JSON.stringify(twilioOutcomes)).not.toMatch(/approved/i);
  });
});
