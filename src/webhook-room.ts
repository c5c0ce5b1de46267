import type { Config } from './config/config.ts';
import type { Clock } from './core/clock.ts';
import type { Ending } from './core/ending.ts';
import type { EventSink } from './core/events.ts';
import type { Logger } from './core/logger.ts';
import { refusal } from './sip/refusals.ts';
import type { Announce, Outbox } from './store/store.ts';
import { AddressGuard } from './webhooks/address-guard.ts';
import { announcements } from './webhooks/announcement.ts';
import { WebhookClient } from './webhooks/client.ts';
import { Deliveries, type DeliverySettings } from './webhooks/delivery.ts';
import { Initiation } from './webhooks/initiation.ts';
import { webhookLimits } from './webhooks/limits.ts';

export interface Webhooks {
  readonly initiation: Initiation;
  readonly deliveries: Deliveries;
  /** Delivers what is due for a while, then drops every connection. */
  close(): Promise<void>;
}

export interface WebhookParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
  readonly outbox: Outbox;
}

/** What is queued for the operator as a call ends. */
export function announcer(now: () => Config): Announce {
  return (record, secret) =>
    announcements(now().webhooks.postCall?.events ?? [], record, secret, refusedWith);
}

/** What an inbound caller was told before any answer. */
const refusedWith = (end: Ending): number =>
  end.reason === 'caller-cancelled' ? 487 : refusal(end, '').status;

/** Everything that asks the operator or tells it something. `now` is what is configured at that moment. */
export function composeWebhooks(config: Config, now: () => Config, parts: WebhookParts): Webhooks {
  const { clock, log, events, outbox } = parts;
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
  const deliveries = new Deliveries({
    outbox,
    client,
    settings: () => deliverySettings(now()),
    clock,
    log,
    events,
  });
  return {
    initiation,
    deliveries,
    async close() {
      await deliveries.stop(webhookLimits.drainMs);
      client.close();
    },
  };
}

function deliverySettings({ webhooks: { postCall }, secrets }: Config): DeliverySettings | undefined {
  if (postCall === undefined || secrets.webhook === undefined) return undefined;
  return { ...postCall, headers: secrets.postCallHeaders ?? {}, secret: secrets.webhook };
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
