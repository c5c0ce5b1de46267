import { z } from 'zod';
import { list, optional } from '../field.ts';

export const mediaLimits = {
  /** Pictures and files of one message, as Twilio allows. */
  links: 10,
  /** Longest link, characters. */
  linkChars: 2_048,
} as const;

/** A link that Twilio fetches: https, and no password in it. */
const link = z.string().transform((given, context) => {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const fits =
    url?.protocol === 'https:' &&
    url.username === '' &&
    url.password === '' &&
    given.length <= mediaLimits.linkChars;
  if (fits) return url.href;
  context.addIssue({ code: 'custom', message: 'must be https links, without a password' });
  return z.NEVER;
});

/** The field `media_url` of a message. */
export const mediaField = () =>
  optional(list(link.meta({ description: 'An https link.' }), mediaLimits.links), {
    description: `Links of pictures or files that go with the message: https, at most ${mediaLimits.links}. Leave it out unless the operator's instructions give a link.`,
  });
