import { describe, expect, it } from 'vitest';
import { withBridge } from '../support/flow.ts';

const greetingHz = 440;

describe('the first sound of the agent', () => {
  for (const transport of ['tcp', 'tls'] as const) {
    it(`is heard from its first sample to its last over ${transport}, although it was there before the answer`, () =>
      withBridge({ script: { mode: 'tone', hz: greetingHz, seconds: 2, endCall: true } }, async bridge => {
        const call = await bridge.answered({ codec: 'PCMU' }, transport);
        expect(await call.ended).toBe('bye');
        const { heard, reception } = call.media;
        const greeting = heard.stretch(greetingHz);
        expect(reception.lost).toBe(0);
        expect(Math.abs(greeting.ms - 2000)).toBeLessThanOrEqual(20);
        expect(heard.level(greetingHz, greeting.from + 20, greeting.to - 20)).toBeCloseTo(-12, 0);
        expect(await bridge.ended()).toMatchObject({
          reason: 'agent-ended-call',
          result: 'success',
          answered: true,
        });
      }));
  }

  it('follows a call that rang before it was answered', () =>
    withBridge({}, async bridge => {
      const call = await bridge.call();
      const { status } = await call.answered;
      expect([...call.provisional, status]).toEqual([100, 180, 200]);
      expect(await call.hangup()).toBe(200);
    }));

  it('waits agent.settle_ms after the agent is ready', () =>
    withBridge({ yaml: 'agent:\n  settle_ms: 1200\n' }, async bridge => {
      const call = await bridge.call();
      const { ms } = await call.answered;
      expect(ms).toBeGreaterThanOrEqual(1200);
      await call.hangup();
    }));
});
