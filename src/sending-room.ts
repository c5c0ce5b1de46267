import type { Config } from './config/config.ts';
import type { Clock } from './core/clock.ts';
import type { EventSink } from './core/events.ts';
import type { Logger } from './core/logger.ts';
import { gatesOf } from './records.ts';
import type { Store } from './store/store.ts';
import { HeldDesk } from './tools/sending/held-desk.ts';
import { HeldWatch } from './tools/sending/held-watch.ts';
import { RealPrices } from './tools/sending/real-prices.ts';
import { Sending } from './tools/sending/sending.ts';
import type { TwilioConnection } from './twilio/connection.ts';

/** What everything passes that agents send, and where people decide on what is held. */
export interface SendingRoom {
  readonly gate: Sending;
  readonly desk: HeldDesk;
  readonly watch: HeldWatch;
  readonly prices: RealPrices;
}

/** `now` is the configuration at the moment. */
export function composeSending(
  now: () => Config,
  store: Pick<Store, 'switches' | 'counters' | 'optOuts' | 'heldSends' | 'executions' | 'pending'>,
  connection: TwilioConnection,
  { clock, log, events }: { readonly clock: Clock; readonly log: Logger; readonly events: EventSink },
): SendingRoom {
  const policy = () => now().sending;
  const { counters, optOuts, heldSends, executions, pending } = store;
  const watch = new HeldWatch({ heldSends, clock });
  const prices = new RealPrices({ twilio: connection, counters, executions, pending, clock, log });
  const gate = new Sending({
    gates: gatesOf(store.switches, () => now().tools),
    ...{ policy, counters, optOuts, heldSends, watch, prices, clock, log },
    country: now().tools.defaultCountry,
  });
  const desk = new HeldDesk({ sending: gate, policy, heldSends, executions, watch, events, clock });
  return { gate, desk, watch, prices };
}
