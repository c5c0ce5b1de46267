import type { FastifyInstance } from 'fastify';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { Executions, HeldSends, InboundMessages, OptOuts } from '../store/sends.ts';
import { executionRoute } from './executions.ts';
import { type HeldDesk, heldSendRoutes } from './held-sends.ts';
import { inboundMessageRoute } from './inbound-messages.ts';
import { optOutRoutes } from './opt-outs.ts';

export interface SendRoutesOptions {
  readonly store: {
    readonly heldSends: HeldSends;
    readonly optOuts: OptOuts;
    readonly executions: Executions;
    readonly inboundMessages: InboundMessages;
  };
  readonly desk: HeldDesk;
  readonly clock: Clock;
}

/** Everything over HTTP about what agents send and have done, and what comes in. */
export function sendRoutes(
  app: FastifyInstance,
  { store, desk, clock }: SendRoutesOptions,
  log: Logger,
): void {
  heldSendRoutes(app, store.heldSends, desk, log);
  optOutRoutes(app, store.optOuts, log);
  inboundMessageRoute(app, store.inboundMessages, log);
  executionRoute(app, store.executions, clock, log);
}
