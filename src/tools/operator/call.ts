import { z } from 'zod';
import { fetchCall, makeCall } from '../../twilio/calls.ts';
import type { TwilioConnection } from '../../twilio/connection.ts';
import { optional, phone, required, sid, text } from '../field.ts';
import { priceOf } from '../sending/costs.ts';
import { type Action, failed, no, type Prepared, type Refused, unwritten } from './action.ts';

export const operatorActionLimits = {
  /** Longest TwiML, characters, as Twilio allows. */
  twimlChars: 4_000,
  /** Longest URL, characters. */
  urlChars: 2_048,
} as const;

export interface CallParts {
  readonly twilio: Pick<TwilioConnection, 'senders'>;
  /** Where Twilio asks what to do with a call that an agent is to speak in; undefined where nothing of ours can be reached. */
  readonly agentUrl: (agentId: string) => string | undefined;
  readonly country: string | undefined;
}

/** A link that Twilio asks: https, and no password in it. */
const link = z.string().transform((given, context) => {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const plain = url?.protocol === 'https:' && url.username === '' && url.password === '';
  if (plain && given.length <= operatorActionLimits.urlChars) return url.href;
  context.addIssue({ code: 'custom', message: 'must be an https URL without a password' });
  return z.NEVER;
});

/** `makeCall`. */
export function placeCall({ twilio, agentUrl, country }: CallParts): Action {
  const input = z
    .object({
      to: required(phone(country), { description: 'Whom to call.' }),
      from: optional(phone(country), { description: 'Caller id; TWILIO_PHONE_NUMBER unless given.' }),
      url: optional(link, { description: 'Where Twilio asks for TwiML.' }),
      twiml: optional(text(operatorActionLimits.twimlChars), { description: 'TwiML.' }),
      agent_id: optional(z.string().regex(/^[\w-]{1,128}$/), { description: 'Agent that speaks.' }),
    })
    .check(({ value, issues }) => {
      const { url, twiml, agent_id } = value;
      if ([url, twiml, agent_id].filter(each => each !== undefined).length === 1) return;
      const message = 'and twiml and agent_id exclude each other, and one of them is needed';
      issues.push({ code: 'custom', path: ['url'], message, input: value });
    });
  return {
    kind: 'write',
    input,
    prepare({ to, from, url, twiml, agent_id }: z.infer<typeof input>): Prepared | Refused {
      const caller = from ?? twilio.senders.phoneNumber;
      if (caller === undefined)
        return no(
          'not_configured',
          'There is no number to call from: give from, or set TWILIO_PHONE_NUMBER.',
        );
      const asked = agent_id === undefined ? url : agentUrl(agent_id);
      if (asked === undefined && twiml === undefined) {
        const what = 'PUBLIC_URL and PUBLIC_HTTP_LISTEN have to be set, and TWILIO_AUTH_TOKEN';
        return no('not_configured', `Twilio has to reach this bridge to connect an agent: ${what}.`);
      }
      const instructions = asked === undefined ? { twiml: twiml ?? '' } : { url: asked };
      return {
        what: 'call',
        to,
        cost: ({ costs, currency }) => ({ micros: priceOf('call', to, costs), currency }),
        async perform(client) {
          const made = await makeCall(client, { to, from: caller, instructions });
          if (!made.ok) return unwritten(made.failure);
          const { sid: callSid, status } = made.value;
          return { outcome: { ok: true, value: { callSid, status } }, done: 'sent', sid: callSid };
        },
      };
    },
  };
}

const callInput = z.preprocess(
  value =>
    typeof value === 'object' && value !== null && 'callSid' in value
      ? { call_sid: value.callSid, ...value }
      : value,
  z.object({ call_sid: required(sid('CA'), { description: 'CA….' }) }),
);

/** `getCallStatus`. */
export const callStatus: Action = {
  kind: 'read',
  input: callInput,
  async run({ call_sid }: z.infer<typeof callInput>, client) {
    const found = await fetchCall(client, call_sid);
    if (!found.ok) return failed(found.failure, 'read');
    const { sid: callSid, status, direction, from, to, seconds, startedAt, endedAt } = found.value;
    return {
      ok: true,
      value: {
        ...{ callSid, status, direction: direction ?? null, from: from ?? null, to: to ?? null },
        duration: seconds ?? null,
        startTime: startedAt ?? null,
        endTime: endedAt ?? null,
      },
    };
  },
};
