import { describe, expect, it } from 'vitest';
import { sine } from '../../codecs/tones.ts';
import type { SimConversation } from '../../src/sim/agent/conversation.ts';
import type { SimCall } from '../../src/sim/caller/call.ts';
import { header, methodOf } from '../../src/sim/caller/message.ts';
import { type Bridge, withBridge } from '../support/flow.ts';
import { hum, toneHeard } from '../support/sound.ts';
import { Telephone, type TelephoneOptions } from '../support/telephone.ts';
import { until } from '../support/until.ts';

const headers = [['X-CALLER-ID', '+14155550123']] as const;

const yaml = (port: number, callsPerDay = 1_000) => `
trunks:
  - name: carrier
    inbound_trunk_config: { allowed_addresses: [127.0.0.0/8] }
    outbound_trunk_config:
      address: 127.0.0.1:${port}
      transport: tcp
      from: "+14155550199"
      ring_seconds: 5
      limits: { calls_per_day: ${callsPerDay} }
transfers:
  - name: Sales
    phone_number: "+14155550150"
    transfer_type: sip_refer
    custom_sip_headers: [{ type: dynamic, key: X-Caller, value: caller_id }]
    uui: { data: abc, protocol_discriminator: "04" }
  - name: Support
    phone_number: "+14155550151"
`;

interface Stage {
  readonly bridge: Bridge;
  readonly call: SimCall;
  readonly conversation: SimConversation;
  readonly telephone: Telephone;
  /** Has the agent run a tool; gives its answer. */
  readonly tool: (name: string, parameters: Record<string, unknown>) => Promise<Record<string, unknown>>;
  readonly transfer: (destination: string) => Promise<Record<string, unknown>>;
}

/** A call whose agent does as the test says, and a telephone that the trunk reaches. */
async function onStage(
  options: TelephoneOptions & { readonly callsPerDay?: number },
  body: (stage: Stage) => Promise<void>,
): Promise<void> {
  const telephone = await Telephone.open(options);
  try {
    await withBridge(
      { script: { mode: 'quiet' }, yaml: yaml(telephone.port, options.callsPerDay) },
      async bridge => {
        const call = await bridge.answered({ headers });
        await until(() => bridge.log('call answered')[0], 'the ACK to be taken');
        const conversation = await bridge.world.agent.conversation(0);
        const tool = async (name: string, parameters: Record<string, unknown>) =>
          JSON.parse((await conversation.callTool(name, parameters)).result) as Record<string, unknown>;
        const transfer = (destination: string) => tool('transfer_to_number', { destination });
        await body({ bridge, call, conversation, telephone, tool, transfer });
        await bridge.idle();
        telephone.disconnect();
      },
    );
  } finally {
    await telephone.close();
  }
}

const asked = (call: SimCall, method: string) =>
  until(() => call.requests.find(each => methodOf(each) === method), `a ${method} to the caller`);

function notify(call: SimCall, status: number, state = 'active;expires=60') {
  return call.request(
    'NOTIFY',
    [
      ['Event', 'refer'],
      ['Subscription-State', state],
      ['Content-Type', 'message/sipfrag;version=2.0'],
    ],
    `SIP/2.0 ${status} Whatever\r\n`,
  );
}

describe('a transfer by REFER', () => {
  it('hands the caller over to its own PBX and leaves the call', () =>
    onStage({}, async ({ bridge, call, conversation, telephone, transfer }) => {
      conversation.sayText('ignored');
      const transferring = transfer('Sales').catch((error: unknown) => error);
      const refer = await asked(call, 'REFER');
      expect(header(refer, 'Refer-To')).toMatch(
        /^<sip:\+14155550150@127\.0\.0\.1;user=phone\?User-to-User=04616263%3Bencoding%3Dhex>$/,
      );
      expect(header(refer, 'X-Caller')).toBe('+14155550123');
      await notify(call, 100);
      await notify(call, 200, 'terminated;reason=noresource');
      expect(await call.ended).toBe('bye');
      expect(await bridge.ended()).toMatchObject({ reason: 'transferred', result: 'success' });
      expect(bridge.log('transfer')).toMatchObject([{ way: 'refer', reason: 'transferred' }]);
      expect(telephone.requests).toEqual([]);
      await transferring;
    }));

  it('that fails gives the caller back to the agent with the reason', () =>
    onStage({}, async ({ call, transfer }) => {
      const transferring = transfer('Sales');
      await asked(call, 'REFER');
      await notify(call, 486, 'terminated');
      expect(await transferring).toMatchObject({ status: 'callee_busy' });
      expect(await call.hangup()).toBe(200);
    }));

  it('that the PBX does not take becomes a second leg', () =>
    onStage({}, async ({ call, telephone, transfer }) => {
      call.statuses.set('REFER', 405);
      const transferring = transfer('Sales').catch((error: unknown) => error);
      const invite = await telephone.request('INVITE');
      expect(invite.start).toContain('sip:+14155550150@127.0.0.1');
      expect(header(invite, 'User-to-User')).toBe('04616263;encoding=hex');
      telephone.answer();
      await telephone.request('ACK');
      await call.hangup();
      await telephone.request('BYE');
      await transferring;
    }));
});

describe('a transfer over a second leg', () => {
  it.each([
    ['PCMU', true],
    ['PCMA', false],
    ['G722', true],
  ] as const)('lets both hear each other, in %s at the second one, and passes keys on', (codec, events) =>
    onStage({ codec, events }, async ({ bridge, call, telephone, transfer }) => {
      const transferring = transfer('Support').catch((error: unknown) => error);
      await telephone.request('INVITE');
      telephone.ring(false);
      await toneHeard(call, 440, 500);
      telephone.ring(true);
      telephone.media.voice = sine(telephone.media.codec.rate, 1100, -15);
      await toneHeard(call, 1100, 500);
      hum(call, 700, -15);
      telephone.answer();
      await until(() => telephone.media.heard.stretch(700).ms >= 500, 'the caller at the telephone');
      await toneHeard(call, 1100, 1500);
      expect(bridge.world.agent.open).toBe(0);
      await transferring;
      call.media.key('5');
      if (!events) {
        const { heard } = telephone.media;
        const loud = (hz: number) => heard.level(hz, Math.max(0, heard.ms - 60), heard.ms) > -20;
        await until(() => loud(770) && loud(1336), 'the tone of 5 at the telephone');
      }
      telephone.hangUp();
      expect(await call.ended).toBe('bye');
      expect(await bridge.ended()).toMatchObject({ reason: 'transfer-party-hung-up', result: 'success' });
    }),
  );

  it('takes back a caller whom the agent kept on hold', () =>
    onStage({}, async ({ call, telephone, tool, transfer }) => {
      hum(call, 700, -15);
      expect(await tool('hold', { on: true })).toMatchObject({ status: 'held' });
      const transferring = transfer('Support').catch((error: unknown) => error);
      await telephone.request('INVITE');
      telephone.ring(false);
      telephone.answer();
      await until(() => telephone.media.heard.stretch(700).ms >= 500, 'the caller at the telephone');
      expect(call.requests.at(-1)?.body).toContain('a=sendrecv');
      await transferring;
      await call.hangup();
    }));

  it.each([
    [486, 'callee_busy'],
    [603, 'callee_declined'],
  ])('that is refused with %i gives the caller back', (refuse, status) =>
    onStage({ refuse }, async ({ call, conversation, transfer }) => {
      expect(await transfer('Support')).toMatchObject({ status });
      // The agent hears the caller as before.
      hum(call, 700, -15);
      const before = conversation.audio().length;
      await until(() => conversation.audio().length > before + 16_000, 'the caller at the agent');
      await call.hangup();
    }),
  );

  it('is not dialled once the trunk has had its calls of the day', () =>
    onStage({ refuse: 486, callsPerDay: 1 }, async ({ bridge, call, telephone, transfer }) => {
      expect(await transfer('Support')).toMatchObject({ status: 'callee_busy' });
      expect(await transfer('Support')).toMatchObject({ status: 'outbound_limit' });
      expect(telephone.requests.filter(each => methodOf(each) === 'INVITE')).toHaveLength(1);
      const [refused] = bridge.log('call not placed');
      expect(refused?.['why']).toContain('limits.calls_per_day of trunk carrier is 1');
      const labels = { trunk: 'carrier', reason: 'outbound-limit' };
      expect((await bridge.metrics()).sum('trunkbridge_calls_not_placed_total', labels)).toBe(1);
      await call.hangup();
    }));

  it('that nobody answers is cancelled and given back', () =>
    onStage({}, async ({ call, telephone, transfer }) => {
      const transferring = transfer('Support');
      await telephone.request('INVITE');
      telephone.ring(false);
      expect(await transferring).toMatchObject({ status: 'callee_no_answer' });
      await telephone.request('CANCEL');
      await call.hangup();
    }));

  it('is given up when the caller hangs up while it rings', () =>
    onStage({}, async ({ bridge, call, telephone, transfer }) => {
      const transferring = transfer('Support').catch((error: unknown) => error);
      await telephone.request('INVITE');
      telephone.ring(false);
      await call.hangup();
      await telephone.request('CANCEL');
      expect(await bridge.ended()).toMatchObject({ reason: 'caller-hung-up' });
      await transferring;
    }));
});

describe('keys and hold', () => {
  it('reach the caller’s side', () =>
    onStage({}, async ({ call, conversation, tool }) => {
      expect(
        await tool('play_keypad_touch_tone', { dtmf_tones: '19', use_out_of_band_dtmf: false }),
      ).toMatchObject({
        status: 'played',
      });
      const { heard } = call.media;
      expect(heard.stretch(697).ms).toBeGreaterThan(60);
      expect(heard.stretch(852).ms).toBeGreaterThan(60);
      expect(await tool('hold', { on: true })).toMatchObject({ status: 'held' });
      const [invite] = call.requests;
      expect(invite?.body).toContain('a=sendonly');
      // The agent goes on getting sound, which is silence.
      const before = conversation.audio().length;
      await until(() => conversation.audio().length > before + 16_000, 'silence at the agent');
      expect(await tool('hold', { on: false })).toMatchObject({ status: 'resumed' });
      expect(call.requests.at(-1)?.body).toContain('a=sendrecv');
      await call.hangup();
    }));
});
