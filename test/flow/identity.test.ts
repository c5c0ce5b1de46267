import { describe, expect, it } from 'vitest';
import type { CallOptions } from '../../src/sim/caller/call.ts';
import { type Bridge, withBridge } from '../support/flow.ts';

type Headers = readonly (readonly [string, string])[];
const twilioSid = `CA${'0123456789abcdef'.repeat(2)}`;

/** What the agent was told at the start of a call. */
async function told(bridge: Bridge, headers: Headers, more: Partial<CallOptions> = {}) {
  const at = bridge.world.agent.conversations.length;
  const call = await bridge.answered({ headers, ...more });
  const { initiation, violations } = await bridge.world.agent.conversation(at);
  await call.hangup();
  expect(violations).toEqual([]);
  return { variables: initiation?.dynamic_variables ?? {}, initiation, sipCallId: call.callId };
}

describe('the id of a call', () => {
  const sources: readonly (readonly [string, string, string])[] = [
    ['X-CALL-ID', 'pbx-17', 'pbx-17'],
    ['sip.twilio.callSid', twilioSid, twilioSid],
    ['X-Twilio-CallSid', twilioSid.replace('CA0', 'CAf'), twilioSid.replace('CA0', 'CAf')],
  ];

  it('is the first of X-CALL-ID, sip.twilio.callSid, X-Twilio-CallSid and the Call-ID of SIP that is there', () =>
    withBridge({}, async bridge => {
      for (let first = 0; first < sources.length; first += 1) {
        // Later ones first on the wire: the order of precedence counts, not that of the headers.
        const headers = sources.slice(first).map(([name, value]) => [name, value] as const);
        const { variables } = await told(bridge, headers.reverse());
        expect(variables['call_id']).toBe(sources[first]?.[2]);
      }
      const { variables, sipCallId } = await told(bridge, []);
      expect(variables['call_id']).toBe(sipCallId);
      expect(variables).not.toHaveProperty('call_sid');
    }));

  it('comes with call_sid when Twilio gave one', () =>
    withBridge({}, async bridge => {
      const { variables } = await told(bridge, [
        ['X-CALL-ID', 'pbx-18'],
        ['X-Twilio-CallSid', twilioSid],
      ]);
      expect(variables).toMatchObject({ call_id: 'pbx-18', call_sid: twilioSid });
    }));
});

describe('the number of a caller', () => {
  it('is the first of X-CALLER-ID, P-Asserted-Identity and From that names one', () =>
    withBridge({}, async bridge => {
      const from = '+14155550123';
      const asserted = ['P-Asserted-Identity', '"A" <sip:+14155550124@pbx.example>'] as const;
      const stated = ['X-CALLER-ID', '+14155550125'] as const;
      expect((await told(bridge, [], { from })).variables['caller_id']).toBe(from);
      expect((await told(bridge, [asserted], { from })).variables['caller_id']).toBe('+14155550124');
      const both = await told(bridge, [asserted, stated], { from, to: '+14155550198' });
      expect(both.variables).toMatchObject({ caller_id: '+14155550125', called_number: '+14155550198' });
      expect(both.initiation?.user_id).toBe('+14155550125');
    }));

  it('is not told when the caller withheld it', () =>
    withBridge({}, async bridge => {
      const { variables, initiation } = await told(bridge, [
        ['Privacy', 'id'],
        ['P-Asserted-Identity', '<sip:+14155550124@pbx.example>'],
      ]);
      expect(variables['caller_id']).toBe('');
      expect(JSON.stringify(initiation)).not.toContain('4155550124');
    }));
});

describe('other headers', () => {
  it('become variables that are named after them, User-to-User included', () =>
    withBridge({}, async bridge => {
      const { variables } = await told(bridge, [
        ['X-Customer-Tier', 'gold; since=2019'],
        ['x-queue_name', 'Verkauf für Österreich'],
        ['User-to-User', '48616c6c6f;encoding=hex'],
        ['Subject', 'not an X- header'],
      ]);
      expect(variables).toMatchObject({
        sip_customer_tier: 'gold; since=2019',
        sip_queue_name: 'Verkauf für Österreich',
        sip_uui_raw: '48616c6c6f;encoding=hex',
        sip_uui_data: 'Hallo',
      });
      expect(JSON.stringify(variables)).not.toContain('not an X- header');
    }));

  it('stay here when their name is that of a credential, when they are too long and when they are too many', () =>
    withBridge({}, async bridge => {
      const denied: Headers = [
        ['X-Api-Token', 'denied-1'],
        ['X-AUTHORIZATION', 'denied-2'],
        ['X-Client-Secret', 'denied-3'],
        ['X-Twilio-Signature', 'denied-4'],
        ['X-Long', 'denied-5'.padEnd(1025, 'x')],
      ];
      const many = Array.from({ length: 33 }, (_, i) => [`X-Number-${i}`, `v${i}`] as const);
      const { variables } = await told(bridge, [...denied, ...many]);
      expect(JSON.stringify(variables)).not.toContain('denied');
      expect(Object.keys(variables).filter(name => name.startsWith('sip_number_'))).toHaveLength(32);
      expect((await bridge.metrics()).sum('trunkbridge_headers_dropped_total')).toBe(denied.length + 1);
    }));

  it('cannot bring a line break, a control character or a line separator to the agent', () =>
    withBridge({}, async bridge => {
      const { variables } = await told(bridge, [
        ['X-Folded', 'one\r\n two'],
        ['X-Tab', 'one\ttwo'],
        ['X-Escaped', 'a%0d%0aX-Admin: yes'],
        ['X-Next-Line', 'a\u0085b'],
        ['X-Separator', 'a\u2028b'],
      ]);
      const text = Object.entries(variables).flat().map(String);
      expect(text.filter(each => /[\p{Cc}\u2028\u2029]/u.test(each))).toEqual([]);
      expect(variables).toMatchObject({ sip_folded: 'one two', sip_tab: 'one two' });
      expect(variables).not.toHaveProperty('sip_admin');
    }));

  it.each([
    ['a carriage return alone', 'X-Note', 'a\rX-Admin: yes'],
    ['a line feed alone', 'X-Note', 'a\nX-Admin: yes'],
    ['a null', 'X-Note', 'a\u0000b'],
    ['an escape', 'X-Note', 'a\u001b[31mb'],
    ['a backslash in its name', 'X-No\\te', 'a'],
    ['a letter beyond ASCII in its name', 'X-Nöte', 'a'],
  ])('with %s make the INVITE a bad one, which reaches no agent', (_, name, value) =>
    withBridge({}, async bridge => {
      const call = await bridge.call({ headers: [[name, value]] });
      expect((await call.answered).status).toBe(400);
      expect(bridge.world.agent.ticketRequests).toBe(0);
      expect(bridge.log('invite refused')).toMatchObject([{ reason: 'bad-request', status: 400 }]);
    }),
  );
});
