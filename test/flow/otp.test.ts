import { describe, expect, it } from 'vitest';
import type { SimConversation } from '../../src/sim/agent/conversation.ts';
import { otpTones } from '../../src/sim/agent/options.ts';
import type { SimCall } from '../../src/sim/caller/call.ts';
import { type Bridge, withBridge } from '../support/flow.ts';
import { toneHeard } from '../support/sound.ts';

const number = '+14155550123';
const headers = [['X-CALLER-ID', number]] as const;
const approvedWords = 'The caller has keyed the code, and it was approved: the number is verified.';

type KeyIn = (call: SimCall, keys: string) => Promise<void>;

const keypads: Readonly<Record<string, KeyIn>> = {
  'RFC 4733 events': async (call, keys) => call.media.key(keys),
  'INFO with application/dtmf-relay': async (call, keys) => {
    for (const key of keys) {
      const body = `Signal=${key}\r\nDuration=160\r\n`;
      const response = await call.request('INFO', [['Content-Type', 'application/dtmf-relay']], body);
      expect(response.start).toContain('200');
    }
  },
  'INFO with application/dtmf': async (call, keys) => {
    for (const key of keys) await call.request('INFO', [['Content-Type', 'application/dtmf']], key);
  },
};

/** Lets the agent ask, and gives the conversation once it has asked for the code for the `round`th time. */
async function asked(bridge: Bridge, round = 1): Promise<SimConversation> {
  const conversation = await bridge.world.agent.conversation(0);
  await conversation.until(each => each.toolResults.length >= round && each.eventId > round);
  return conversation;
}

describe('a caller who is to be verified', () => {
  it.each(Object.keys(keypads))('keys the code by %s, is approved and hears the good-bye', by =>
    withBridge({ script: { mode: 'otp' }, agent: { leadMs: 10_000 } }, async bridge => {
      const call = await bridge.answered({ headers });
      await toneHeard(call, otpTones.greeting, 700);
      const conversation = await asked(bridge);
      const code = bridge.world.twilio.codeFor(number);
      await keypads[by]?.(call, `${code}#`);
      expect(await call.ended).toBe('bye');
      expect(conversation.contextualUpdates.at(-1)).toBe(approvedWords);
      expect(call.media.heard.stretch(otpTones.success).ms).toBeGreaterThanOrEqual(780);
      const results = conversation.toolResults.map(each => JSON.parse(each.result) as object);
      expect(results).toMatchObject([{ status: 'pending', valid: false }]);
      expect(conversation.violations).toEqual([]);
      expect(await bridge.ended()).toMatchObject({ reason: 'agent-ended-call', digits: code.length + 1 });
      const { requests } = bridge.world.twilio;
      expect(requests.map(({ path }) => path.split('/').at(-1))).toEqual([
        'Verifications',
        'VerificationCheck',
      ]);
      expect(requests[0]?.params).toMatchObject({ To: number, Channel: 'sms' });
    }),
  );

  it('keys without # and is understood after two seconds', () =>
    withBridge({ script: { mode: 'otp' }, agent: { leadMs: 10_000 } }, async bridge => {
      const call = await bridge.answered({ headers });
      const conversation = await asked(bridge);
      const code = bridge.world.twilio.codeFor(number);
      call.media.key(code);
      expect(await call.ended).toBe('bye');
      expect(conversation.contextualUpdates.at(-1)).toBe(approvedWords);
    }));

  it('keys a wrong code first, is asked again and then approved', () =>
    withBridge({ script: { mode: 'otp' }, agent: { leadMs: 10_000 } }, async bridge => {
      const call = await bridge.answered({ headers });
      const conversation = await asked(bridge);
      const code = bridge.world.twilio.codeFor(number);
      const wrong = code === '000000' ? '111111' : '000000';
      call.media.key(`${wrong}#`);
      await conversation.until(({ userMessages }) => userMessages.length === 1);
      call.media.key(`${code}#`);
      expect(await call.ended).toBe('bye');
      expect(conversation.contextualUpdates.filter(each => each.startsWith('The caller has keyed'))).toEqual([
        'The caller has keyed a wrong code. Four tries are left. Ask the caller to key it once more.',
        approvedWords,
      ]);
      expect(conversation.userMessages.join()).not.toMatch(/approved|verified/);
    }));
});
