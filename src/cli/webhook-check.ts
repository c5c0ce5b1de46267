import type { Config } from '../config/config.ts';
import { AddressGuard } from '../webhooks/address-guard.ts';
import { literalObjection } from '../webhooks/name-lookup.ts';
import { probe } from '../webhooks/probe.ts';

interface Target {
  readonly setting: string;
  readonly url: string;
}

function targets({ webhooks: { initiation, postCall } }: Config): Target[] {
  return [
    ...(initiation === undefined ? [] : [{ setting: 'webhooks.initiation.url', url: initiation.url }]),
    ...(postCall === undefined ? [] : [{ setting: 'webhooks.post_call.url', url: postCall.url }]),
  ];
}

/** What is asked and told, without paths: those may hold a secret. */
export function webhookLines(config: Config): [string, string][] {
  const { initiation, postCall } = config.webhooks;
  const origin = (url: string) => new URL(url).origin;
  return [
    ...(initiation === undefined
      ? []
      : [`before each call ${origin(initiation.url)} is asked, without an answer: ${initiation.onFailure}`]),
    ...(postCall === undefined ? [] : [`${postCall.events.join(', ')} to ${origin(postCall.url)}`]),
  ].map((line, i) => [i === 0 ? 'hooks' : '', line]);
}

/** Webhooks whose URL names an address that nothing is sent to, one sentence each. */
export function forbiddenWebhooks(config: Config): string[] {
  const guard = new AddressGuard(config.webhooks.allowedNetworks);
  return targets(config).flatMap(({ setting, url }) => {
    const { hostname, protocol } = new URL(url);
    const objection = literalObjection(hostname, guard, protocol === 'https:');
    return objection === undefined ? [] : [`${setting}: ${objection}`];
  });
}

/** Connects to every webhook and sends nothing; those that cannot be reached, one sentence each. */
export async function unreachableWebhooks(config: Config): Promise<string[]> {
  const guard = new AddressGuard(config.webhooks.allowedNetworks);
  const found: string[] = [];
  for (const { setting, url } of targets(config)) {
    const result = await probe(url, guard, config.webhooks.tlsCa);
    if (!result.ok) found.push(`${setting}: ${result.failure.message}`);
  }
  return found;
}
