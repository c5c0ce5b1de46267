import { describe, expect, it } from 'vitest';
import type { SimStreamCall } from '../../src/sim/twilio/stream-call.ts';
import { publicUrl, type StreamBridge, withStreamBridge } from '../support/stream-bridge.ts';

const script = { mode: 'quiet', inputFormat: 'ulaw_8000', outputFormat: 'ulaw_8000' } as const;
const urlOf = (call: SimStreamCall) => call.verbs[0]?.inner[0]?.attributes['url'] ?? '';
const detour =
  'a media stream for a worker came by the main thread: the reverse proxy does not route its path to TWILIO_STREAM_LISTEN';

async function hungUp({ bridge }: StreamBridge, call: SimStreamCall): Promise<void> {
  call.hangUp();
  await call.ended;
  await bridge.ended();
}

describe('a media stream that a proxy routes to its worker', () => {
  it('names the worker in its path, and never comes to the main thread', () =>
    withStreamBridge({ script, direct: true }, async streams => {
      const { call } = await streams.answered();
      expect(urlOf(call)).toMatch(/^wss:\/\/bridge\.example\/twilio\/media\/0\/[0-9a-f]{24}$/);
      await (await streams.bridge.world.agent.conversation(0)).until(each => each.audioBytes > 1600);
      expect(streams.bridge.log(detour)).toEqual([]);
      await hungUp(streams, call);
    }));

  it.each([
    ['forged', () => 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='],
    ['not signed', () => undefined],
  ])('is refused when its upgrade is %s, and the call ends', (_what, sign) =>
    withStreamBridge({ script, direct: true }, async streams => {
      const call = streams.call({ sign });
      expect(await (await call.connected)?.opened).toBe(403);
      await expect
        .poll(() => streams.bridge.log('a media stream has no good signature'))
        .toMatchObject([{ worker: 0 }]);
      streams.bridge.app.stopCalls();
      await call.ended;
      await streams.bridge.ended();
    }),
  );

  it('comes once: its address is good neither there nor at the main thread a second time, and no other ever', () =>
    withStreamBridge({ script, direct: true }, async streams => {
      const { call } = await streams.answered();
      await expect.poll(() => streams.bridge.log('call answered')).toHaveLength(1);
      const url = urlOf(call);
      expect(await streams.openAgain(call, url).opened).toBe(403);
      expect(await streams.openAgain(call, `${url.slice(0, -1)}z`).opened).toBe(403);
      expect(await streams.openAgain(call, url.replace('/media/0/', '/media/1/')).opened).toBe(404);
      await hungUp(streams, call);
    }));

  it('is closed when its ticket is not the one of the call', () =>
    withStreamBridge({ script, direct: true }, async streams => {
      const call = streams.call({ stream: { parameters: { ticket: 'another' } } });
      const stream = await call.connected;
      expect(await stream?.opened).toBe('open');
      expect(await stream?.closed).toBe(1008);
      streams.bridge.app.stopCalls();
      await call.ended;
      await streams.bridge.ended();
    }));

  it('comes by the main thread where the proxy has no route to the worker, which is told once', () =>
    withStreamBridge({ script, direct: true }, async streams => {
      streams.twilio.callbacks.reach(`${publicUrl}/twilio/media/0`, `${streams.base}/twilio/media/0`);
      for (let calls = 1; calls <= 2; calls++) {
        const { call } = await streams.answered();
        await (await streams.bridge.world.agent.conversation(calls - 1)).until(
          each => each.audioBytes > 1600,
        );
        expect(streams.bridge.log(detour)).toMatchObject([{ path: '/twilio/media/0/' }]);
        call.hangUp();
        await call.ended;
      }
      await streams.bridge.ended();
    }));
});
