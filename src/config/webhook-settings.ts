import type { InitiationSettings, PostCallSettings } from '../webhooks/settings.ts';
import type { Problem } from './problem.ts';
import type { SettingValues } from './settings.ts';

/** What of the webhooks no single value shows. */
export function checkWebhooks(values: SettingValues, problems: Problem[]): void {
  const told = (...names: string[]) => problems.some(({ where }) => names.some(name => where.includes(name)));
  for (const [key, env] of [
    ['webhooks.initiation.url', 'INITIATION_WEBHOOK_URL'],
    ['webhooks.post_call.url', 'POST_CALL_WEBHOOK_URL'],
  ] as const) {
    const allowed = values['webhooks.allowed_networks'] ?? [];
    if (values[key]?.startsWith('http:') !== true || allowed.length > 0) continue;
    if (told(key, env, 'allowed_networks', 'WEBHOOK_NETWORKS')) continue;
    const what =
      'is plain http, which goes only to networks of webhooks.allowed_networks: list its network, or make it https';
    problems.push({ where: key, what });
  }
  if (values['webhooks.post_call.url'] !== undefined && values['webhooks.secret'] === undefined) {
    if (told('WEBHOOK_SECRET', 'webhooks.secret')) return;
    problems.push({
      where: 'WEBHOOK_SECRET',
      what: 'is missing beside webhooks.post_call.url: what is sent is signed',
    });
  }
}

export function webhookSettings(values: SettingValues): {
  readonly allowedNetworks: readonly string[];
  readonly tlsCa?: string;
  readonly initiation?: InitiationSettings;
  readonly postCall?: PostCallSettings;
} {
  const initiation = values['webhooks.initiation.url'];
  const postCall = values['webhooks.post_call.url'];
  const tlsCa = values['webhooks.tls_ca'];
  return {
    allowedNetworks: values['webhooks.allowed_networks'] ?? [],
    ...(tlsCa === undefined ? {} : { tlsCa }),
    ...(initiation === undefined
      ? {}
      : {
          initiation: {
            url: initiation,
            timeoutMs: values['webhooks.initiation.timeout_ms'],
            onFailure: values['webhooks.initiation.on_failure'],
          },
        }),
    ...(postCall === undefined
      ? {}
      : {
          postCall: {
            url: postCall,
            timeoutMs: values['webhooks.post_call.timeout_ms'],
            events: values['webhooks.post_call.events'],
          },
        }),
  };
}
