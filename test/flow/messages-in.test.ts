import { describe, expect, it } from 'vitest';
import { called, caller, publicUrl, type StreamBridge, withStreamBridge } from '../support/stream-bridge.ts';
import { until } from '../support/until.ts';

const quiet = { mode: 'quiet' } as const;
const sid = (n: number) => `SM${String(n).padStart(32, '0')}`;

/** Twilio tells of a message that came in. */
function text(streams: StreamBridge, n: number, body: string, more: Readonly<Record<string, string>> = {}) {
  const fields = { MessageSid: sid(n), SmsSid: sid(n), From: caller, To: called, Body: body, NumMedia: '0' };
  // A field that nobody knows yet: it is signed like the others.
  return streams.twilio.callbacks.post(`${publicUrl}/twilio/sms`, { ...fields, BrandNew: '1', ...more });
}

describe('a message that comes in', () => {
  it('reaches the agent that is talking with its sender, once, and is answered and stored', () =>
    withStreamBridge(
      {
        script: quiet,
        yaml: 'twilio:\n  messages_to_call: context\n  message_reply: We are <here> & there.\n',
      },
      async streams => {
        const { call } = await streams.answered();
        const conversation = await streams.bridge.world.agent.conversation(0);
        const first = await text(streams, 1, 'My order is 4711');
        expect(first.status).toBe(200);
        expect(first.body).toContain('<Message>We are &lt;here&gt; &amp; there.</Message>');
        await until(() => conversation.contextualUpdates.length === 1, 'the message');
        expect(conversation.contextualUpdates[0]).toContain('"My order is 4711"');
        expect((await text(streams, 1, 'My order is 4711')).status).toBe(200);
        await text(streams, 2, 'and another', { From: '+14155550124' });
        await text(streams, 3, 'over WhatsApp', { From: `whatsapp:${caller}` });
        await until(() => conversation.contextualUpdates.length === 2, 'the WhatsApp message');
        expect(conversation.contextualUpdates[1]).toMatch(/WhatsApp message.*"over WhatsApp"/);
        expect(JSON.stringify(streams.bridge.lines)).not.toContain('4711');
        call.hangUp();
        await call.ended;
        await streams.bridge.ended();
      },
    ));

  it('reaches no agent and is not answered unless that is configured', () =>
    withStreamBridge({ script: quiet }, async streams => {
      const { call } = await streams.answered();
      const conversation = await streams.bridge.world.agent.conversation(0);
      const answer = await text(streams, 1, 'hello');
      expect(answer.body).toMatch(/<Response\s*\/>/);
      expect(streams.bridge.log('a message came in')).toMatchObject([
        { channel: 'sms', from: '+141******23' },
      ]);
      expect(conversation.contextualUpdates).toEqual([]);
      call.hangUp();
      await call.ended;
      await streams.bridge.ended();
    }));

  it('is not taken unless Twilio has signed it', () =>
    withStreamBridge({ script: quiet }, async streams => {
      const body = new URLSearchParams({ MessageSid: sid(9), From: caller, To: called, Body: 'STOP' });
      const answer = await fetch(`${streams.base}/twilio/sms`, { method: 'POST', body });
      expect(answer.status).toBe(403);
      expect(streams.bridge.log('a message came in')).toEqual([]);
    }));

  it('stops what is sent to its sender with STOP, and START lets it go on', () =>
    withStreamBridge({ script: quiet, yaml: 'twilio:\n  message_reply: Hello.\n' }, async streams => {
      const stopped = await text(streams, 1, ' Stop. ');
      expect(stopped.body).not.toContain('Hello');
      expect((await text(streams, 2, 'start')).body).not.toContain('Hello');
      expect((await text(streams, 3, 'hi')).body).toContain('Hello');
      expect(streams.bridge.log('a message came in').map(({ word }) => word)).toEqual([
        'stop',
        'start',
        undefined,
      ]);
    }));

  it('is told of a message that was sent, in whatever order Twilio tells it', () =>
    withStreamBridge({ script: quiet }, async streams => {
      const status = (fields: Readonly<Record<string, string>>) =>
        streams.twilio.callbacks.post(`${publicUrl}/twilio/message-status`, {
          MessageSid: sid(5),
          ...fields,
        });
      for (const MessageStatus of ['delivered', 'sent', 'queued', 'delivered'])
        expect((await status({ MessageStatus })).status).toBe(204);
      const failed = { MessageStatus: 'failed', ErrorCode: '63016', To: `whatsapp:${caller}` };
      expect((await status(failed)).status).toBe(204);
    }));
});
