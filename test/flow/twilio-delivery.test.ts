import { describe, expect, it } from 'vitest';
import { other, type TwilioStage, withTwilioStage } from '../support/twilio-stage.ts';
import { until } from '../support/until.ts';

const stranger = '+14155550177';

/** What the agent was told while it talked. */
const told = ({ conversation }: TwilioStage) =>
  until(() => conversation.contextualUpdates[0], 'what became of the message', 15_000);

describe('what becomes of a message while the call is up', () => {
  it('reaches the agent: WhatsApp took free text from us too late, so a template is needed (63016)', () =>
    withTwilioStage({ sends: true, reachable: true }, async stage => {
      const sent = await stage.ask('twilio_send_whatsapp', { to: stranger, body: 'Hello.' });
      // Twilio took it: that it fails is known afterwards.
      expect(sent).toMatchObject({ isError: false, status: 'queued' });
      const update = await told(stage);
      expect(update).toMatch(/not delivered.*template/s);
      expect(update).not.toContain(stranger);
      expect(stage.twilio.callbacks.sent).toMatchObject([{ status: 204, fields: { ErrorCode: '63016' } }]);
    }));

  it('reaches the agent: a telephone is off, or the message came', () =>
    withTwilioStage({ sends: true, reachable: true }, async stage => {
      stage.twilio.messages.doom(stranger, 30003);
      await stage.ask('twilio_send_sms', { to: stranger, body: 'Hello.' });
      expect(await told(stage)).toMatch(/not delivered.*cannot be reached/s);
      await stage.ask('twilio_send_sms', { to: other, body: 'Hello.' });
      const updates = stage.conversation.contextualUpdates;
      expect(await until(() => updates[1], 'the good news', 15_000)).toContain('was delivered');
    }));

  it('is told by nobody but Twilio: a forged report is refused', () =>
    withTwilioStage({ sends: true, reachable: true, twilio: { messagePace: 'manual' } }, async stage => {
      const sent = await stage.ask('twilio_send_sms', { to: other, body: 'Hello.' });
      const sid = String(sent['message_sid']);
      const { address, port } = stage.bridge.app.publicHttp ?? {};
      const url = new URL(String(stage.requests().at(-1)?.params['StatusCallback']));
      const forged = await fetch(`http://${address}:${port}${url.pathname}`, {
        method: 'POST',
        body: new URLSearchParams({ MessageSid: sid, MessageStatus: 'failed', ErrorCode: '30003' }),
        headers: { 'x-twilio-signature': 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' },
      });
      expect(forged.status).toBe(403);
      expect(stage.conversation.contextualUpdates).toEqual([]);
      const real = await stage.twilio.messages.move(sid, 'undelivered', 30003);
      expect(real?.status).toBe(204);
      expect(await told(stage)).toContain('not delivered');
    }));
});
