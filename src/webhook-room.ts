import type { Config } from './config/config.ts';
import type { Clock } from './core/clock.ts';
import type { EventSink } from './core/events.ts';
import { AddressGuard } from './webhooks/address-guard.ts';
import { WebhookClient } from './webhooks/client.ts';
import { Initiation } from './webhooks/initiation.ts';

export interface Webhooks {
  readonly client: WebhookClient;
  readonly initiation: Initiation;
}

export interface WebhookParts {
  readonly clock: Clock;
  readonly events: EventSink;
}

/** Everything that asks the operator or tells it something. `now` is what is configured at that moment. */
export function composeWebhooks(
  config: Config,
  now: () => Config,
  { clock, events }: WebhookParts,
): Webhooks {
  const client = createWebhookClient(config, now, clock);
  const initiation = new Initiation({
    settings: () => {
      const { webhooks, secrets } = now();
      return webhooks.initiation === undefined
        ? undefined
        : { ...webhooks.initiation, headers: secrets.initiationHeaders ?? {} };
    },
    client,
    clock,
    events,
  });
  return { client, initiation };
}

/** A client whose guard goes by what is configured now. */
export function createWebhookClient(config: Config, now: () => Config, clock: Clock): WebhookClient {
  let networks = config.webhooks.allowedNetworks;
  let guard = new AddressGuard(networks);
  const { tlsCa } = config.webhooks;
  return new WebhookClient({
    guard: () => {
      const { allowedNetworks } = now().webhooks;
      if (allowedNetworks !== networks) {
        networks = allowedNetworks;
        guard = new AddressGuard(networks);
      }
      return guard;
    },
    clock,
    ...(tlsCa === undefined ? {} : { ca: tlsCa }),
  });
}
