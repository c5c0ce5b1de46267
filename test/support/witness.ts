import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect } from 'vitest';
import type { SimCall } from '../../src/sim/caller/call.ts';
import type { Bridge } from './flow.ts';
import { heardFor, hum, toneHeard } from './sound.ts';

/** What the witness hums, Hz. */
const hz = 1000;
/** Windows in which its tone is looked for, ms. */
const windowMs = 100;
/** Windows of a row without the tone that a busy machine alone may cause. */
const bearable = 2;

/** A call that goes on beside what is tested. `unharmed` hangs it up, and fails when it noticed anything. */
export async function witness(
  bridge: Bridge,
): Promise<{ readonly call: SimCall; unharmed(): Promise<void> }> {
  const call = await bridge.answered();
  hum(call, hz);
  await toneHeard(call, hz, 500);
  // Caller and agent live in this process: what holds it up silences both, and is no fault of the bridge.
  const stalls = monitorEventLoopDelay({ resolution: 5 });
  stalls.enable();
  const from = call.media.heard.stretch(hz).from + 200;
  return {
    call,
    async unharmed() {
      const { heard } = call.media;
      await heardFor(call, heard.ms + 1000);
      expect(call.bye).toBeUndefined();
      expect(call.media.reception.lost).toBe(0);
      stalls.disable();
      const ownFault = Math.ceil((2 * stalls.max) / 1e6 / windowMs);
      let silent = 0;
      let longest = 0;
      for (let at = from; at + windowMs <= heard.ms; at += windowMs) {
        silent = heard.level(hz, at, at + windowMs) < -30 ? silent + 1 : 0;
        longest = Math.max(longest, silent);
      }
      expect(longest, `windows of ${windowMs} ms without the tone`).toBeLessThanOrEqual(bearable + ownFault);
      expect(await call.hangup()).toBe(200);
    },
  };
}
