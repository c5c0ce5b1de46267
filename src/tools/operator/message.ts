import { z } from 'zod';
import type { TwilioConnection } from '../../twilio/connection.ts';
import { sendMessage } from '../../twilio/messages.ts';
import { optional, phone, required, text } from '../field.ts';
import { mediaField } from '../messaging/media-links.ts';
import { messageLimits, noTextSender, senderOf, textSender } from '../messaging/sms.ts';
import { costOf } from '../sending/costs.ts';
import { type Action, no, type Prepared, type Refused, unwritten } from './action.ts';

export interface MessageParts {
  readonly twilio: Pick<TwilioConnection, 'senders'>;
  /** Where Twilio tells what became of a message; undefined where nothing of ours can be reached. */
  readonly statusCallback: () => string | undefined;
  readonly country: string | undefined;
}

/** `sendSMS`. */
export function sendSms({ twilio, statusCallback, country }: MessageParts): Action {
  const input = z.object({
    to: required(phone(country), { description: 'Recipient.' }),
    body: required(text(messageLimits.bodyChars), { description: 'Text.' }),
    from: optional(phone(country), { description: 'Sender; the configured one unless given.' }),
    media_url: mediaField(),
  });
  return {
    kind: 'write',
    input,
    prepare({ to, body, from, media_url }: z.infer<typeof input>): Prepared | Refused {
      const sender = from ?? textSender(twilio.senders);
      if (sender === undefined) return no('not_configured', noTextSender);
      const kind = media_url === undefined ? 'sms' : 'mms';
      return {
        what: 'message',
        to,
        cost: prices => costOf({ kind, to, text: body }, prices),
        pair: { number: to, sender },
        async perform(client) {
          const callback = statusCallback();
          const sent = await sendMessage(client, {
            to,
            sender: senderOf(sender),
            content: { body, ...(media_url === undefined ? {} : { mediaUrl: media_url }) },
            ...(callback === undefined ? {} : { statusCallback: callback }),
          });
          if (!sent.ok) return unwritten(sent.failure, 'message');
          const { sid: messageSid, status, createdAt } = sent.value;
          const value = { messageSid, status, dateCreated: createdAt ?? null };
          return { outcome: { ok: true, value }, done: 'sent', sid: messageSid };
        },
      };
    },
  };
}
