import { z } from 'zod';
import { optional, phone, required, sid, text } from '../field.ts';
import type { Tool } from '../tool.ts';
import { notConfigured, type ToolSpec, type TwilioToolParts } from '../twilio-parts.ts';
import { delivery } from './deliver.ts';
import { mediaField } from './media-links.ts';
import { messageLimits } from './sms.ts';

export const templateLimits = {
  /** Places of a template. */
  variables: 50,
  /** Longest value of one, characters. */
  valueChars: 1_024,
} as const;

interface WhatsAppInput {
  /** E.164. */
  readonly to: string;
  readonly body?: string | undefined;
  readonly template_sid?: string | undefined;
  readonly template_variables?: Readonly<Record<string, string>> | undefined;
  readonly media_url?: string[] | undefined;
}

const name = 'twilio_send_whatsapp';

/** An object, or the JSON text of one; ElevenLabs knows objects with fixed fields alone, so agents send text. */
const variables = z.preprocess(
  value => (typeof value === 'string' ? parsed(value) : value),
  z
    .record(
      z.string().regex(/^\w{1,64}$/),
      z.union([z.string(), z.number().transform(String)]).pipe(z.string().max(templateLimits.valueChars)),
    )
    .refine(record => Object.keys(record).length <= templateLimits.variables, {
      message: `has more than ${templateLimits.variables} entries`,
    }),
);

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

export function whatsAppSpec(country: string | undefined): ToolSpec<WhatsAppInput> {
  const fields = z.object({
    to: required(phone(country), {
      description: 'The telephone number with + and country code, for instance +14155550123.',
    }),
    body: optional(text(messageLimits.bodyChars), {
      description:
        'The text, at most 1,600 characters. Only when that person has written to us within the last 24 hours; else use template_sid. Not together with template_sid.',
    }),
    template_sid: optional(sid('HX'), {
      description: "HX…: the template to send, from the operator's instructions. Not together with body.",
    }),
    template_variables: optional(variables, {
      type: 'string',
      description:
        'Values for the places of the template as the text of a JSON object, for instance {"1": "Ann"}.',
    }),
    media_url: mediaField(),
  });
  return {
    name,
    description:
      'Sends a WhatsApp message. Read it to the caller and get a clear yes before. Never put codes, passwords, card or account numbers into it. That it is on its way does not mean that it arrives: you are told later if it does not.',
    input: fields.check(({ value, issues }) => {
      const wrong = (path: string, message: string) =>
        issues.push({ code: 'custom', path: [path], message, input: value });
      const { body, template_sid, template_variables, media_url } = value;
      if (template_sid !== undefined && body !== undefined)
        wrong('body', 'and template_sid exclude each other: send one of them');
      if (template_sid !== undefined && media_url !== undefined)
        wrong('media_url', 'and template_sid exclude each other: the template has its own pictures');
      if (template_sid === undefined && template_variables !== undefined)
        wrong('template_variables', 'needs template_sid');
      if (template_sid === undefined && body === undefined && media_url === undefined)
        wrong('body', 'is missing');
    }),
  };
}

/** What a stored request holds besides text and recipient. */
const requestShape = z.object({
  template_sid: z.string().optional(),
  template_variables: z.string().optional(),
});

/** `twilio_send_whatsapp`. */
export function createWhatsAppTool(parts: TwilioToolParts): Tool {
  parts.gate.register(
    'whatsapp',
    delivery(parts, ({ to, sender, text: body, media, request }) => {
      const { template_sid, template_variables } = requestShape.parse(request);
      const words = { ...(body === '' ? {} : { body }), ...(media === undefined ? {} : { mediaUrl: media }) };
      const template = {
        contentSid: template_sid ?? '',
        ...(template_variables === undefined ? {} : { contentVariables: template_variables }),
      };
      return {
        to: `whatsapp:${to}`,
        sender: { from: `whatsapp:${sender}` },
        content: template_sid === undefined ? words : template,
      };
    }),
  );
  const tool: Tool<WhatsAppInput> = {
    ...whatsAppSpec(parts.country),
    async run(input, context, signal) {
      const sender = parts.twilio.senders.whatsAppNumber;
      if (sender === undefined) {
        return notConfigured('There is no WhatsApp sender: the operator has to set TWILIO_WHATSAPP_NUMBER.');
      }
      const { to, body, template_sid, template_variables, media_url } = input;
      return parts.gate.send(
        {
          tool: name,
          kind: 'whatsapp',
          to,
          sender,
          text: body ?? Object.values(template_variables ?? {}).join(' '),
          ...(media_url === undefined ? {} : { media: media_url }),
          request: {
            ...(template_sid === undefined ? {} : { template_sid }),
            ...(template_variables === undefined
              ? {}
              : { template_variables: JSON.stringify(template_variables) }),
          },
        },
        context,
        signal,
      );
    },
  };
  return tool as Tool;
}
