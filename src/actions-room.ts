import { agentCall } from './agent-calls.ts';
import type { Config } from './config/config.ts';
import type { Clock } from './core/clock.ts';
import type { EventSink } from './core/events.ts';
import type { Logger } from './core/logger.ts';
import { gatesOf } from './records.ts';
import type { Store } from './store/store.ts';
import { messageStatusUrl } from './tooling.ts';
import { OperatorActions } from './tools/operator/actions.ts';
import type { RealPrices } from './tools/sending/real-prices.ts';
import type { TwilioConnection } from './twilio/connection.ts';

export interface ActionParts {
  readonly config: Config;
  /** The configuration at the moment. */
  readonly now: () => Config;
  readonly store: Pick<Store, 'switches' | 'optOuts' | 'executions' | 'actionKeys' | 'counters' | 'pending'>;
  readonly connection: TwilioConnection;
  readonly prices: RealPrices;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What the operator's own programs may have done with the Twilio account. */
export function composeActions({
  config,
  now,
  store,
  connection,
  prices,
  events,
  clock,
  log,
}: ActionParts): OperatorActions {
  return new OperatorActions({
    twilio: connection,
    gates: gatesOf(store.switches, () => now().tools),
    optOuts: store.optOuts,
    executions: store.executions,
    keys: store.actionKeys,
    counters: store.counters,
    policy: () => now().actions,
    sending: () => now().sending,
    statusCallback: () => messageStatusUrl(now(), connection),
    agentCalls(agentId, clientData) {
      const { publicUrl, publicListen } = now().http;
      const reachable = publicListen !== undefined && connection.authToken() !== undefined;
      if (publicUrl === undefined || !reachable) return undefined;
      return agentCall(store.pending, publicUrl, agentId, clientData);
    },
    country: config.tools.defaultCountry,
    ...{ prices, events, clock, log },
  });
}
