import type { ActionOutcome } from './core/action-outcome.ts';
import { toE164 } from './core/e164.ts';
import { type Ending, sentence } from './core/ending.ts';
import { Failure, fail, ok, type Result } from './core/errors.ts';
import type { GateDecision } from './core/tool-facts.ts';
import type {
  OutboundCallBegun,
  OutboundCallDesk,
  OutboundCallDesks,
  OutboundCallRefusal,
  OutboundCallWish,
} from './http/outbound-call.ts';
import type { OutgoingRequest } from './outgoing.ts';
import type { NumberEntry, PhoneNumbers } from './phone-numbers.ts';
import { localConversationId } from './store/draft.ts';
import { ActionLog, type ActionLogParts } from './tools/operator/action-log.ts';
import type { OperatorActions } from './tools/operator/actions.ts';
import { operatorActionLimits } from './tools/operator/call.ts';

export interface OutboundRoomParts extends ActionLogParts {
  readonly numbers: Pick<PhoneNumbers, 'refresh' | 'find'>;
  readonly place: (request: OutgoingRequest) => Promise<Result<PlacedCall, Ending>>;
  readonly actions: Pick<OperatorActions, 'run'>;
  /** The account that is connected. */
  readonly accountSid: () => string | undefined;
  /** Country of numbers without one, where the number that calls has none. */
  readonly country: () => string | undefined;
}

/** What of a call that was placed is told. */
interface PlacedCall {
  readonly key: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** What a call over a trunk is called in logs, metrics and the list of executions; one over Twilio is its `makeCall`. */
const action = 'outboundCall';

/** Calls from imported numbers. */
export const composeOutbound = (parts: OutboundRoomParts): OutboundCallDesks => ({
  sipTrunk: overTrunks(parts),
  twilio: overTwilio(parts),
});

/** Each goes out over the trunk that came with its number. */
function overTrunks(parts: OutboundRoomParts): OutboundCallDesk {
  const { numbers, place } = parts;
  const log = new ActionLog(parts);
  return {
    async call(wish, { by }) {
      const { to, agentId, numberId } = wish;
      const over = log.begin({ action, by, given: { to, agent_id: agentId, number_id: numberId } });
      await numbers.refresh();
      const trunk = trunkOf(numbers.find(numberId));
      if (!trunk.ok) {
        await over(wordOf(trunk.failure.code), true, {});
        return trunk;
      }
      const placed = await place(requestOf(wish, trunk.value));
      const word = placed.ok ? 'done' : wordOf(placed.failure.reason);
      // Whatever became of it: the switch was asked first.
      await over(word, !placed.ok, { gates: [killSwitch(word)] });
      return placed.ok
        ? ok(begunOf(placed.value))
        : fail(new Failure(placed.failure.reason, sentence(placed.failure)));
    },
  };
}

/** Name of the trunk that calls from a number go over. */
function trunkOf(number: NumberEntry | undefined): Result<string> {
  if (number === undefined) return fail(refusals.unknown);
  if (number.configured) return fail(refusals.configured);
  if (number.provider === 'twilio') return fail(refusals.ofTwilio);
  return number.outbound === undefined ? fail(refusals.noTrunk) : ok(number.id);
}

const requestOf = (
  { to, agentId, ringSeconds, clientData }: OutboundCallWish,
  trunk: string,
): OutgoingRequest => ({
  ...{ trunk, to, agentId },
  ...(ringSeconds === undefined ? {} : { ringSeconds }),
  ...(clientData === undefined ? {} : { clientData: clientData.read }),
});

const begunOf = ({ key, variables }: PlacedCall): OutboundCallBegun => ({
  conversationId: localConversationId(key),
  callId: variables['call_id'] ?? '',
});

/** Each is what `makeCall` does for programs: under its gates, budgets and keys, and written down as that. */
function overTwilio({ numbers, actions, accountSid, country }: OutboundRoomParts): OutboundCallDesk {
  return {
    async call(wish, asker) {
      await numbers.refresh();
      const number = numbers.find(wish.numberId);
      const from = callerOf(number, accountSid());
      if (!from.ok) return from;
      const to = toE164(wish.to, number?.defaultCountry ?? country());
      if (!to.ok) return fail(new Failure('invalid-number', `to_number ${to.failure.message}.`));
      const { agentId, clientData, ringSeconds, record } = wish;
      const outcome = await actions.run(
        'makeCall',
        {
          ...{ to: to.value, from: from.value, agent_id: agentId },
          ...(clientData === undefined ? {} : { conversation_initiation_client_data: clientData.given }),
          ...(ringSeconds === undefined
            ? {}
            : { ring_seconds: Math.min(ringSeconds, operatorActionLimits.ringSeconds) }),
          ...(record === undefined ? {} : { record }),
        },
        asker,
      );
      return outcome.ok ? ok(madeOf(outcome)) : fail(refusalOf(outcome));
    },
  };
}

/** The number that calls, bought or only verified: Twilio lets both. */
function callerOf(number: NumberEntry | undefined, account: string | undefined): Result<string> {
  if (number === undefined) return fail(refusals.unknown);
  if (number.twilio === undefined)
    return fail(number.provider === 'twilio' || number.configured ? refusals.inFile : refusals.ofTrunk);
  const elsewhere = account !== undefined && number.twilio.accountSid !== account;
  return elsewhere ? fail(refusals.otherAccount) : ok(number.number);
}

function madeOf({ value, replayed }: Extract<ActionOutcome, { ok: true }>): OutboundCallBegun {
  const { conversationId, callSid } = value;
  return {
    conversationId: typeof conversationId === 'string' ? conversationId : undefined,
    callId: String(callSid),
    ...(replayed === true ? { replayed } : {}),
  };
}

/** Failures have their codes as words of one piece. */
function refusalOf({
  status,
  message,
  retryAfterSeconds,
}: Extract<ActionOutcome, { ok: false }>): OutboundCallRefusal {
  const after = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return { code: status.replaceAll('_', '-'), message, ...after };
}

/** Executions have their statuses as tools do. */
const wordOf = (code: string): string => code.replaceAll('-', '_');

const killSwitch = (word: string): GateDecision => ({
  gate: 'kill_switch',
  ...(word === 'switched_off' ? { decision: 'refuse', detail: 'on' } : { decision: 'pass' }),
});

const refusals = {
  unknown: new Failure(
    'not-found',
    'There is no phone number of the id agent_phone_number_id: GET /v1/convai/phone-numbers has them.',
  ),
  configured: new Failure(
    'configured',
    'The number is in the configuration (numbers), where it has no trunk of its own: calls go out with trunkbridge call --trunk.',
  ),
  noTrunk: new Failure(
    'no-trunk',
    'The number has no trunk to call over: PATCH /v1/convai/phone-numbers/{id} with an outbound_trunk_config.',
  ),
  ofTwilio: new Failure(
    'not-sip-trunk',
    'The number came with provider twilio: POST /v1/convai/twilio/outbound-call calls from it.',
  ),
  ofTrunk: new Failure(
    'not-twilio',
    'The number came with provider sip_trunk: POST /v1/convai/sip-trunk/outbound-call calls from it.',
  ),
  inFile: new Failure(
    'configured',
    'The number is in the configuration (numbers), which does not say that it is one of the Twilio account: import it with provider twilio, or use makeCall with from (POST /v1/twilio/actions).',
  ),
  otherAccount: new Failure(
    'other-account',
    'The number is of another Twilio account than the one that is connected: connect that one (/v1/twilio/connection), or import a number of this one.',
  ),
};
