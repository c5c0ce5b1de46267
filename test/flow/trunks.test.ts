import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { SimScript } from '../../src/sim/agent/options.ts';
import { SimCaller } from '../../src/sim/caller/caller.ts';
import { header } from '../../src/sim/caller/message.ts';
import { type Bridge, withBridge } from '../support/flow.ts';
import { until } from '../support/until.ts';

const account = `AC${'0123456789abcdef'.repeat(2)}`;
const yaml = `
trunks:
  - name: pbx
    limits: { calls: 2 }
    inbound_trunk_config:
      allowed_addresses: [127.0.0.1]
      headers_to_attributes: { X-SBC-Call: call_id, X-Customer: customer }
      attributes_to_headers: { customer: X-Ticket, conversation_id: X-Conversation, end_reason: X-End }
  - name: picky
    inbound_trunk_config:
      allowed_addresses: [127.0.0.2]
      allowed_numbers: ["+4930*"]
  - name: twilio
    account_sid: ${account}
    inbound_trunk_config: { allowed_addresses: [127.0.0.3] }
  - name: fast
    limits: { invites_per_second: 1 }
    inbound_trunk_config: { allowed_addresses: [127.0.0.4] }
numbers:
  - { range: +4930901800-+4930901899, agent_id: agent_under_test }
  - { prefix: +1415, agent_id: agent_under_test, trunk: fast }
`;
const env = { ELEVENLABS_AGENT_ID: '' };
const to = '+4930901820';

const withTrunks = (body: (bridge: Bridge) => Promise<void>, script: SimScript = { mode: 'echo' }) =>
  withBridge({ yaml, env, script }, body);

/** A peer at another address of this machine. */
async function at<T>(
  bridge: Bridge,
  localAddress: string,
  body: (caller: SimCaller) => Promise<T>,
): Promise<T> {
  const caller = await SimCaller.connect({
    transport: 'tcp',
    host: '127.0.0.1',
    port: bridge.sipPort,
    localAddress,
  });
  try {
    return await body(caller);
  } finally {
    caller.close();
  }
}

describe('trunks and numbers', () => {
  it('bring a call of an allowed address to the agent of its number, and have no other numbers', () =>
    withTrunks(async bridge => {
      const call = await bridge.answered({ to });
      expect(bridge.log('call arrived')[0]).toMatchObject({ trunk: 'pbx' });
      await call.hangup();
      for (const other of ['+4930901900', '+14155550123', 'sales']) {
        expect((await (await bridge.call({ to: other })).answered).status).toBe(404);
      }
      expect(bridge.log('invite refused').map(line => line['reason'])).toEqual(
        Array(3).fill('number-not-found'),
      );
    }));

  it('name the headers that say who calls, and those that our BYE takes along', () =>
    withTrunks(
      async bridge => {
        const headers = [
          ['X-SBC-Call', 'sbc-7'],
          ['X-Customer', '42'],
        ] as const;
        const call = await bridge.answered({ to, headers });
        const { initiation } = await bridge.world.agent.conversation(0);
        expect(initiation?.dynamic_variables).toMatchObject({ call_id: 'sbc-7', customer: '42' });
        expect(initiation?.dynamic_variables).not.toHaveProperty('sip_customer');
        expect(await call.ended).toBe('bye');
        const { bye } = call;
        const told = ['X-Ticket', 'X-Conversation', 'X-End'].map(name => bye && header(bye, name));
        expect(told).toEqual(['42', expect.stringMatching(/^conv_|\w{6,}/), 'agent-ended-call']);
      },
      { mode: 'tone', hz: 440, seconds: 2, endCall: true },
    ));

  it('carry so many calls at once, and the 503 of the next names the limit', () =>
    withTrunks(async bridge => {
      const calls = [await bridge.answered({ to }), await bridge.answered({ to })];
      const { status, response } = await (await bridge.call({ to })).answered;
      expect([status, header(response, 'Retry-After')]).toEqual([503, '5']);
      expect(header(response, 'Warning')).toContain('limits.calls of trunk pbx is 2');
      await calls[0]?.hangup();
      await until(() => bridge.app.load().calls === 1, 'the first call to go');
      const third = await bridge.answered({ to });
      await calls[1]?.hangup();
      await third.hangup();
    }));

  it('let only allowed numbers call', () =>
    withTrunks(bridge =>
      at(bridge, '127.0.0.2', async caller => {
        const allowed = await caller.call({ codec: 'PCMU', to, from: '+493012345' });
        expect((await allowed.answered).status).toBe(200);
        await allowed.hangup();
        const other = await caller.call({ codec: 'PCMU', to, from: '+14155550123' });
        expect((await other.answered).status).toBe(403);
        expect(bridge.log('invite refused')[0]).toMatchObject({ reason: 'caller-not-allowed' });
      }),
    ));

  it('take calls of Twilio only of their account', () =>
    withTrunks(bridge =>
      at(bridge, '127.0.0.3', async caller => {
        const from = async (sid: string) => {
          const call = await caller.call({ codec: 'PCMU', to, headers: [['X-Twilio-AccountSid', sid]] });
          const { status } = await call.answered;
          if (status === 200) await call.hangup();
          return status;
        };
        expect([await from(account), await from(account.replace('AC0', 'ACf'))]).toEqual([200, 403]);
      }),
    ));

  it('let through so many INVITEs a second, and answer the rest at once', () =>
    withTrunks(bridge =>
      at(bridge, '127.0.0.4', async caller => {
        const calls = await Promise.all(
          Array.from({ length: 12 }, () => caller.call({ codec: 'PCMU', to: '+14155550123' })),
        );
        const statuses = await Promise.all(calls.map(async call => (await call.answered).status));
        // One second may pass or two until all of them have come.
        const taken = statuses.filter(status => status === 200).length;
        expect([2, 3, 4]).toContain(taken);
        expect(statuses.filter(status => status === 503)).toHaveLength(12 - taken);
        await Promise.all(calls.filter((_, i) => statuses[i] === 200).map(call => call.hangup()));
      }),
    ));

  it('leave everybody else outside', () =>
    withTrunks(async bridge => {
      await at(bridge, '127.0.0.9', async caller => {
        await until(() => caller.closed, 'the connection to be closed');
      });
      expect(
        (await bridge.metrics()).sum('trunkbridge_peers_refused_total', { cause: 'source-not-allowed' }),
      ).toBe(1);
    }));
});

describe('a scanner', () => {
  const withPassword = `
trunks:
  - name: pbx
    inbound_trunk_config: { allowed_addresses: [127.0.0.1] }
  - name: branch
    inbound_trunk_config: { credentials: { username: branch, password: a long password } }
`;

  /** INVITEs for users, one behind the other over one connection; what came back until that was closed. */
  function sweep(port: number, localAddress: string, users: readonly string[]): Promise<string> {
    return new Promise(resolve => {
      let heard = '';
      const socket = connect({ host: '127.0.0.1', port, localAddress }, () => {
        for (const [i, user] of users.entries()) {
          socket.write(
            `INVITE sip:${user}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP ${localAddress};branch=z9hG4bK${i}\r\n` +
              `Max-Forwards: 70\r\nFrom: <sip:1@${localAddress}>;tag=${i}\r\nTo: <sip:${user}@127.0.0.1>\r\n` +
              `Call-ID: sweep-${i}\r\nCSeq: 1 INVITE\r\nContact: <sip:1@${localAddress}>\r\nContent-Length: 0\r\n\r\n`,
          );
        }
      });
      socket.setEncoding('latin1').on('data', (text: string) => {
        heard += text;
      });
      socket.on('error', () => socket.destroy());
      socket.on('close', () => resolve(heard));
    });
  }

  it('hears twenty times the same and then nothing, while calls of a trunk go on as ever', () =>
    withBridge({ yaml: withPassword }, async bridge => {
      const running = await bridge.answered({ to });
      const users = Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? '+4930901820' : `user${1000 + i}`));
      const heard = await sweep(bridge.sipPort, '127.0.0.66', users);
      const answers = heard.split('\r\n\r\n').filter(text => text !== '');
      expect(answers).toHaveLength(20);
      const bare = answers.map(text =>
        text
          .replace(/nonce="[^"]+"|;?tag=\w+|branch=\w+|sweep-\d+/g, '')
          .replace(/<sip:(?:\+4930901820|user\d+)@/, '<sip:somebody@'),
      );
      expect(new Set(bare).size).toBe(1);
      expect(bare[0]).toMatch(/^SIP\/2\.0 401 /);
      expect(heard).not.toMatch(/^(Server|User-Agent):/im);
      // It is not even let in again, and another source is.
      expect(await sweep(bridge.sipPort, '127.0.0.66', users.slice(0, 1))).toBe('');
      expect(await sweep(bridge.sipPort, '127.0.0.67', users.slice(0, 100))).toContain('401');
      const next = await bridge.answered({ to });
      const packets = running.media.reception.packets;
      await until(() => running.media.reception.packets > packets + 5, 'sound of the call that was up');
      await next.hangup();
      await running.hangup();
      expect(bridge.app.load().transactions).toBeLessThan(10);
      const refused = (await bridge.metrics()).sum('trunkbridge_peers_refused_total', { cause: 'silenced' });
      expect(refused).toBeGreaterThanOrEqual(3);
    }));
});
