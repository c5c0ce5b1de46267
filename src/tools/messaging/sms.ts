import { z } from 'zod';
import type { TwilioSenders } from '../../twilio/connection.ts';
import type { MessageSender } from '../../twilio/messages.ts';
import { phone, required, text } from '../field.ts';
import type { Tool } from '../tool.ts';
import { notConfigured, type ToolSpec, type TwilioToolParts } from '../twilio-parts.ts';
import { delivery } from './deliver.ts';
import { mediaField } from './media-links.ts';

export const messageLimits = {
  /** Longest text of a message, characters, as Twilio allows. */
  bodyChars: 1_600,
} as const;

interface SmsInput {
  /** E.164. */
  readonly to: string;
  readonly body: string;
  readonly media_url?: string[] | undefined;
}

const name = 'twilio_send_sms';

export function smsSpec(country: string | undefined): ToolSpec<SmsInput> {
  return {
    name,
    description:
      'Sends a text message. Read the text to the caller and get a clear yes before. Never put codes, passwords, card or account numbers into it. The answer is JSON: act on its status and message, and do not say that it was sent unless status is queued, accepted, sending or sent.',
    input: z.object({
      to: required(phone(country), {
        description: 'The telephone number with + and country code, for instance +14155550123.',
      }),
      body: required(text(messageLimits.bodyChars), {
        description: 'The text, in plain words: at most 1,600 characters, better fewer than 160.',
      }),
      media_url: mediaField(),
    }),
  };
}

/** Who texts are from: the messaging service where there is one, because it chooses the best number. */
export function textSender({ messagingServiceSid, phoneNumber }: TwilioSenders): string | undefined {
  return messagingServiceSid ?? phoneNumber;
}

/** The same as Twilio takes it. */
export const senderOf = (sender: string): MessageSender =>
  sender.startsWith('MG') ? { messagingServiceSid: sender } : { from: sender };

export const noTextSender =
  'There is no number to send texts from: the operator has to set TWILIO_PHONE_NUMBER (auto takes the first that can text) or TWILIO_MESSAGING_SERVICE_SID.';

/** `twilio_send_sms`. */
export function createSmsTool(parts: TwilioToolParts): Tool {
  const perform = delivery(parts, ({ to, sender, text: body, media }) => ({
    to,
    sender: senderOf(sender),
    content: { body, ...(media === undefined ? {} : { mediaUrl: media }) },
  }));
  parts.gate.register('sms', perform);
  parts.gate.register('mms', perform);
  const tool: Tool<SmsInput> = {
    ...smsSpec(parts.country),
    async run({ to, body, media_url }, context, signal) {
      const sender = textSender(parts.twilio.senders);
      if (sender === undefined) return notConfigured(noTextSender);
      const media = media_url === undefined ? {} : { media: media_url };
      const kind = media_url === undefined ? 'sms' : 'mms';
      return parts.gate.send(
        { tool: name, kind, to, sender, text: body, ...media, request: {} },
        context,
        signal,
      );
    },
  };
  return tool as Tool;
}
