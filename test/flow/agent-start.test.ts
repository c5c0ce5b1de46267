import { describe, expect, it } from 'vitest';
import type { Misbehaviour, SimScript } from '../../src/sim/agent/options.ts';
import { header } from '../../src/sim/caller/message.ts';
import { withBridge } from '../support/flow.ts';
import { chordHeard, hum, toneHeard } from '../support/sound.ts';

const patience = 'agent:\n  start_timeout_ms: 700\n  settle_ms: 300\n';

/** An agent whose next conversation does what was said last. */
function changing(how: Misbehaviour): { readonly script: SimScript; how: Misbehaviour } {
  const agent = {
    how,
    script: {
      mode: 'misbehave',
      get how() {
        return agent.how;
      },
    } as const,
  };
  return agent;
}

const echoing: Misbehaviour = { kind: 'slow', delayMs: 0 };

interface FailedStart {
  readonly title: string;
  readonly how: Misbehaviour;
  readonly reason: string;
  /** Whether the same call may well succeed a little later. */
  readonly passing: boolean;
  readonly conversations: number;
}

const failures: readonly FailedStart[] = [
  {
    title: 'refuses the upgrade',
    how: { kind: 'refuse', status: 500 },
    reason: 'agent-unreachable',
    passing: true,
    conversations: 0,
  },
  {
    title: 'never says that it is ready',
    how: { kind: 'silent' },
    reason: 'agent-start-timeout',
    passing: true,
    conversations: 2,
  },
  {
    title: 'closes with 1008 before it is ready',
    how: { kind: 'close', code: 1008, when: 'before-metadata' },
    reason: 'agent-contract-violation',
    passing: false,
    conversations: 2,
  },
  {
    title: 'closes with 1008 just after it was ready',
    how: { kind: 'close', code: 1008, when: { afterMetadataMs: 50 } },
    reason: 'agent-contract-violation',
    passing: false,
    conversations: 2,
  },
  {
    title: 'says good-bye with 1000 just after it was ready',
    how: { kind: 'close', code: 1000, when: { afterMetadataMs: 50 } },
    reason: 'agent-start-failed',
    passing: false,
    conversations: 2,
  },
  {
    title: 'drops the line just after it was ready',
    how: { kind: 'drop', afterMetadataMs: 50 },
    reason: 'agent-lost',
    passing: false,
    conversations: 2,
  },
  {
    title: 'speaks a format that nobody knows',
    how: { kind: 'format', name: 'opus_48000' },
    reason: 'agent-format-unsupported',
    passing: false,
    conversations: 2,
  },
];

describe('a call whose agent cannot be started is refused with 503 after one retry, so that the PBX can go elsewhere', () => {
  it.each(failures)('when the agent $title', ({ how, reason, passing, conversations }) =>
    withBridge({ script: { mode: 'misbehave', how }, yaml: patience }, async bridge => {
      const call = await bridge.call();
      const { status, response } = await call.answered;
      expect(status).toBe(503);
      expect(call.provisional).toContain(180);
      expect(header(response, 'Warning')).toMatch(/^399 \S+ ".+\."$/);
      expect(header(response, 'Retry-After')).toEqual(passing ? expect.stringMatching(/^\d+/) : '');
      expect(await bridge.ended()).toMatchObject({ reason, answered: false, result: 'agent' });
      expect(bridge.world.agent.conversations).toHaveLength(conversations);
      expect(bridge.world.agent.ticketRequests).toBe(2);
      const metrics = await bridge.metrics();
      expect(metrics.sum('trunkbridge_calls_total', { reason, answered: 'false' })).toBe(1);
      expect(metrics.sum('trunkbridge_agent_retries_total')).toBe(1);
    }),
  );

  it('when ElevenLabs does not know the API key', () =>
    withBridge({ env: { ELEVENLABS_API_KEY: 'not-the-key' } }, async bridge => {
      const call = await bridge.call();
      expect((await call.answered).status).toBe(503);
      expect(await bridge.ended()).toMatchObject({ reason: 'agent-unauthorized' });
      expect(JSON.stringify(bridge.lines)).not.toContain('not-the-key');
    }));

  it('when the agent does not exist', () =>
    withBridge({ env: { ELEVENLABS_AGENT_ID: 'agent_unknown' } }, async bridge => {
      const call = await bridge.call();
      expect((await call.answered).status).toBe(503);
      expect(await bridge.ended()).toMatchObject({ reason: 'agent-not-found' });
    }));
});

describe('an agent that fails once', () => {
  it('before the answer is started again without the caller noticing', () => {
    const agent = changing({ kind: 'close', code: 1011, when: { afterMetadataMs: 100 } });
    return withBridge({ script: agent.script }, async bridge => {
      const call = await bridge.call();
      await bridge.world.agent.conversation(0);
      agent.how = echoing;
      expect((await call.answered).status).toBe(200);
      hum(call, 1000);
      await toneHeard(call, 1000, 400);
      await call.hangup();
      expect(bridge.world.agent.conversations).toHaveLength(2);
      expect(await bridge.ended()).toMatchObject({ reason: 'caller-hung-up' });
    });
  });

  it('within a second of the answer is started again while the caller hears ringing', () => {
    const agent = changing(echoing);
    return withBridge({ script: agent.script }, async bridge => {
      const call = await bridge.answered();
      agent.how = { kind: 'slow', delayMs: 1500 };
      (await bridge.world.agent.conversation(0)).close(1008);
      await chordHeard(call, [440, 480]);
      const rungAt = call.media.heard.ms;
      hum(call, 1000);
      await toneHeard(call, 1000, 400);
      const { heard } = call.media;
      expect(heard.stretch(1000).from).toBeGreaterThanOrEqual(rungAt);
      expect(heard.level(480, heard.ms - 200, heard.ms)).toBeLessThan(-50);
      await call.hangup();
      expect(bridge.world.agent.conversations).toHaveLength(2);
    });
  });
});

describe('an agent that fails a second time after the answer', () => {
  it('ends the call with BYE and agent-start-failed', () => {
    const agent = changing(echoing);
    return withBridge({ script: agent.script }, async bridge => {
      const call = await bridge.answered();
      agent.how = { kind: 'close', code: 1008, when: 'before-metadata' };
      (await bridge.world.agent.conversation(0)).close(1008);
      expect(await call.ended).toBe('bye');
      expect(await bridge.ended()).toMatchObject({ reason: 'agent-start-failed', answered: true });
      expect(bridge.world.agent.conversations).toHaveLength(2);
    });
  });
});
