import { beforeEach, describe, expect, it } from 'vitest';
import { SentMessages, sentMessageLimits } from '../../../../src/tools/messaging/sent-messages.ts';
import { FakeControl, toolContext } from '../../../support/fake-control.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const to = '+14155550177';
let clock: ManualClock;
let sent: SentMessages;
let control: FakeControl;

beforeEach(() => {
  clock = new ManualClock();
  sent = new SentMessages(clock);
  control = new FakeControl();
});
const note = (sid: string) => sent.note(sid, to, toolContext(clock, control));

describe('what becomes of a message afterwards', () => {
  it('is told to the call that sent it, once, and masked', () => {
    note('SM1');
    expect(sent.report({ sid: 'SM1', status: 'undelivered', errorCode: 30006 })).toBe(true);
    expect(sent.report({ sid: 'SM1', status: 'undelivered', errorCode: 30006 })).toBe(false);
    expect(control.asked).toEqual([expect.stringMatching(/^tell context .*ending in 77.*landline/)]);
    expect(control.asked.join()).not.toContain(to);
    expect(sent.size).toBe(0);
  });

  it('is told when it is the end of it, not at each step', () => {
    note('SM1');
    for (const status of ['queued', 'sending', 'sent'])
      expect(sent.report({ sid: 'SM1', status })).toBe(false);
    expect(sent.report({ sid: 'SM1', status: 'delivered' })).toBe(true);
    expect(control.asked).toEqual(['tell context The message to the number ending in 77 was delivered.']);
  });

  it('has words for a failure that nobody knows', () => {
    note('SM1');
    sent.report({ sid: 'SM1', status: 'failed', errorCode: 4 });
    expect(control.asked[0]).toContain('was not delivered. Offer another way.');
  });

  it('is kept for a moment when it comes before Twilio has answered the sending', () => {
    expect(sent.report({ sid: 'SM1', status: 'failed', errorCode: 63016 })).toBe(false);
    note('SM1');
    expect(control.asked).toHaveLength(1);
    sent.report({ sid: 'SM2', status: 'failed' });
    clock.advance(sentMessageLimits.earlyMs + 1);
    sent.report({ sid: 'SM3', status: 'failed' });
    note('SM2');
    expect(control.asked).toHaveLength(1);
  });

  it('is not waited for without end, nor for more messages than the limit', () => {
    note('SM0');
    clock.advance(sentMessageLimits.keepMs);
    expect(sent.report({ sid: 'SM0', status: 'failed' })).toBe(false);
    for (let n = 1; n <= sentMessageLimits.kept + 10; n += 1) note(`SM${n}`);
    expect(sent.size).toBe(sentMessageLimits.kept);
    for (let n = 0; n < sentMessageLimits.early * 2; n += 1)
      sent.report({ sid: `SMX${n}`, status: 'failed' });
    expect(sent.report({ sid: `SM${sentMessageLimits.kept + 10}`, status: 'failed' })).toBe(true);
  });
});
