import type { Config } from './config/config.ts';
import { gatesOf } from './records.ts';
import type { Store } from './store/store.ts';
import { defaultSendingPolicy } from './tools/sending/policy.ts';
import { Sending } from './tools/sending/sending.ts';

/** The gate that everything passes that agents send. `now` is the configuration at the moment. */
export function composeSending(now: () => Config, store: Pick<Store, 'switches'>): Sending {
  return new Sending({
    gates: gatesOf(store.switches, () => now().tools),
    policy: () => defaultSendingPolicy,
  });
}
