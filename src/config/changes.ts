import { isDeepStrictEqual } from 'node:util';
import type { TlsTexts } from './certificates.ts';
import type { Config } from './config.ts';
import { Secrets } from './secrets.ts';

/** What two configurations differ in, by the keys of the file. */
export interface Changes {
  /** Holds for new calls as soon as it is swapped. */
  readonly live: readonly string[];
  /** Holds only after a restart. */
  readonly restart: readonly string[];
}

type Part = (config: Config) => unknown;

const live: Readonly<Record<string, Part>> = {
  'elevenlabs.agent_id': ({ elevenlabs }) => elevenlabs.agentId,
  trunks: ({ trunks, secrets }) => [trunks, secrets.trunkPasswords],
  numbers: ({ numbers }) => numbers,
  transfers: ({ transfers }) => transfers,
  menus: ({ menus }) => menus,
  'sip.allow': ({ sip }) => sip.allow,
  'sip.tls_cert': ({ sip, secrets }) => [sip.tlsCert, secrets.sipTlsKey],
  'sip.tls_ca': ({ sip }) => sip.tlsCa,
  'sip.tls_certificates': ({ sip, secrets }) => [sip.tlsNamed, secrets.sipTlsNamedKeys],
  agent: ({ agent }) => agent,
  survival: ({ survival }) => survival,
  waiting: ({ waiting }) => waiting,
  'media.encryption': ({ media }) => media.encryption,
  'media.dtmf_in_band': ({ media }) => media.dtmfInBand,
  'call.ring_seconds': ({ call }) => call.ringSeconds,
  'call.max_seconds': ({ call }) => call.maxSeconds,
  'recording.enabled': ({ recording }) => recording.enabled,
  'recording.consent_prompt': ({ recording }) => recording.consentPrompt,
  'recording.encrypt': ({ recording }) => recording.encrypt,
  'recording.min_free_mb': ({ recording }) => recording.minFreeBytes,
  'tools.kill_switch': ({ tools }) => tools.killSwitch,
  twilio: ({ twilio, secrets }) => [twilio, secrets.twilio],
  verify: ({ verify }) => verify,
  sending: ({ sending }) => sending,
  actions: ({ actions }) => actions,
  webhooks: ({ webhooks: { tlsCa: _, ...webhooks }, secrets }) => [
    webhooks,
    secrets.webhook,
    secrets.initiationHeaders,
    secrets.postCallHeaders,
  ],
  'store.keep_days': ({ store }) => store.keepDays,
  'drain.deadline_seconds': ({ drain }) => drain.deadlineSeconds,
  'log.level': ({ log }) => log.level,
};

const restart: Readonly<Record<string, Part>> = {
  'elevenlabs.api_key': ({ secrets }) => secrets.elevenLabsApiKey,
  'elevenlabs.base_url': ({ elevenlabs }) => elevenlabs.baseUrl,
  'sip.backend': ({ sip, secrets }) => [sip.backend, secrets.drachtio],
  'sip.listen': ({ sip }) => sip.listen,
  'sip.tls_client_certificate': ({ sip }) => sip.tlsClientCertificate,
  'sip.realm': ({ sip }) => sip.realm,
  'sip.limits': ({ sip }) => sip.limits,
  network: ({ network }) => network,
  'media.rtp_ports': ({ media }) => media.rtpPorts,
  'media.workers': ({ media }) => media.workers,
  'media.sdes_over_cleartext': ({ media }) => media.sdesOverCleartext,
  'media.timeout_seconds': ({ media }) => media.timeoutSeconds,
  'call.max_calls': ({ call }) => call.maxCalls,
  'recording.folder': ({ recording }) => recording.folder,
  'tools.default_country': ({ tools }) => tools.defaultCountry,
  'webhooks.tls_ca': ({ webhooks }) => webhooks.tlsCa,
  store: ({ store: { keepDays: _, ...store }, secrets }) => [store, secrets.databaseUrl, secrets.dataKeys],
  'http.listen': ({ http }) => http.listen,
  'http.public_listen': ({ http }) => http.publicListen,
  'http.public_url': ({ http }) => http.publicUrl,
  'twilio.stream_listen': ({ http }) => http.streamListen,
  'http.api_keys': ({ secrets }) => secrets.apiKeys,
  'tools.secret': ({ secrets }) => secrets.tools,
};

/** The keys of both kinds. */
export const reloadKeys: Changes = { live: Object.keys(live), restart: Object.keys(restart) };

/** Compares two configurations key by key. */
export function changesBetween(before: Config, after: Config): Changes {
  const differing = (table: Readonly<Record<string, Part>>) =>
    Object.entries(table)
      .filter(([, pick]) => !isDeepStrictEqual(pick(before), pick(after)))
      .map(([key]) => key);
  return { live: differing(live), restart: differing(restart) };
}

/** The new configuration as far as it can be swapped while calls are up: the rest stays what it was. */
export function liveParts(before: Config, after: Config): Config {
  return {
    ...before,
    elevenlabs: {
      baseUrl: before.elevenlabs.baseUrl,
      ...(after.elevenlabs.agentId === undefined ? {} : { agentId: after.elevenlabs.agentId }),
    },
    sip: {
      ...after.sip,
      backend: before.sip.backend,
      listen: before.sip.listen,
      tlsClientCertificate: before.sip.tlsClientCertificate,
      realm: before.sip.realm,
      limits: before.sip.limits,
    },
    trunks: after.trunks,
    numbers: after.numbers,
    transfers: after.transfers,
    menus: after.menus,
    media: { ...before.media, encryption: after.media.encryption, dtmfInBand: after.media.dtmfInBand },
    agent: after.agent,
    survival: after.survival,
    waiting: after.waiting,
    call: { ...after.call, maxCalls: before.call.maxCalls },
    recording: { ...after.recording, folder: before.recording.folder },
    tools: {
      ...before.tools,
      killSwitch: after.tools.killSwitch,
    },
    webhooks: webhooksWith(before.webhooks, after.webhooks),
    store: { ...before.store, keepDays: after.store.keepDays },
    twilio: after.twilio,
    verify: after.verify,
    sending: after.sending,
    actions: after.actions,
    drain: after.drain,
    log: after.log,
    secrets: secretsWith(before.secrets, after.secrets),
  };
}

/** The configuration with certificates that were read again. */
export function withCertificates(config: Config, { cert, key, ca, named }: TlsTexts): Config {
  const { secrets } = config;
  return {
    ...config,
    sip: {
      ...config.sip,
      tlsCert: cert,
      ...(ca === undefined ? {} : { tlsCa: ca }),
      tlsNamed: named.map(one => ({ names: one.names, cert: one.cert })),
    },
    secrets: secretsWith(secrets, {
      ...liveSecrets(secrets),
      sipTlsKey: key,
      sipTlsNamedKeys: named.map(one => one.key),
    }),
  };
}

/** The webhooks of `after`, with the connections of `before`. */
function webhooksWith({ tlsCa }: Config['webhooks'], after: Config['webhooks']): Config['webhooks'] {
  const { tlsCa: _, ...live } = after;
  return { ...live, ...(tlsCa === undefined ? {} : { tlsCa }) };
}

/** Secrets that are swapped while calls are up. */
type LiveSecrets = Pick<
  Secrets,
  | 'sipTlsKey'
  | 'trunkPasswords'
  | 'sipTlsNamedKeys'
  | 'twilio'
  | 'webhook'
  | 'initiationHeaders'
  | 'postCallHeaders'
>;

/** The fields alone. */
const liveSecrets = (secrets: LiveSecrets): LiveSecrets => ({ ...secrets });

/** Secrets of trunks, listeners, Twilio and webhooks from `after`; those of whoever was made with them stay. */
function secretsWith(before: Secrets, after: LiveSecrets): Secrets {
  const { elevenLabsApiKey, apiKeys, drachtio, databaseUrl, dataKeys, tools } = before;
  const { sipTlsKey, trunkPasswords, sipTlsNamedKeys, twilio, webhook, initiationHeaders, postCallHeaders } =
    after;
  return new Secrets({
    elevenLabsApiKey,
    apiKeys,
    dataKeys,
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    ...(tools === undefined ? {} : { tools }),
    ...(twilio === undefined ? {} : { twilio }),
    ...(drachtio === undefined ? {} : { drachtio }),
    ...(sipTlsKey === undefined ? {} : { sipTlsKey }),
    ...(webhook === undefined ? {} : { webhook }),
    ...(initiationHeaders === undefined ? {} : { initiationHeaders }),
    ...(postCallHeaders === undefined ? {} : { postCallHeaders }),
    trunkPasswords,
    sipTlsNamedKeys,
  });
}
