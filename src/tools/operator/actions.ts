import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import { maskArguments } from '../../core/mask.ts';
import type { Execution, Executions, OptOuts } from '../../store/sends.ts';
import { fetchCall, makeCall } from '../../twilio/calls.ts';
import type { TwilioCaller } from '../../twilio/client.ts';
import type { TwilioConnection } from '../../twilio/connection.ts';
import type { TwilioFailure } from '../../twilio/failure.ts';
import { sendMessage } from '../../twilio/messages.ts';
import { optional, phone, required, sid, text } from '../field.ts';
import type { Gates } from '../gates.ts';
import { mediaField } from '../messaging/media-links.ts';
import { messageLimits, noTextSender, senderOf, textSender } from '../messaging/sms.ts';
import { complaint } from '../parameters.ts';
import { outcomeOf } from '../twilio-outcomes.ts';

export const operatorActionLimits = {
  /** Longest TwiML, characters, as Twilio allows. */
  twimlChars: 4_000,
  /** Longest URL, characters. */
  urlChars: 2_048,
} as const;

export interface OperatorActionParts {
  readonly twilio: TwilioConnection;
  readonly gates: Gates;
  readonly optOuts: Pick<OptOuts, 'has' | 'add'>;
  readonly executions: Pick<Executions, 'add'>;
  /** Where Twilio tells what became of a message; undefined where nothing of ours can be reached. */
  readonly statusCallback: () => string | undefined;
  /** Where Twilio asks what to do with a call that an agent is to speak in; undefined likewise. */
  readonly agentUrl: (agentId: string) => string | undefined;
  readonly country: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What came of an action: what Twilio says of it, or a word with a sentence why not. */
export type ActionOutcome =
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
  | {
      readonly ok: false;
      readonly status: string;
      readonly message: string;
      readonly errorCode?: number;
      readonly retryAfterSeconds?: number;
    };

/** One thing that the operator's programs may have done. */
interface Action {
  readonly input: z.ZodType;
  /** Whether something leaves: then the kill switch counts. */
  readonly writes: boolean;
  run(input: never, client: TwilioCaller): Promise<ActionOutcome>;
}

/**
 * What the operator's own programs may have done with the Twilio account. Nothing of it is a tool: no agent is told of it, and
 * no call leads here. The kill switch and opt-outs hold; `allow_autonomous_sends`, which is about agents, does not.
 */
export class OperatorActions {
  readonly #parts: OperatorActionParts;
  readonly #actions: ReadonlyMap<string, Action>;

  constructor(parts: OperatorActionParts) {
    this.#parts = parts;
    this.#actions = new Map<string, Action>([
      ['sendSMS', sendSms(parts)],
      ['makeCall', call(parts)],
      ['getCallStatus', callStatus],
    ]);
  }

  /** Never rejects. `by` is who holds the key. */
  async run(name: string, given: unknown, by: string): Promise<ActionOutcome> {
    const action = this.#actions.get(name);
    if (action === undefined) {
      return no('unknown_action', `There are the actions ${[...this.#actions.keys()].join(', ')}.`);
    }
    const { clock, log } = this.#parts;
    const begun = clock.now();
    const at = clock.wall();
    let requestId: string | undefined;
    const outcome = await this.#perform(action, given, id => {
      requestId = id;
    });
    const status = outcome.ok ? 'done' : outcome.status;
    const ms = clock.now() - begun;
    log.info('an action of the operator was run', { action: name, by, status, ms });
    await this.#record({
      ...{ call: '', agentId: '', tool: name, at, ms, status, isError: !outcome.ok },
      arguments: maskArguments(given),
      ...(requestId === undefined ? {} : { requestId }),
    });
    return outcome;
  }

  async #perform(
    action: Action,
    given: unknown,
    answered: (requestId: string) => void,
  ): Promise<ActionOutcome> {
    const input = action.input.safeParse(given ?? {});
    if (!input.success) {
      const words = complaint(input.error, given).replaceAll('Parameter ', 'Argument ');
      return no('invalid_arguments', words.replace('The parameters', 'The arguments'));
    }
    const client = this.#parts.twilio.client();
    if (!client.ok) return no('not_configured', client.failure.message);
    try {
      if (action.writes && (await this.#parts.gates.read()).killSwitch)
        return no('switched_off', 'All sending is switched off (kill_switch).');
      return await action.run(input.data as never, client.value.traced(answered));
    } catch {
      return no('store_unavailable', 'The database cannot be used at present, so nothing was sent.');
    }
  }

  async #record(run: Execution): Promise<void> {
    try {
      await this.#parts.executions.add(run);
    } catch {
      this.#parts.log.warn('an action of the operator could not be recorded', { action: run.tool });
    }
  }
}

const no = (status: string, message: string): ActionOutcome => ({ ok: false, status, message });

function failed(failure: TwilioFailure, on: 'write' | 'read'): ActionOutcome {
  const { status, message, after } = outcomeOf(failure, on);
  const seconds = failure.retryAfterSeconds ?? after;
  return {
    ok: false,
    status,
    // What is there for agents alone is nothing to a program.
    message: message.replace(/ (Offer|Ask the caller)[^.]*\./g, ''),
    ...(failure.errorCode === undefined ? {} : { errorCode: failure.errorCode }),
    ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
  };
}

function sendSms({ twilio, optOuts, statusCallback, country }: OperatorActionParts): Action {
  const input = z.object({
    to: required(phone(country), { description: 'Recipient.' }),
    body: required(text(messageLimits.bodyChars), { description: 'Text.' }),
    from: optional(phone(country), { description: 'Sender; the configured one unless given.' }),
    media_url: mediaField(),
  });
  return {
    input,
    writes: true,
    async run({ to, body, from, media_url }: z.infer<typeof input>, client) {
      const sender = from ?? textSender(twilio.senders);
      if (sender === undefined) return no('not_configured', noTextSender);
      if (await optOuts.has({ number: to, sender }))
        return no('opted_out', 'The recipient wants no messages of this sender (STOP).');
      const callback = statusCallback();
      const sent = await sendMessage(client, {
        to,
        sender: senderOf(sender),
        content: { body, ...(media_url === undefined ? {} : { mediaUrl: media_url }) },
        ...(callback === undefined ? {} : { statusCallback: callback }),
      });
      if (!sent.ok) {
        if (sent.failure.errorCode === 21610) await optOuts.add({ number: to, sender }, 'refused');
        return failed(sent.failure, 'write');
      }
      const { sid: messageSid, status, createdAt } = sent.value;
      return { ok: true, value: { messageSid, status, dateCreated: createdAt ?? null } };
    },
  };
}

/** A link that Twilio asks: https, and no password in it. */
const link = z.string().transform((given, context) => {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const plain = url?.protocol === 'https:' && url.username === '' && url.password === '';
  if (plain && given.length <= operatorActionLimits.urlChars) return url.href;
  context.addIssue({ code: 'custom', message: 'must be an https URL without a password' });
  return z.NEVER;
});

function call({ twilio, agentUrl, country }: OperatorActionParts): Action {
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
    input,
    writes: true,
    async run({ to, from, url, twiml, agent_id }: z.infer<typeof input>, client) {
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
      const made = await makeCall(client, { to, from: caller, instructions });
      if (!made.ok) return failed(made.failure, 'write');
      return { ok: true, value: { callSid: made.value.sid, status: made.value.status } };
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

const callStatus: Action = {
  input: callInput,
  writes: false,
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
