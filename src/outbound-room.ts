import { type Ending, sentence } from './core/ending.ts';
import { Failure, fail, ok, type Result } from './core/errors.ts';
import type { GateDecision } from './core/tool-facts.ts';
import type { OutboundCallBegun, OutboundCallDesk, OutboundCallWish } from './http/outbound-call.ts';
import type { OutgoingRequest } from './outgoing.ts';
import type { PhoneNumbers } from './phone-numbers.ts';
import { localConversationId } from './store/draft.ts';
import { ActionLog, type ActionLogParts } from './tools/operator/action-log.ts';

export interface OutboundRoomParts extends ActionLogParts {
  readonly numbers: Pick<PhoneNumbers, 'refresh' | 'find'>;
  readonly place: (request: OutgoingRequest) => Promise<Result<PlacedCall, Ending>>;
}

/** What of a call that was placed is told. */
interface PlacedCall {
  readonly key: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** What such a call is called in logs, metrics and the list of executions. */
const action = 'outboundCall';

/** Calls from imported numbers: each goes out over the trunk that came with its number. */
export function composeOutbound(parts: OutboundRoomParts): OutboundCallDesk {
  const { numbers, place } = parts;
  const log = new ActionLog(parts);
  return {
    async call(wish, by) {
      const { to, agentId, numberId } = wish;
      const over = log.begin({ action, by, given: { to, agent_id: agentId, number_id: numberId } });
      await numbers.refresh();
      const trunk = trunkOf(numbers, numberId);
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
function trunkOf(numbers: OutboundRoomParts['numbers'], id: string): Result<string> {
  const number = numbers.find(id);
  if (number === undefined) return fail(refusals.unknown);
  if (number.configured) return fail(refusals.configured);
  return number.outbound === undefined ? fail(refusals.noTrunk) : ok(number.id);
}

const requestOf = (
  { to, agentId, ringSeconds, clientData }: OutboundCallWish,
  trunk: string,
): OutgoingRequest => ({
  ...{ trunk, to, agentId },
  ...(ringSeconds === undefined ? {} : { ringSeconds }),
  ...(clientData === undefined ? {} : { clientData }),
});

const begunOf = ({ key, variables }: PlacedCall): OutboundCallBegun => ({
  conversationId: localConversationId(key),
  sipCallId: variables['call_id'] ?? '',
});

/** Executions have their statuses as tools do. */
const wordOf = (code: string): string => code.replaceAll('-', '_');

const killSwitch = (word: string): GateDecision => ({
  gate: 'kill_switch',
  ...(word === 'switched_off' ? { decision: 'refuse', detail: 'on' } : { decision: 'pass' }),
});

const refusals = {
  unknown: new Failure('not-found', 'There is no phone number of the id agent_phone_number_id.'),
  configured: new Failure(
    'configured',
    'The number is in the configuration (numbers), where it has no trunk of its own: calls go out with trunkbridge call --trunk.',
  ),
  noTrunk: new Failure(
    'no-trunk',
    'The number has no trunk to call over: PATCH /v1/convai/phone-numbers/{id} with an outbound_trunk_config.',
  ),
};
