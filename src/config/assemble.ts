import { fail, ok, type Result } from '../core/errors.ts';
import type { AccessRule } from '../tools/sending/access.ts';
import type { TransferDestination } from '../tools/transfer/destination.ts';
import type { NumberConfig } from '../trunks/trunk.ts';
import type { TwilioCredentials } from '../twilio/credentials.ts';
import type { Menu } from '../twilio/menu.ts';
import { actionPolicyOf } from './action-settings.ts';
import { keyMatches, type NamedCertificates } from './certificates.ts';
import type { Config, ConfiguredTrunk, SipBackend } from './config.ts';
import { isLoopback } from './listen.ts';
import type { Problem } from './problem.ts';
import { Secrets } from './secrets.ts';
import { sendingPolicyOf } from './sending-settings.ts';
import type { SettingValues } from './settings.ts';
import { memoryDir } from './store-settings.ts';
import { checkSurvival } from './survival.ts';
import { checkStreamListen, twilioCredentials, twilioSection } from './twilio-settings.ts';
import { verifyPolicyOf } from './verify-settings.ts';
import { checkWebhooks, webhookSettings } from './webhook-settings.ts';

/** What the file has besides single settings. */
export interface Sections {
  readonly trunks: readonly ConfiguredTrunk[];
  readonly passwords: ReadonlyMap<string, string>;
  readonly numbers: readonly NumberConfig[];
  readonly transfers: readonly TransferDestination[];
  readonly toolAccess: readonly AccessRule[];
  readonly menus: readonly Menu[];
  readonly certificates: NamedCertificates;
  /** Files that PEM texts came from, by the keys of their settings. */
  readonly paths: Readonly<Record<string, string>>;
}

/**
 * Puts the values together and checks what no single one shows. `problems` has what was wrong with single values; a
 * check whose values are among those stays silent, so that one mistake is told once.
 */
export function assemble(
  values: SettingValues,
  sipLimits: Readonly<Record<string, number>>,
  sections: Sections,
  problems: Problem[],
): Result<Config, readonly Problem[]> {
  checkTls(values, problems);
  checkClientCertificates(values, sections, problems);
  checkHttp(values, problems);
  checkStreamListen(values, problems);
  checkDrachtio(values, sections, problems);
  checkWebhooks(values, problems);
  if (values['survival.policy'] !== undefined) {
    const general = { policy: values['survival.policy'], fallback: values['survival.fallback'] };
    checkSurvival(general, sections.numbers, sections.transfers, problems);
  }
  checkStore(values, problems);
  const credentials = twilioCredentials(values, problems);
  const twilio = twilioSection(values, values['tools.default_country'], problems);
  if (problems.length > 0) return fail(problems);

  return ok({
    elevenlabs: {
      baseUrl: values['elevenlabs.base_url'],
      ...optional('agentId', values['elevenlabs.agent_id']),
    },
    sip: {
      backend: sipBackend(values),
      listen: values['sip.listen'],
      allow: values['sip.allow'],
      limits: sipLimits,
      ...optional('tlsCert', values['sip.tls_cert']),
      ...optional('tlsCa', values['sip.tls_ca']),
      tlsClientCertificate: values['sip.tls_client_certificate'],
      tlsNamed: sections.certificates.named,
      tlsPaths: {
        ...optional('cert', sections.paths['sip.tls_cert']),
        ...optional('key', sections.paths['sip.tls_key']),
        ...optional('ca', sections.paths['sip.tls_ca']),
        named: sections.certificates.paths,
      },
      realm: values['sip.realm'],
    },
    trunks: sections.trunks,
    numbers: sections.numbers,
    transfers: sections.transfers,
    menus: sections.menus,
    network: {
      localNetworks: values['network.local_networks'],
      ...optional('publicAddress', values['network.public_address']),
    },
    media: {
      rtpPorts: values['media.rtp_ports'],
      workers: values['media.workers'],
      timeoutSeconds: values['media.timeout_seconds'],
      encryption: values['media.encryption'],
      dtmfInBand: values['media.dtmf_in_band'],
      sdesOverCleartext: values['media.sdes_over_cleartext'],
    },
    agent: {
      settleMs: values['agent.settle_ms'],
      startTimeoutMs: values['agent.start_timeout_ms'],
      inputChunkMs: values['agent.input_chunk_ms'],
      queuePolicy: values['agent.queue_policy'],
      queueWaitSeconds: values['agent.queue_wait_seconds'],
      refusedOverrides: values['agent.refused_overrides'],
    },
    survival: {
      policy: values['survival.policy'],
      reconnectMs: values['survival.reconnect_seconds'] * 1000,
      resumeLine: values['survival.resume_message'],
      ...optional('fallback', values['survival.fallback']),
      reconnectSound: values['survival.reconnect_sound'],
      hangupSound: values['survival.hangup_sound'],
    },
    waiting: {
      afterMs: values['waiting.after_ms'],
      sound: values['waiting.sound'] === 'off' ? undefined : values['waiting.sound'],
    },
    call: {
      maxSeconds: values['call.max_seconds'],
      ringSeconds: values['call.ring_seconds'],
      maxCalls: values['call.max_calls'],
    },
    recording: {
      enabled: values['recording.enabled'],
      consentPrompt: values['recording.consent_prompt'],
      encrypt: values['recording.encrypt'],
      folder: values['recording.folder'],
      minFreeBytes: values['recording.min_free_mb'] * 1_000_000,
    },
    tools: {
      killSwitch: values['tools.kill_switch'],
      ...optional('defaultCountry', values['tools.default_country']),
    },
    verify: verifyPolicyOf(values),
    sending: { ...sendingPolicyOf(values), access: sections.toolAccess },
    actions: actionPolicyOf(values),
    twilio,
    webhooks: webhookSettings(values),
    store: storeOf(values),
    http: {
      listen: values['http.listen'],
      ...optional('publicListen', values['http.public_listen']),
      ...optional('publicUrl', values['http.public_url']),
      ...optional('streamListen', values['twilio.stream_listen']),
    },
    drain: { deadlineSeconds: values['drain.deadline_seconds'] },
    log: { level: values['log.level'] },
    secrets: secretsOf(values, credentials, sections),
  });
}

function secretsOf(
  values: SettingValues,
  credentials: TwilioCredentials | undefined,
  { passwords, certificates }: Sections,
): Secrets {
  return new Secrets({
    elevenLabsApiKey: values['elevenlabs.api_key'],
    apiKeys: values['http.api_keys'] ?? [],
    trunkPasswords: passwords,
    sipTlsNamedKeys: certificates.keys,
    ...optional('sipTlsKey', values['sip.tls_key']),
    ...optional('twilio', credentials),
    ...optional('drachtio', values['sip.drachtio.secret']),
    ...optional('webhook', values['webhooks.secret']),
    ...optional('initiationHeaders', values['webhooks.initiation.request_headers']),
    ...optional('postCallHeaders', values['webhooks.post_call.request_headers']),
    ...optional('databaseUrl', values['store.database_url']),
    ...optional('dataKeys', values['store.data_key']),
    ...optional('tools', values['tools.secret']),
  });
}

function storeOf(values: SettingValues): Config['store'] {
  const dataDir = values['store.data_dir'];
  return {
    ...(dataDir === memoryDir ? {} : { dataDir }),
    ...optional('nodeId', values['store.node_id']),
    keepDays: values['store.keep_days'],
  };
}

/** A database outlives a process, so what is needed to read it must, too. */
function checkStore(values: SettingValues, problems: Problem[]): void {
  if (values['store.database_url'] === undefined || values['store.data_dir'] !== memoryDir) return;
  problems.push({
    where: 'DATA_DIR',
    what: `is ${memoryDir}, which cannot go with DATABASE_URL: name a directory`,
  });
}

function sipBackend(values: SettingValues): SipBackend {
  if (values['sip.backend'] === 'embedded') return { kind: 'embedded' };
  if (values['sip.drachtio.mode'] === 'inbound') {
    const { 'sip.drachtio.host': host, 'sip.drachtio.port': port } = values;
    return { kind: 'drachtio', mode: 'inbound', host, port };
  }
  const { 'sip.drachtio.listen': listen, 'sip.drachtio.allow': allow } = values;
  return { kind: 'drachtio', mode: 'outbound', listen, allow };
}

/** What a drachtio-server needs, and what it cannot do. */
function checkDrachtio(
  values: SettingValues,
  { trunks }: Pick<Sections, 'trunks'>,
  problems: Problem[],
): void {
  if (values['sip.backend'] !== 'drachtio') return;
  const told = problems.some(({ where }) => /drachtio/i.test(where));
  if (values['sip.drachtio.secret'] === undefined && !told) {
    problems.push({ where: 'DRACHTIO_SECRET', what: 'is missing beside sip.backend drachtio' });
  }
  for (const trunk of trunks.filter(({ remoteDomains }) => remoteDomains.length > 0)) {
    const what = 'has remote_domains, but a drachtio-server does not tell whose certificate it was shown';
    problems.push({ where: `trunk ${trunk.name}`, what });
  }
}

/** The property when there is a value, else nothing: absent is not the same as undefined. */
function optional<K extends string, T>(name: K, value: T | undefined): { [P in K]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { [P in K]?: T };
}

function checkTls(values: SettingValues, problems: Problem[]): void {
  const cert = values['sip.tls_cert'];
  const key = values['sip.tls_key'];
  const told = (name: string) => problems.some(({ where }) => where.includes(name));
  if (values['sip.listen']?.some(({ transport }) => transport === 'tls')) {
    const missing = [cert === undefined ? 'SIP_TLS_CERT' : '', key === undefined ? 'SIP_TLS_KEY' : ''].filter(
      Boolean,
    );
    if (missing.length > 0 && !told('SIP_TLS') && !told('sip.tls_')) {
      const what = `has a tls:// address, which needs ${missing.join(' and ')}: set it to the path of a PEM file`;
      problems.push({ where: 'SIP_LISTEN', what });
    }
  }
  if (cert === undefined || key === undefined) return;
  const fits = keyMatches(cert, key);
  if (fits === 'cert')
    problems.push({ where: 'SIP_TLS_CERT', what: 'holds no certificate that can be read' });
  if (fits === 'key') {
    problems.push({
      where: 'SIP_TLS_KEY',
      what: 'holds no private key that can be read without a pass phrase',
    });
  }
  if (fits === false)
    problems.push({ where: 'SIP_TLS_KEY', what: 'is not the key of the certificate in SIP_TLS_CERT' });
}

/** A trunk that goes by certificates needs a listener that asks for them. */
function checkClientCertificates(
  values: SettingValues,
  { trunks }: Pick<Sections, 'trunks'>,
  problems: Problem[],
): void {
  const listens = values['sip.listen'] ?? [];
  const asked = listens.some(
    ({ transport, clientCertificate }) =>
      transport === 'tls' && (clientCertificate ?? values['sip.tls_client_certificate']) !== 'none',
  );
  const trunk = trunks.find(({ remoteDomains }) => remoteDomains.length > 0);
  if (trunk === undefined || asked || values['sip.backend'] === 'drachtio') return;
  const what = `has remote_domains, which needs a tls:// address that asks for certificates: set sip.tls_client_certificate to optional`;
  problems.push({ where: `trunk ${trunk.name}`, what });
}

function checkHttp(values: SettingValues, problems: Problem[]): void {
  const listen = values['http.listen'];
  const keys = values['http.api_keys'];
  const told = problems.some(({ where }) => where.includes('API_KEYS') || where.includes('http.api_keys'));
  if (listen !== undefined && !isLoopback(listen.address) && keys === undefined && !told) {
    const what = 'is beyond loopback, which needs API_KEYS; set those, or listen on 127.0.0.1';
    problems.push({ where: 'HTTP_LISTEN', what });
  }
  const publicly = values['http.public_listen'] !== undefined;
  if (publicly && values['tools.secret'] === undefined && values['http.public_url'] === undefined) {
    const what =
      'serves the webhook tools of agents, which need TOOLS_SECRET, and what Twilio asks, which needs PUBLIC_URL: set one ' +
      'of them, or leave this out';
    if (!problems.some(({ where }) => where.includes('TOOLS_SECRET') || where.includes('PUBLIC_URL')))
      problems.push({ where: 'PUBLIC_HTTP_LISTEN', what });
  }
  const names = (keys ?? []).map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) problems.push({ where: 'API_KEYS', what: `has two keys with the name ${twice}` });
}
