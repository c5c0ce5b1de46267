import { describe, expect, it } from 'vitest';
import { SimCaller } from '../../src/sim/caller/caller.ts';
import { header, methodOf } from '../../src/sim/caller/message.ts';
import { SipListener } from '../contract/sip-listener.ts';
import { type Bridge, withBridge } from '../support/flow.ts';
import { Telephone } from '../support/telephone.ts';
import { until } from '../support/until.ts';

const key = 'admin-key-0123456789';
const env = { ELEVENLABS_AGENT_ID: '', API_KEYS: `ops:admin:${key},test:read:a-key-to-read-metrics` };
const yaml = 'numbers: [{ phone_number: "+4930901820", agent_id: agent_under_test }]\n';
const to = '+493090182000';

const ask = (bridge: Bridge, method: string, path: string, body?: object) =>
  asked(bridge, method, `phone-numbers${path}`, body);

async function asked(bridge: Bridge, method: string, path: string, body?: object) {
  const { address, port } = bridge.app.http;
  const answer = await fetch(`http://${address}:${port}/v1/convai/${path}`, {
    method,
    headers: { 'xi-api-key': key, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Record<string, string>;
}

/** What a call from an address of this machine is answered with. */
async function statusFrom(bridge: Bridge, localAddress: string): Promise<number> {
  const { sipPort: port } = bridge;
  const caller = await SimCaller.connect({ transport: 'tcp', host: '127.0.0.1', port, localAddress });
  try {
    const call = await caller.call({ codec: 'PCMU', to });
    const { status } = await call.answered;
    if (status === 200) await call.hangup();
    return status;
  } finally {
    caller.close();
  }
}

describe('an imported phone number', () => {
  it('reaches its agent from the next call on, and nobody once it is deleted', () =>
    withBridge({ env, yaml }, async bridge => {
      expect(await statusFrom(bridge, '127.0.0.1')).toBe(404);
      const number = { phone_number: to, label: 'Desk', provider: 'sip_trunk', agent_id: 'agent_under_test' };
      const { phone_number_id: id } = await ask(bridge, 'POST', '', number);
      expect(await statusFrom(bridge, '127.0.0.1')).toBe(200);
      await ask(bridge, 'PATCH', `/${id}`, { agent_id: null });
      expect(await statusFrom(bridge, '127.0.0.1')).toBe(404);
      await ask(bridge, 'PATCH', `/${id}`, { agent_id: 'agent_under_test' });
      expect(await statusFrom(bridge, '127.0.0.1')).toBe(200);
      await ask(bridge, 'DELETE', `/${id}`);
      expect(await statusFrom(bridge, '127.0.0.1')).toBe(404);
    }));

  it('with a trunk of its own is called over that, and the implicit trunk stays as it was', () =>
    withBridge({ env: { ...env, SIP_ALLOW: '127.0.0.1/32' }, yaml }, async bridge => {
      await ask(bridge, 'POST', '', {
        ...{ phone_number: to, label: 'Desk', provider: 'sip_trunk', agent_id: 'agent_under_test' },
        inbound_trunk_config: { allowed_addresses: ['127.0.0.9'] },
      });
      expect(await statusFrom(bridge, '127.0.0.9')).toBe(200);
      expect(await statusFrom(bridge, '127.0.0.1')).toBe(404);
      expect(bridge.log('call arrived')[0]).toMatchObject({ trunk: expect.stringMatching(/^phnum_/) });
      const call = await bridge.answered({ to: '+4930901820' });
      await call.hangup();
    }));

  it.each([
    ['the number', {}, to],
    ['another that its trunk names', { from: '+493090182001' }, '+493090182001'],
  ])('with a trunk of its own is called out from over that, as %s', async (_, more, from) => {
    const listener = await SipListener.open();
    try {
      await withBridge({ env, yaml }, async bridge => {
        const { phone_number_id: id = '' } = await ask(bridge, 'POST', '', {
          ...{ phone_number: to, label: 'Desk', provider: 'sip_trunk' },
          default_country: 'US',
          outbound_trunk_config: { address: `127.0.0.1:${listener.hop.port}`, transport: 'tcp', ...more },
        });
        const placed = await asked(bridge, 'POST', 'sip-trunk/outbound-call', {
          ...{ agent_id: 'agent_under_test', agent_phone_number_id: id, to_number: '(415) 555-0123' },
        });
        expect(placed).toMatchObject({ success: true, message: 'The call is on its way.' });
        const { peer, invite, answer } = await listener.invited();
        const caller = invite.headers.get('From');
        expect([invite.uri, caller]).toEqual([
          expect.stringContaining('sip:+14155550123@'),
          expect.stringContaining(`sip:${from}@`),
        ]);
        answer(486);
        await peer.next(message => message.kind === 'request' && message.method === 'ACK');
        await until(() => bridge.log('call ended').length === 1, 'the end of the call');
        for (const name of [placed['conversation_id'], placed['sip_call_id']])
          expect(await asked(bridge, 'GET', `conversations/${name}`)).toMatchObject({
            trunkbridge: { ending: { reason: 'callee-busy' } },
          });
        peer.end();
      });
    } finally {
      listener.close();
    }
  });

  it('with a way out of its own is where transfers of the configuration go once they name it', async () => {
    const telephone = await Telephone.open({ refuse: 486 });
    try {
      await withBridge({ env, yaml, script: { mode: 'quiet' } }, async bridge => {
        const { phone_number_id: id = '' } = await ask(bridge, 'POST', '', {
          ...{ phone_number: to, label: 'Desk', provider: 'sip_trunk' },
          outbound_trunk_config: { address: `127.0.0.1:${telephone.port}`, transport: 'tcp' },
        });
        const sales = (trunk: string) =>
          `${yaml}transfers: [{ name: Sales, phone_number: "+14155550150", trunk: ${trunk} }]\n`;
        const lost = `phnum_${'0'.repeat(24)}`;
        await bridge.reload(sales(lost));
        expect(bridge.lines.filter(({ level }) => level === 'error')).toMatchObject([
          { transfers: ['Sales'], setting: 'transfers.trunk' },
        ]);
        const call = await bridge.answered({ to: '+4930901820' });
        await until(() => bridge.log('call answered')[0], 'the ACK to be taken');
        const conversation = await bridge.world.agent.conversation(0);
        const transfer = async () =>
          JSON.parse((await conversation.callTool('transfer_to_number', { destination: 'Sales' })).result);
        expect(await transfer()).toMatchObject({ status: 'trunk_unreachable' });
        await bridge.reload(sales(id));
        expect(await transfer()).toMatchObject({ status: 'callee_busy' });
        const invite = await telephone.request('INVITE');
        expect([methodOf(invite), header(invite, 'From')]).toEqual([
          'INVITE',
          expect.stringContaining(`sip:${to}@`),
        ]);
        const { address, port } = bridge.app.http;
        const kept = await fetch(`http://${address}:${port}/v1/convai/phone-numbers/${id}`, {
          ...{ method: 'DELETE', headers: { 'xi-api-key': key } },
        });
        expect([kept.status, await kept.text()]).toEqual([409, expect.stringContaining('in_use')]);
        await call.hangup();
        await bridge.idle();
        telephone.disconnect();
      });
    } finally {
      await telephone.close();
    }
  });

  it('lets it ring as long as was asked for', async () => {
    const listener = await SipListener.open();
    try {
      await withBridge({ env, yaml }, async bridge => {
        const { phone_number_id: id = '' } = await ask(bridge, 'POST', '', {
          ...{ phone_number: to, label: 'Desk', provider: 'sip_trunk' },
          outbound_trunk_config: { address: `127.0.0.1:${listener.hop.port}`, transport: 'tcp' },
        });
        await asked(bridge, 'POST', 'sip-trunk/outbound-call', {
          ...{ agent_id: 'agent_under_test', agent_phone_number_id: id, to_number: '+14155550123' },
          telephony_call_config: { ringing_timeout_secs: 1 },
        });
        const { peer, answer } = await listener.invited();
        answer(180);
        await peer.next(message => message.kind === 'request' && message.method === 'CANCEL');
        answer(487);
        await until(() => bridge.log('call ended').length === 1, 'the end of the call');
        expect(bridge.log('call ended')[0]).toMatchObject({ reason: 'callee-no-answer' });
        peer.end();
      });
    } finally {
      listener.close();
    }
  });

  it('without a way out calls nobody, and says what it lacks', () =>
    withBridge({ env, yaml }, async bridge => {
      const { phone_number_id: id } = await ask(bridge, 'POST', '', {
        ...{ phone_number: to, label: 'Desk', provider: 'sip_trunk' },
      });
      const { address, port } = bridge.app.http;
      const statuses = [];
      for (const agent_phone_number_id of [id, 'phnum_none', 'config_0']) {
        const answer = await fetch(`http://${address}:${port}/v1/convai/sip-trunk/outbound-call`, {
          method: 'POST',
          headers: { 'xi-api-key': key, 'content-type': 'application/json' },
          body: JSON.stringify({
            agent_id: 'agent_under_test',
            agent_phone_number_id,
            to_number: '+14155550123',
          }),
        });
        const { detail } = (await answer.json()) as { readonly detail: { readonly status: string } };
        statuses.push([answer.status, detail.status]);
      }
      expect(statuses).toEqual([
        [409, 'no_trunk'],
        [404, 'not_found'],
        [409, 'configured'],
      ]);
    }));

  it('with a trunk that wants it is registered at once, anew when it changes, and not once it is deleted', async () => {
    const registrar = await Telephone.open();
    const outbound = (username: string) => ({
      address: `127.0.0.1:${registrar.port}`,
      transport: 'tcp',
      credentials: { username, password: 'a-long-password' },
      register_seconds: 600,
    });
    const registers = () =>
      registrar.requests
        .filter(each => methodOf(each) === 'REGISTER')
        .map(each => {
          const away = /expires=0\b/i.test(header(each, 'Contact')) || header(each, 'Expires') === '0';
          return `${away ? 'off' : 'on'} ${/sip:(\w+)@/.exec(header(each, 'To'))?.[1]}`;
        });
    try {
      await withBridge({ env, yaml }, async bridge => {
        const { phone_number_id: id } = await ask(bridge, 'POST', '', {
          ...{ phone_number: to, label: 'Desk', provider: 'sip_trunk', agent_id: 'agent_under_test' },
          outbound_trunk_config: outbound('desk'),
        });
        await until(() => registers().length === 1, 'the registration');
        await ask(bridge, 'PATCH', `/${id}`, { label: 'Front desk' });
        await ask(bridge, 'PATCH', `/${id}`, { outbound_trunk_config: outbound('front') });
        await until(() => registers().length === 3, 'the other registration');
        await ask(bridge, 'DELETE', `/${id}`);
        await until(() => registers().length === 4, 'the end of it');
        expect(registers()).toEqual(['on desk', 'off desk', 'on front', 'off front']);
        registrar.disconnect();
      });
    } finally {
      await registrar.close();
    }
  });
});
