import { describe, expect, it } from 'vitest';
import { SimStreamCall } from '../../src/sim/twilio/stream-call.ts';
import { Nginx } from '../support/nginx.ts';
import { freePort, freePortsInARow } from '../support/ports.ts';
import { requirePrograms } from '../support/programs.ts';
import { StagedDaemon } from '../support/staged-daemon.ts';
import { publicUrl, toneHeardOver } from '../support/stream-bridge.ts';

const available = requirePrograms('media streams through nginx', ['nginx']);
const detour =
  'a media stream for a worker came by the main thread: the reverse proxy does not route its path to TWILIO_STREAM_LISTEN';

/** A daemon with two workers behind nginx; `routed` is whether nginx has the way to the workers. */
async function behindNginx(
  routed: boolean,
  test: (daemon: StagedDaemon, call: () => SimStreamCall) => Promise<void>,
): Promise<void> {
  const publicPort = await freePort();
  const streamPort = await freePortsInARow(2);
  const agents = { agent: { mode: 'tone', hz: 440, seconds: 30, inputFormat: 'ulaw_8000' } } as const;
  const daemon = await StagedDaemon.start({
    agentId: 'agent',
    agent: { agents },
    twilioToken: true,
    env: {
      MEDIA_WORKERS: '2',
      PUBLIC_URL: publicUrl,
      PUBLIC_HTTP_LISTEN: `127.0.0.1:${publicPort}`,
      TWILIO_STREAM_LISTEN: `127.0.0.1:${streamPort}`,
    },
  });
  try {
    const { twilio } = daemon.world;
    const { folder } = daemon;
    const nginx = await Nginx.start({ folder, publicPort, ...(routed ? { streamPort } : {}) });
    try {
      twilio.callbacks.reach(publicUrl, `http://127.0.0.1:${nginx.port}`);
      const voiceUrl = `${publicUrl}/twilio/voice`;
      await test(daemon, () =>
        SimStreamCall.dial(twilio, { from: '+14155550123', to: '+14155550199', voiceUrl }),
      );
    } finally {
      await nginx.stop();
    }
  } finally {
    expect(await daemon.stop()).toBe(0);
  }
}

const urlOf = (call: SimStreamCall) => call.verbs[0]?.inner[0]?.attributes['url'] ?? '';

describe.skipIf(!available)('media streams through nginx as the documentation sets it up', () => {
  it.each([true, false])('reach both workers and are heard (with a route to them: %s)', async routed => {
    await behindNginx(routed, async (daemon, dial) => {
      const calls = [dial(), dial(), dial(), dial()];
      for (const call of calls) {
        const stream = await call.connected;
        expect(await stream?.opened).toBe('open');
        await toneHeardOver(stream!, 440, 1000);
      }
      const workers = calls.map(call => /\/twilio\/media\/(\d)\//.exec(urlOf(call))?.[1]);
      expect(workers.toSorted()).toEqual(['0', '0', '1', '1']);
      for (const conversation of daemon.world.agent.conversations)
        await conversation.until(each => each.audioBytes > 8000);
      for (const call of calls) call.hangUp();
      await Promise.all(calls.map(call => call.ended));
      const ended = await daemon.logs('call ended', calls.length);
      expect(ended.map(({ reason }) => reason)).toEqual(Array(calls.length).fill('caller-hung-up'));
      for (const { packetsReceived, packetsLost } of ended) {
        expect(packetsReceived).toBeGreaterThan(50);
        expect(packetsLost).toBe(0);
      }
      // Without the route all four come by the main thread, which is told once for each worker.
      expect(daemon.logged(detour).length > 0).toBe(!routed);
    });
  });
});
