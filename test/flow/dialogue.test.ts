import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { SimCall } from '../../src/sim/caller/call.ts';
import { header, type Message, statusOf } from '../../src/sim/caller/message.ts';
import { withBridge } from '../support/flow.ts';
import { reinvite } from '../support/reinvite.ts';
import { heardFor, hum, toneHeard } from '../support/sound.ts';
import { until } from '../support/until.ts';

const forever = 600_000;

const directionOf = ({ body }: Message) => /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m.exec(body)?.[1];

describe('a call that is held', () => {
  it.each([
    ['sendonly', 'recvonly'],
    ['inactive', 'inactive'],
  ])('by %s is answered with %s, is silent on the wire, and goes on when it is resumed', (offer, answer) =>
    withBridge({}, async bridge => {
      const call = await bridge.answered();
      hum(call, 1000);
      await toneHeard(call, 1000, 400);
      const held = await reinvite(call, call.sdp(offer, 2));
      expect([statusOf(held), directionOf(held)]).toEqual([200, answer]);
      const heldAt = call.media.heard.ms;
      const port = /^m=audio (\d+)/m.exec(held.body)?.[1];
      const again = await reinvite(call, call.sdp('sendrecv', 3));
      expect([statusOf(again), directionOf(again)]).toEqual([200, 'sendrecv']);
      expect(/^m=audio (\d+)/m.exec(again.body)?.[1]).toBe(port);
      await heardFor(call, heldAt + 1500);
      expect(call.media.heard.level(1000, heldAt + 1000, heldAt + 1500)).toBeGreaterThan(-23);
      await call.hangup();
      expect(bridge.world.agent.conversations).toHaveLength(1);
    }),
  );

  it('gets no sound while it is held, and the agent gets silence', () =>
    withBridge({}, async bridge => {
      const call = await bridge.answered();
      hum(call, 1000);
      await toneHeard(call, 1000, 400);
      await reinvite(call, call.sdp('inactive', 2));
      const conversation = await bridge.world.agent.conversation(0);
      const { packets } = call.media.reception;
      const bytes = conversation.audioBytes;
      await conversation.until(each => each.audioBytes >= bytes + 32_000);
      expect(call.media.reception.packets - packets).toBeLessThanOrEqual(3);
      await reinvite(call, call.sdp('sendrecv', 3));
      await heardFor(call, call.media.heard.ms + 200);
      await call.hangup();
    }));

  it('gets the same answer to the same offer once more', () =>
    withBridge({}, async bridge => {
      const call = await bridge.answered();
      const first = await reinvite(call, call.sdp('sendonly', 2));
      const second = await reinvite(call, call.sdp('sendonly', 2));
      expect(second.body).toBe(first.body);
      expect((await call.answered).response.body).not.toBe(first.body);
      await call.hangup();
    }));

  it('keeps what it had when an offer cannot be taken', () =>
    withBridge({}, async bridge => {
      const call = await bridge.answered();
      hum(call, 1000);
      const none = call
        .sdp('sendrecv', 2)
        .replaceAll(/ 0 101/g, ' 18')
        .replace('rtpmap:0 PCMU', 'rtpmap:18 G729');
      const refused = await reinvite(call, none);
      expect(statusOf(refused)).toBe(488);
      expect(header(refused, 'Warning')).not.toBe('');
      await toneHeard(call, 1000, 600);
      await call.hangup();
    }));
});

describe('a caller who gives up before the answer', () => {
  it('is told 487, and the agent is let go', () =>
    withBridge({ script: { mode: 'misbehave', how: { kind: 'slow', delayMs: forever } } }, async bridge => {
      const call = await bridge.call();
      const conversation = await bridge.world.agent.conversation(0);
      call.cancel();
      expect((await call.answered).status).toBe(487);
      await conversation.until(each => each.closed);
      expect(bridge.world.agent.open).toBe(0);
      expect(await bridge.ended()).toMatchObject({
        reason: 'caller-cancelled',
        result: 'caller',
        answered: false,
      });
    }));

  it('is told 487 even while the call is about to be answered', () =>
    withBridge({ yaml: 'agent:\n  settle_ms: 5000\n' }, async bridge => {
      const call = await bridge.call();
      await until(() => bridge.log('agent ready')[0], 'the agent');
      call.cancel();
      expect((await call.answered).status).toBe(487);
      expect(await bridge.ended()).toMatchObject({ reason: 'caller-cancelled' });
    }));

  it('by dropping the connection leaves no agent behind', () =>
    withBridge(
      {
        script: { mode: 'misbehave', how: { kind: 'slow', delayMs: forever } },
      },
      async bridge => {
        const caller = await bridge.caller();
        await caller.call({ codec: 'PCMU' });
        await bridge.world.agent.conversation(0);
        caller.close();
        await bridge.world.agent.waitFor(({ open }) => open === 0);
        expect(await bridge.ended()).toMatchObject({ answered: false });
      },
    ));
});

describe('a worker that dies', () => {
  it('takes its own calls with it, which get BYE and worker-lost, and is replaced', async () => {
    const workers: Worker[] = [];
    const note = (worker: Worker) => void workers.push(worker);
    process.on('worker', note);
    try {
      await withBridge({ env: { MEDIA_WORKERS: '2' } }, async bridge => {
        const calls = [await bridge.answered(), await bridge.answered()];
        for (const call of calls) hum(call, 1000);
        await Promise.all(calls.map(call => toneHeard(call, 1000, 300)));
        expect(workers).toHaveLength(2);
        await workers[0]?.terminate();
        const gone = await Promise.race(calls.map(async (call, at) => ({ at, how: await call.ended })));
        expect(gone.how).toBe('bye');
        expect(await bridge.ended()).toMatchObject({ reason: 'worker-lost', result: 'us' });
        const other = calls[1 - gone.at] as SimCall;
        const so_far = other.media.heard.ms;
        await heardFor(other, so_far + 500);
        expect(other.media.heard.level(1000, so_far, so_far + 500)).toBeGreaterThan(-23);
        await until(() => bridge.app.load().workers === 2, 'a new worker');
        const after = await bridge.answered();
        hum(after, 1000);
        await toneHeard(after, 1000, 300);
        await Promise.all([after.hangup(), other.hangup()]);
        const metrics = await bridge.metrics();
        expect(metrics.sum('trunkbridge_workers_lost_total')).toBe(1);
        expect(metrics.sum('trunkbridge_calls_total', { reason: 'worker-lost' })).toBe(1);
      });
    } finally {
      process.off('worker', note);
    }
  });
});
