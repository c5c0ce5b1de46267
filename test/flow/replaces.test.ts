import { describe, expect, it } from 'vitest';
import type { CallOptions, SimCall } from '../../src/sim/caller/call.ts';
import { SimCaller } from '../../src/sim/caller/caller.ts';
import { header } from '../../src/sim/caller/message.ts';
import { type Bridge, withBridge } from '../support/flow.ts';
import { hum, levelAtAgent, toneHeard } from '../support/sound.ts';
import { until } from '../support/until.ts';

const yaml = `
trunks:
  - name: pbx
    inbound_trunk_config: { allowed_addresses: [127.0.0.1/32, 127.0.0.4/32] }
  - name: stranger
    inbound_trunk_config: { allowed_addresses: [127.0.0.2/32] }
  - name: doubtful
    trust_identity: false
    inbound_trunk_config: { allowed_addresses: [127.0.0.3/32] }
`;

const tone = { mode: 'tone', hz: 440, seconds: 60 } as const;

async function callerAt(bridge: Bridge, localAddress: string): Promise<SimCaller> {
  return SimCaller.connect({ transport: 'tcp', host: '127.0.0.1', port: bridge.sipPort, localAddress });
}

const tagOf = (value: string) => /;tag=([^;\s]+)/.exec(value)?.[1] ?? '';

/** Replaces as an attended transfer writes it: the tags as the bridge sees them. */
async function replaces(call: SimCall): Promise<[string, string]> {
  const { response } = await call.answered;
  const tags = `to-tag=${tagOf(header(response, 'To'))};from-tag=${tagOf(header(response, 'From'))}`;
  return ['Replaces', `${call.callId};${tags}`];
}

async function taking(
  caller: SimCaller,
  call: SimCall,
  more: Partial<CallOptions> = {},
  flag = '',
): Promise<SimCall> {
  const [name, value] = await replaces(call);
  const headers = [['Require', 'replaces'] as const, [name, `${value}${flag}`] as const];
  return caller.call({ codec: 'PCMA', from: '+14155550177', headers, ...more });
}

describe('an attended transfer of the caller’s PBX', () => {
  it('moves the sound to the other telephone, and the conversation goes on in its socket', () =>
    withBridge({ script: tone, yaml }, async bridge => {
      const first = await bridge.answered();
      hum(first, 700);
      await toneHeard(first, 440, 500);
      const conversation = await bridge.world.agent.conversation(0);
      const pbx = await callerAt(bridge, '127.0.0.4');
      const second = await taking(pbx, first);
      expect((await second.answered).status).toBe(200);
      expect(await first.ended).toBe('bye');
      hum(second, 1100);
      await toneHeard(second, 440, 1000);
      await until(() => levelAtAgent(conversation, 1100, 500) > -30, 'the second telephone at the agent');
      expect(levelAtAgent(conversation, 700, 300)).toBeLessThan(-45);
      expect(bridge.world.agent.conversations).toHaveLength(1);
      expect(bridge.log('call arrived')).toHaveLength(1);
      expect(bridge.log('another telephone took over the call')).toHaveLength(1);
      expect((await bridge.metrics()).sum('trunkbridge_calls_replaced_total')).toBe(1);
      expect(bridge.log('call ended')).toEqual([]);
      expect(await second.hangup()).toBe(200);
      expect(await bridge.ended()).toMatchObject({ reason: 'caller-hung-up', result: 'success' });
      pbx.close();
    }));

  it('tells the agent that somebody else may speak, and shows both dialogues in one picture', () =>
    withBridge({ script: { mode: 'quiet' }, yaml }, async bridge => {
      const first = await bridge.answered();
      const conversation = await bridge.world.agent.conversation(0);
      const second = await taking(await bridge.caller(), first);
      expect((await second.answered).status).toBe(200);
      await first.ended;
      await until(
        () => conversation.contextualUpdates.some(each => each.includes('transferred to another telephone')),
        'the agent to be told',
      );
      await second.hangup();
      await bridge.ended();
      const shown = await bridge.http(`/v1/convai/conversations/${conversation.conversationId}/sip-messages`);
      const text = await shown.text();
      expect(text).toContain(first.callId);
      expect(text).toContain(second.callId);
    }));

  it.each([
    ['another trunk', '127.0.0.2', 481],
    ['an early call alone', '127.0.0.1', 486],
  ])('is refused for %s, and the call goes on', (why, address, status) =>
    withBridge({ script: tone, yaml }, async bridge => {
      const first = await bridge.answered();
      const pbx = await callerAt(bridge, address);
      const second = await taking(pbx, first, {}, why === 'another trunk' ? '' : ';early-only');
      expect((await second.answered).status).toBe(status);
      const before = first.media.heard.ms;
      await until(() => first.media.heard.ms > before + 400, 'sound after the refusal');
      expect(await first.hangup()).toBe(200);
      pbx.close();
    }),
  );

  it('is refused on a trunk whose word counts for nothing', () =>
    withBridge({ script: tone, yaml }, async bridge => {
      const pbx = await callerAt(bridge, '127.0.0.3');
      const first = await pbx.call({ codec: 'PCMU' });
      expect((await first.answered).status).toBe(200);
      const second = await taking(pbx, first);
      const { status, response } = await second.answered;
      expect(status).toBe(403);
      expect(header(response, 'Warning')).toContain('trust_identity');
      expect(await first.hangup()).toBe(200);
      pbx.close();
    }));

  it('that offers nothing usable is 488, and the call goes on', () =>
    withBridge({ script: tone, yaml }, async bridge => {
      const first = await bridge.answered();
      const sdp = first
        .sdp()
        .replace(/RTP\/AVP.*/, 'RTP/AVP 18')
        .replace(/a=rtpmap.*\r\n/g, '');
      const second = await taking(await bridge.caller(), first, { sdp });
      expect((await second.answered).status).toBe(488);
      const before = first.media.heard.ms;
      await until(() => first.media.heard.ms > before + 400, 'sound after the refusal');
      expect(await first.hangup()).toBe(200);
    }));

  it('comes too late once the call is over', () =>
    withBridge({ script: tone, yaml }, async bridge => {
      const first = await bridge.answered();
      await first.hangup();
      await bridge.ended();
      const second = await taking(await bridge.caller(), first);
      expect((await second.answered).status).toBe(603);
    }));
});
