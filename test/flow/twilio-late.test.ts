import { describe, expect, it } from 'vitest';
import { caller, withStreamBridge } from '../support/stream-bridge.ts';
import { askTool } from '../support/twilio-stage.ts';
import { until } from '../support/until.ts';

const sender = '+14155550100';
const other = '+14155550188';
const toolsSecret = 'tools-secret-0123456789';
const options = {
  script: { mode: 'quiet' } as const,
  twilio: { phoneNumber: sender },
  env: { TWILIO_PHONE_NUMBER: sender, TWILIO_WHATSAPP_NUMBER: sender, TOOLS_SECRET: toolsSecret },
  sends: true,
};

describe('what becomes of a message after Twilio has taken it', () => {
  it('reaches the agent that sent it while the call goes on: the window of WhatsApp is over', () =>
    withStreamBridge(options, async streams => {
      const { call } = await streams.answered();
      const conversation = await streams.bridge.world.agent.conversation(0);
      const sent = await askTool(conversation, 'twilio_send_whatsapp', { to: other, body: 'Hello.' });
      expect(sent).toMatchObject({ status: 'queued', isError: false });
      const told = () => conversation.contextualUpdates.find(update => update.includes('was not delivered'));
      expect(await until(told, 'the failure to be told')).toMatch(/ending in 88.*24 hours.*template/);
      await askTool(conversation, 'twilio_send_sms', { to: other, body: 'Hello.' });
      await until(
        () => conversation.contextualUpdates.some(update => update.includes('was delivered')),
        'the delivery to be told',
      );
      expect(JSON.stringify(conversation.contextualUpdates)).not.toContain(other);
      call.hangUp();
      await call.ended;
      await streams.bridge.ended();
    }));
});

describe('the seven tools as webhook tools', () => {
  it('run in the call that the token names, with a JSON body or a form, under the same gates', () =>
    withStreamBridge(options, async streams => {
      const { call } = await streams.answered();
      const { initiation } = await streams.bridge.world.agent.conversation(0);
      const token = String(initiation?.dynamic_variables?.['secret__bridge_token']);
      const use = async (name: string, body: string | URLSearchParams, headers: object = {}) => {
        const answer = await fetch(`${streams.base}/tools/${name}`, {
          method: 'POST',
          body,
          headers: {
            authorization: `Bearer ${toolsSecret}`,
            'x-bridge-token': token,
            ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}),
            ...headers,
          },
        });
        return [answer.status, (await answer.json()) as Record<string, unknown>] as const;
      };
      const media = ['https://example.com/a.png', 'https://example.com/b.png'];
      const form = new URLSearchParams({ to: other, body: 'Two pictures.' });
      for (const link of media) form.append('media_url', link);
      // Links of strangers are held for a person, as they are over the conversation.
      expect(await use('twilio_send_sms', form)).toMatchObject([200, { status: 'held' }]);
      const json = JSON.stringify({ to: other, body: 'Your table is ready.' });
      expect(await use('twilio_send_sms', json)).toMatchObject([200, { status: 'queued' }]);
      expect(streams.twilio.messages.all).toHaveLength(1);
      const lookup = JSON.stringify({ phone_number: caller, fields: ['validation'] });
      expect(await use('twilio_lookup_phone', lookup)).toMatchObject([200, { status: 'found', valid: true }]);
      const account = JSON.stringify({ action: 'account_info' });
      expect(await use('twilio_account_overview', account)).toMatchObject([200, { status: 'not_allowed' }]);
      expect(await use('twilio_manage_calls', '{}')).toMatchObject([400, { status: 'invalid_parameters' }]);
      expect(await use('twilio_send_sms', json, { authorization: 'Bearer x' })).toMatchObject([401, {}]);
      expect(await use('twilio_send_sms', json, { 'x-bridge-token': `${token}x` })).toMatchObject([403, {}]);
      expect(await use('twilio_send_sms', json, { 'x-bridge-token': '' })).toMatchObject([409, {}]);
      expect(streams.twilio.messages.all).toHaveLength(1);
      call.hangUp();
      await call.ended;
      await streams.bridge.ended();
    }));
});
