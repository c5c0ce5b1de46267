import { type Ending, sentence } from './core/ending.ts';
import { Failure, fail, ok, type Result } from './core/errors.ts';
import type { OutboundCallDesk } from './http/outbound-call.ts';
import type { OutgoingRequest } from './outgoing.ts';
import type { PhoneNumbers } from './phone-numbers.ts';
import { localConversationId } from './store/draft.ts';

export interface OutboundRoomParts {
  readonly numbers: Pick<PhoneNumbers, 'refresh' | 'find'>;
  readonly place: (request: OutgoingRequest) => Promise<Result<PlacedCall, Ending>>;
}

/** What of a call that was placed is told. */
interface PlacedCall {
  readonly key: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** Calls from imported numbers: each goes out over the trunk that came with its number. */
export function composeOutbound({ numbers, place }: OutboundRoomParts): OutboundCallDesk {
  return {
    async call({ numberId, agentId, to, ringSeconds, clientData }) {
      await numbers.refresh();
      const number = numbers.find(numberId);
      if (number === undefined) return fail(refusals.unknown);
      if (number.configured) return fail(refusals.configured);
      if (number.outbound === undefined) return fail(refusals.noTrunk);
      const placed = await place({
        ...{ trunk: number.id, to, agentId },
        ...(ringSeconds === undefined ? {} : { ringSeconds }),
        ...(clientData === undefined ? {} : { clientData }),
      });
      if (!placed.ok) return fail(new Failure(placed.failure.reason, sentence(placed.failure)));
      const { key, variables } = placed.value;
      return ok({ conversationId: localConversationId(key), sipCallId: variables['call_id'] ?? '' });
    },
  };
}

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
