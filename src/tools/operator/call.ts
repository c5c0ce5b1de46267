import { z } from 'zod';
import { readClientData } from '../../agent/elevenlabs/protocol/client-data.ts';
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
  /** Longest that Twilio lets a call ring, s. */
  ringSeconds: 600,
} as const;

export interface CallParts {
  readonly twilio: Pick<TwilioConnection, 'senders'>;
  readonly agentCalls: AgentCalls;
  readonly country: string | undefined;
}

/** A call that an agent is to speak in, before there is anybody to speak to. */
export interface AgentCall {
  /** Where Twilio asks what to do with it. */
  readonly url: string;
  /** What its record is found by, once somebody answers. */
  readonly conversationId: string;
  /** Keeps what the conversation is to begin with. False: as much is kept as may be. Rejects when the store is down. */
  keep(): Promise<boolean>;
}

/** Calls of agents; undefined where nothing of ours can be reached. */
export type AgentCalls = (
  agentId: string,
  clientData: Readonly<Record<string, unknown>> | undefined,
) => AgentCall | undefined;

/** What a conversation begins with, as it came: it is read again when the call is answered. */
const clientData = z.record(z.string(), z.unknown()).check(({ value, issues }) => {
  const read = readClientData(value);
  if (!read.ok)
    issues.push({ code: 'custom', message: `cannot be used: ${read.failure.join('; ')}`, input: value });
});

/** A link that Twilio asks: https, and no password in it. */
const link = z.string().transform((given, context) => {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const plain = url?.protocol === 'https:' && url.username === '' && url.password === '';
  if (plain && given.length <= operatorActionLimits.urlChars) return url.href;
  context.addIssue({ code: 'custom', message: 'must be an https URL without a password' });
  return z.NEVER;
});

/** `makeCall`. */
export function placeCall({ twilio, agentCalls, country }: CallParts): Action {
  const input = z
    .object({
      to: required(phone(country), { description: 'Whom to call.' }),
      from: optional(phone(country), { description: 'Caller id; TWILIO_PHONE_NUMBER unless given.' }),
      url: optional(link, { description: 'Where Twilio asks for TwiML.' }),
      twiml: optional(text(operatorActionLimits.twimlChars), { description: 'TwiML.' }),
      agent_id: optional(z.string().regex(/^[\w-]{1,128}$/), { description: 'Agent that speaks.' }),
      conversation_initiation_client_data: optional(clientData, {
        description: 'What the conversation begins with.',
      }),
      ring_seconds: optional(z.number().int().min(1).max(operatorActionLimits.ringSeconds), {
        description: 'How long it may ring.',
      }),
      record: optional(z.boolean(), { description: 'Twilio records the call.' }),
    })
    .check(({ value, issues }) => {
      const { url, twiml, agent_id } = value;
      if (agent_id === undefined && value.conversation_initiation_client_data !== undefined) {
        const path = ['conversation_initiation_client_data'];
        issues.push({ code: 'custom', path, message: 'goes with agent_id alone', input: value });
      }
      if ([url, twiml, agent_id].filter(each => each !== undefined).length === 1) return;
      const message = 'and twiml and agent_id exclude each other, and one of them is needed';
      issues.push({ code: 'custom', path: ['url'], message, input: value });
    });
  return {
    kind: 'write',
    input,
    prepare({ to, from, url, twiml, agent_id, ...more }: z.infer<typeof input>): Prepared | Refused {
      const caller = from ?? twilio.senders.phoneNumber;
      if (caller === undefined)
        return no(
          'not_configured',
          'There is no number to call from: give from, or set TWILIO_PHONE_NUMBER.',
        );
      const { conversation_initiation_client_data: data, ring_seconds: ringSeconds, record } = more;
      const agents = agent_id === undefined ? undefined : agentCalls(agent_id, data);
      const asked = agents?.url ?? url;
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
          const trouble = await keptTrouble(agents);
          if (trouble !== undefined) return { outcome: trouble, done: 'unprocessed' };
          const made = await makeCall(client, { to, from: caller, instructions, ringSeconds, record });
          if (!made.ok) return unwritten(made.failure, 'call');
          const { sid: callSid, status } = made.value;
          const found = agents === undefined ? {} : { conversationId: agents.conversationId };
          return {
            outcome: { ok: true, value: { callSid, status, ...found } },
            ...{ done: 'sent', sid: callSid },
          };
        },
      };
    },
  };
}

/** Why a call is not made: its conversation would not begin as it is to. */
async function keptTrouble(agents: AgentCall | undefined): Promise<Refused | undefined> {
  try {
    if (agents === undefined || (await agents.keep())) return undefined;
    return no('unavailable', 'As many calls wait for somebody to answer as may: nobody was called.');
  } catch {
    return no('store_unavailable', 'The database cannot be used at present, so nobody was called.');
  }
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
