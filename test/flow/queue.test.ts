import { describe, expect, it } from 'vitest';
import type { Misbehaviour, SimScript } from '../../src/sim/agent/options.ts';
import { withBridge } from '../support/flow.ts';
import { hum, toneHeard } from '../support/sound.ts';

type Queue = Extract<Misbehaviour, { kind: 'queue' }>;

const forever = 600_000;
const queued = (queue: Omit<Queue, 'kind'>): SimScript => ({
  mode: 'misbehave',
  how: { kind: 'queue', ...queue },
});
const policy = (name: string, waitSeconds = 60) =>
  `agent:\n  queue_policy: ${name}\n  queue_wait_seconds: ${waitSeconds}\n`;

describe('a caller whom the agent puts in its queue', () => {
  for (const metadata of ['first', 'admission'] as const) {
    it(`hears busy at once when nothing else is configured, with metadata at ${metadata}`, () =>
      withBridge({ script: queued({ metadata, waitMs: forever, outcome: 'admitted' }) }, async bridge => {
        const call = await bridge.call();
        expect((await call.answered).status).toBe(486);
        expect(await bridge.ended()).toMatchObject({ reason: 'agent-busy', answered: false });
        expect(bridge.world.agent.conversations).toHaveLength(1);
      }));

    it(`hears ringing until it is let in under the policy ring, with metadata at ${metadata}`, () =>
      withBridge(
        { script: queued({ metadata, waitMs: 900, outcome: 'admitted' }), yaml: policy('ring') },
        async bridge => {
          const call = await bridge.call();
          const { status, ms } = await call.answered;
          expect(status).toBe(200);
          expect(ms).toBeGreaterThanOrEqual(900);
          hum(call, 1000);
          await toneHeard(call, 1000, 400);
          await call.hangup();
          expect(bridge.world.agent.conversations).toHaveLength(1);
        },
      ));
  }

  it('is refused with 480 when the queue gives up under the policy ring', () =>
    withBridge(
      {
        script: queued({ metadata: 'admission', waitMs: 300, outcome: 'timed_out' }),
        yaml: policy('ring'),
      },
      async bridge => {
        const call = await bridge.call();
        expect((await call.answered).status).toBe(480);
        expect(await bridge.ended()).toMatchObject({ reason: 'agent-queue-timeout' });
      },
    ));

  it('is refused with 480 when it has waited for agent.queue_wait_seconds', () =>
    withBridge(
      {
        script: queued({ metadata: 'admission', waitMs: forever, outcome: 'admitted' }),
        yaml: policy('ring', 1),
      },
      async bridge => {
        const call = await bridge.call();
        const { status, ms } = await call.answered;
        expect(status).toBe(480);
        expect(ms).toBeGreaterThanOrEqual(1000);
        expect(await bridge.ended()).toMatchObject({ reason: 'agent-queue-timeout' });
      },
    ));

  for (const metadata of ['first', 'admission'] as const) {
    it(`is answered while it still waits under the policy answer, with metadata at ${metadata}`, () =>
      withBridge(
        { script: queued({ metadata, waitMs: forever, outcome: 'admitted' }), yaml: policy('answer', 2) },
        async bridge => {
          const call = await bridge.answered();
          expect(await call.ended).toBe('bye');
          expect(await bridge.ended()).toMatchObject({ reason: 'agent-queue-timeout', answered: true });
        },
      ));
  }

  it('talks to the agent once it is let in under the policy answer', () =>
    withBridge(
      {
        script: queued({ metadata: 'admission', waitMs: 1500, outcome: 'admitted' }),
        yaml: policy('answer'),
      },
      async bridge => {
        const call = await bridge.answered();
        hum(call, 1000);
        await toneHeard(call, 1000, 400);
        await call.hangup();
        expect(await bridge.ended()).toMatchObject({ reason: 'caller-hung-up' });
      },
    ));
});
