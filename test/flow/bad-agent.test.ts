import { describe, expect, it } from 'vitest';
import type { SimConversation } from '../../src/sim/agent/conversation.ts';
import type { SimCall } from '../../src/sim/caller/call.ts';
import { type Bridge, withBridge } from '../support/flow.ts';
import { heardFor, hum, toneHeard } from '../support/sound.ts';
import { until } from '../support/until.ts';
import { witness } from '../support/witness.ts';

/** Messages that are not the protocol that one conversation may hold: src/agent/elevenlabs/limits.ts. */
const borne = 20;

const rubbish: Readonly<Record<string, string | Buffer>> = {
  'JSON that is cut off': '{"type":"audio","audio_ev',
  'a message of the wrong shape': '{"type":"ping","ping_event":{"event_id":"seven"}}',
  'a number': '42',
  'a binary frame': Buffer.from([0, 1, 2, 3]),
};

/** Its caller is not connected with another: here it counts how the agent is left. */
const hangup = 'survival:\n  policy: hangup\n';

/** A call whose agent misbehaves beside one whose agent does not; both echo. */
async function beside(bridge: Bridge, act: (agent: SimConversation, call: SimCall) => Promise<void>) {
  const other = await witness(bridge);
  const call = await bridge.answered();
  const conversation = await bridge.world.agent.conversation(1);
  await heardFor(call, 1500);
  await act(conversation, call);
  await other.unharmed();
}

describe('an agent that sends what is not the protocol', () => {
  it.each(Object.keys(rubbish))('is borne with for a while when that is %s', what =>
    withBridge({}, bridge =>
      beside(bridge, async (agent, call) => {
        for (let i = 0; i < borne; i += 1) agent.sendRaw(rubbish[what] ?? '');
        hum(call, 700);
        await toneHeard(call, 700, 400);
        await call.hangup();
        expect(await bridge.ended()).toMatchObject({ reason: 'caller-hung-up' });
      }),
    ),
  );

  it.each(Object.keys(rubbish))('is left with agent-garbage when there is no end of %s', what =>
    withBridge({ yaml: hangup }, bridge =>
      beside(bridge, async (agent, call) => {
        for (let i = 0; i <= borne; i += 1) agent.sendRaw(rubbish[what] ?? '');
        expect(await call.ended).toBe('bye');
        expect(await bridge.ended()).toMatchObject({ reason: 'agent-garbage', result: 'agent' });
        await agent.until(each => each.closed);
      }),
    ),
  );

  it('is left with agent-message-too-large when one message has 20 MB', () =>
    withBridge({ yaml: hangup }, bridge =>
      beside(bridge, async (agent, call) => {
        agent.sendRaw(
          Buffer.from(`{"type":"audio","audio_event":{"audio_base_64":"${'A'.repeat(20_000_000)}`).toString(),
        );
        await until(
          () => call.bye,
          () => `a BYE; the agent saw ${JSON.stringify(agent.closed)}`,
          15_000,
        );
        expect(await bridge.ended()).toMatchObject({ reason: 'agent-message-too-large' });
      }),
    ));
});

describe('an agent that sends a lot at once', () => {
  it('is played to the end when it speaks far ahead in messages of more than a megabyte', () =>
    withBridge({ script: { mode: 'misbehave', how: { kind: 'flood', seconds: 60 } } }, async bridge => {
      const call = await bridge.answered();
      await toneHeard(call, 440, 2000);
      expect(call.media.reception.lost).toBe(0);
      await call.hangup();
      const ended = await bridge.ended();
      expect(ended).toMatchObject({ reason: 'caller-hung-up' });
      expect(ended['unheardMs']).toBeGreaterThan(40_000);
    }));
});
