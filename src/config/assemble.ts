import { createPrivateKey, X509Certificate } from 'node:crypto';
import { fail, ok, type Result } from '../core/errors.ts';
import type { Config } from './config.ts';
import { isLoopback } from './listen.ts';
import type { Problem } from './problem.ts';
import { Secrets, type TwilioCredentials } from './secrets.ts';
import type { SettingValues } from './settings.ts';

/**
 * Puts the values together and checks what no single one shows. `problems` has what was wrong with single values; a
 * check whose values are among those stays silent, so that one mistake is told once.
 */
export function assemble(
  values: SettingValues,
  sipLimits: Readonly<Record<string, number>>,
  problems: Problem[],
): Result<Config, readonly Problem[]> {
  checkTls(values, problems);
  checkHttp(values, problems);
  const credentials = twilioCredentials(values, problems);
  if (problems.length > 0) return fail(problems);

  return ok({
    elevenlabs: { agentId: values['elevenlabs.agent_id'], baseUrl: values['elevenlabs.base_url'] },
    sip: {
      listen: values['sip.listen'],
      allow: values['sip.allow'],
      limits: sipLimits,
      ...optional('tlsCert', values['sip.tls_cert']),
    },
    network: {
      localNetworks: values['network.local_networks'],
      ...optional('publicAddress', values['network.public_address']),
    },
    media: {
      rtpPorts: values['media.rtp_ports'],
      workers: values['media.workers'],
      timeoutSeconds: values['media.timeout_seconds'],
    },
    agent: {
      settleMs: values['agent.settle_ms'],
      startTimeoutMs: values['agent.start_timeout_ms'],
      inputChunkMs: values['agent.input_chunk_ms'],
      queuePolicy: values['agent.queue_policy'],
      queueWaitSeconds: values['agent.queue_wait_seconds'],
    },
    call: {
      maxSeconds: values['call.max_seconds'],
      ringSeconds: values['call.ring_seconds'],
      maxCalls: values['call.max_calls'],
    },
    tools: {
      allowAutonomousSends: values['tools.allow_autonomous_sends'],
      killSwitch: values['tools.kill_switch'],
      ...optional('defaultCountry', values['tools.default_country']),
    },
    ...optional('twilio', twilioSettings(values)),
    http: { listen: values['http.listen'] },
    drain: { deadlineSeconds: values['drain.deadline_seconds'] },
    log: { level: values['log.level'] },
    secrets: secretsOf(values, credentials),
  });
}

function secretsOf(values: SettingValues, credentials: TwilioCredentials | undefined): Secrets {
  return new Secrets({
    elevenLabsApiKey: values['elevenlabs.api_key'],
    apiKeys: values['http.api_keys'] ?? [],
    ...optional('sipTlsKey', values['sip.tls_key']),
    ...optional('twilio', credentials),
  });
}

function twilioSettings(values: SettingValues): Config['twilio'] {
  const accountSid = values['twilio.account_sid'];
  if (accountSid === undefined) return undefined;
  return {
    accountSid,
    ...optional('verifyServiceSid', values['twilio.verify_service_sid']),
    ...optional('baseUrl', values['twilio.base_url']),
  };
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
  const fits = matches(cert, key);
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

/** Whether the key belongs to the certificate, or which of them cannot be read. */
function matches(cert: string, key: string): boolean | 'cert' | 'key' {
  const certificate = attempt(() => new X509Certificate(cert));
  if (certificate === undefined) return 'cert';
  const privateKey = attempt(() => createPrivateKey(key));
  return privateKey === undefined ? 'key' : certificate.checkPrivateKey(privateKey);
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

function checkHttp(values: SettingValues, problems: Problem[]): void {
  const listen = values['http.listen'];
  const keys = values['http.api_keys'];
  const told = problems.some(({ where }) => where.includes('API_KEYS') || where.includes('http.api_keys'));
  if (listen !== undefined && !isLoopback(listen.address) && keys === undefined && !told) {
    const what = 'is beyond loopback, which needs API_KEYS; set those, or listen on 127.0.0.1';
    problems.push({ where: 'HTTP_LISTEN', what });
  }
  const names = (keys ?? []).map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) problems.push({ where: 'API_KEYS', what: `has two keys with the name ${twice}` });
}

/** A key is preferred to the account's token: it can be withdrawn alone. */
function twilioCredentials(values: SettingValues, problems: Problem[]): TwilioCredentials | undefined {
  const keySid = values['twilio.api_key_sid'];
  const keySecret = values['twilio.api_key_secret'];
  const authToken = values['twilio.auth_token'];
  const accountSid = values['twilio.account_sid'];
  if (problems.some(({ where }) => where.includes('TWILIO_') || where.includes('twilio.'))) return undefined;
  const need = (where: string, what: string) => problems.push({ where, what });
  if (keySid !== undefined && keySecret === undefined)
    need('TWILIO_API_KEY_SECRET', 'is missing beside TWILIO_API_KEY_SID');
  if (keySid === undefined && keySecret !== undefined)
    need('TWILIO_API_KEY_SID', 'is missing beside TWILIO_API_KEY_SECRET');
  const signedIn = keySid !== undefined || keySecret !== undefined || authToken !== undefined;
  if (accountSid === undefined && (signedIn || values['twilio.verify_service_sid'] !== undefined)) {
    need('TWILIO_ACCOUNT_SID', 'is missing beside the other Twilio settings');
  }
  if (accountSid !== undefined && !signedIn) {
    need(
      'TWILIO_API_KEY_SID',
      'and TWILIO_API_KEY_SECRET (or TWILIO_AUTH_TOKEN) are missing beside TWILIO_ACCOUNT_SID',
    );
  }
  if (keySid !== undefined && keySecret !== undefined) return { kind: 'key', keySid, keySecret };
  return authToken === undefined ? undefined : { kind: 'token', authToken };
}
