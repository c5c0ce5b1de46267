import { builtInSounds } from '../core/prompt.ts';
import { actionSettings } from './action-settings.ts';
import { readApiKey } from './api-keys.ts';
import {
  drachtioModes,
  keyTones,
  logLevels,
  mediaEncryptions,
  queuePolicies,
  sipBackends,
} from './config.ts';
import { clientCertificates, readSipListen } from './listen.ts';
import {
  address,
  baseUrl,
  choice,
  cidr,
  country,
  flag,
  hostPort,
  integer,
  list,
  portRange,
  text,
  workerCount,
} from './readers.ts';
import { recordingSettings } from './recording.ts';
import { sendingSettings } from './sending-settings.ts';
import { type Setting, setting, type Values } from './setting.ts';
import { sound, soundOrOff } from './sounds.ts';
import { storeSettings } from './store-settings.ts';
import {
  fallbackName,
  lossPolicies,
  reconnectSeconds,
  refusedOverrides,
  resumeMessage,
  waitingMs,
} from './survival.ts';
import { twilioSettings } from './twilio-settings.ts';
import { verifySettings } from './verify-settings.ts';
import { failurePolicies, headerLines, webhookEvent, webhookUrl } from './webhooks.ts';

/** Networks that are nobody's on the Internet: loopback, RFC 1918, link-local, unique local (RFC 4193). */
const privateNetworks =
  '127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, ::1/128, fc00::/7, fe80::/10';

/**
 * Everything that can be configured, by its key in the file. Each is written down here once: the reader, the help,
 * `check --print` and the test of the README all go by this table.
 */
export const settings = {
  'elevenlabs.api_key': setting(text(/^[\x21-\x7e]+$/, 'the key as ElevenLabs shows it, without spaces'), {
    env: 'ELEVENLABS_API_KEY',
    meaning: 'Key of the ElevenLabs account.',
    required: 'set it to a key from https://elevenlabs.io/app/settings/api-keys',
    secret: true,
  }),
  'elevenlabs.agent_id': setting(
    text(/^[\w-]{1,128}$/, 'the id as ElevenLabs shows it: letters, digits, _ and -'),
    {
      env: 'ELEVENLABS_AGENT_ID',
      meaning: 'Agent that takes the calls.',
      required: 'set it to the id of the agent that takes the calls',
      unless: 'numbers',
    },
  ),
  'elevenlabs.base_url': setting(baseUrl(), {
    env: 'ELEVENLABS_BASE_URL',
    meaning: 'Base of the ElevenLabs API: a residency host, or a stand-in (plain http only on loopback).',
    fallback: 'https://api.elevenlabs.io',
  }),

  'sip.listen': setting(list(readSipListen), {
    env: 'SIP_LISTEN',
    meaning: 'Addresses that SIP is taken on, tcp:// or tls://, separated by commas.',
    fallback: 'tcp://0.0.0.0:5060',
  }),
  'sip.tls_cert': setting(
    text(/-----BEGIN CERTIFICATE-----/, 'a PEM certificate, or the path of a file with one'),
    {
      env: 'SIP_TLS_CERT',
      meaning: 'Certificate chain for tls://, as PEM or the path of a PEM file.',
      pem: true,
    },
  ),
  'sip.tls_key': setting(
    text(/-----BEGIN [A-Z ]*PRIVATE KEY-----/, 'a PEM private key, or the path of a file with one'),
    {
      env: 'SIP_TLS_KEY',
      meaning: 'Private key of that certificate, as PEM or the path of a PEM file.',
      secret: true,
      pem: true,
    },
  ),
  'sip.tls_ca': setting(
    text(/-----BEGIN CERTIFICATE-----/, 'PEM certificates, or the path of a file with them'),
    {
      env: 'SIP_TLS_CA',
      meaning:
        "Authorities that peers' certificates are checked with, as PEM or its path; without it the system's.",
      pem: true,
    },
  ),
  'sip.tls_client_certificate': setting(choice(clientCertificates), {
    meaning:
      'Whether peers that connect over tls:// are asked for a certificate: none, optional or required. An address of ' +
      'sip.listen may say otherwise for itself: tls://0.0.0.0:5061?client_certificate=required.',
    fallback: 'none',
  }),
  'sip.realm': setting(text(/^[\w.-]{1,64}$/, 'a word of letters, digits, dots and dashes'), {
    meaning: 'Realm that trunks with credentials are challenged with.',
    fallback: 'trunkbridge',
  }),
  'sip.allow': setting(list(cidr), {
    env: 'SIP_ALLOW',
    meaning: 'Networks that may call, as CIDRs separated by commas. Their word on who calls is trusted.',
    fallback: privateNetworks,
  }),

  'sip.backend': setting(choice(sipBackends), {
    meaning: 'Who speaks SIP: embedded (this process) or drachtio (a drachtio-server; docs/drachtio.md).',
    fallback: 'embedded',
  }),
  'sip.drachtio.mode': setting(choice(drachtioModes), {
    meaning:
      'Who connects: inbound (we connect to the drachtio-server) or outbound (it connects to us for each call).',
    fallback: 'inbound',
  }),
  'sip.drachtio.host': setting(text(/^[\w.:-]{1,253}$/, 'a host name or an address without brackets'), {
    meaning: 'Where the drachtio-server takes applications, in mode inbound.',
    fallback: '127.0.0.1',
  }),
  'sip.drachtio.port': setting(integer(1, 65_535), {
    meaning: 'Its port for applications.',
    fallback: '9022',
  }),
  'sip.drachtio.secret': setting(text(/^[^|\r\n]{1,128}$/, 'one line without |'), {
    env: 'DRACHTIO_SECRET',
    meaning: 'Secret that the drachtio-server knows its applications by.',
    secret: true,
  }),
  'sip.drachtio.listen': setting(hostPort, {
    meaning: 'Where drachtio-servers connect to, in mode outbound.',
    fallback: '127.0.0.1:9023',
  }),
  'sip.drachtio.allow': setting(list(cidr), {
    meaning:
      'Networks that drachtio-servers may connect from, as CIDRs: whoever connects is told the secret.',
    fallback: '127.0.0.0/8, ::1/128',
  }),

  'network.public_address': setting(address, {
    env: 'PUBLIC_ADDRESS',
    meaning: 'Our address as peers outside the local networks see it: goes into Contact and SDP.',
  }),
  'network.local_networks': setting(list(cidr, true), {
    env: 'LOCAL_NETWORKS',
    meaning: 'Networks whose peers reach us without PUBLIC_ADDRESS, as CIDRs separated by commas.',
    fallback: privateNetworks,
  }),

  'media.rtp_ports': setting(portRange, {
    env: 'RTP_PORTS',
    meaning: 'UDP ports for sound; a call takes two.',
    fallback: '10000-20000',
  }),
  'media.workers': setting(workerCount(), {
    env: 'MEDIA_WORKERS',
    meaning: 'Threads that carry sound; auto is one less than there are cores, at least one.',
    fallback: 'auto',
  }),
  'media.encryption': setting(choice(mediaEncryptions), {
    meaning:
      'SRTP where a trunk does not say: disabled, allowed (where the peer can) or required (never plain RTP).',
    fallback: 'allowed',
  }),
  'media.sdes_over_cleartext': setting(flag, {
    meaning:
      'Whether keys for SRTP may travel over sip without TLS, where everyone on the way can read them and the sound.',
    fallback: 'false',
  }),
  'media.dtmf_in_band': setting(choice(keyTones), {
    meaning:
      'Whether keys are looked for in the sound: auto (where the peer takes no telephone-events), on, or off. While a code ' +
      'is pending they always are.',
    fallback: 'auto',
  }),
  'media.timeout_seconds': setting(integer(5, 3600), {
    meaning: 'Seconds without any sound from the telephone after which the call is over.',
    fallback: '30',
  }),

  'agent.settle_ms': setting(integer(0, 5000), {
    meaning: 'Milliseconds between the agent being ready and the call being answered, for late refusals.',
    fallback: '300',
  }),
  'agent.start_timeout_ms': setting(integer(500, 60_000), {
    meaning: 'Milliseconds that an agent may take to begin a conversation.',
    fallback: '10000',
  }),
  'agent.input_chunk_ms': setting(integer(20, 100), {
    meaning: "Milliseconds of the caller's sound in one message to the agent.",
    fallback: '20',
  }),
  'agent.queue_policy': setting(choice(queuePolicies), {
    meaning:
      'When all conversations of the agent are taken: busy refuses, ring lets it ring, answer lets the caller wait.',
    fallback: 'busy',
  }),
  'agent.queue_wait_seconds': setting(integer(1, 3600), {
    meaning: 'Seconds that a caller may wait in the queue of the agent.',
    fallback: '60',
  }),

  'agent.refused_overrides': setting(choice(refusedOverrides), {
    meaning:
      'When the agent does not allow an override that it was sent (1008): drop starts it once more without, fail refuses the call.',
    fallback: 'drop',
  }),

  'survival.policy': setting(choice(lossPolicies), {
    meaning:
      'When the agent is lost in the middle of a call: reconnect (a new conversation that knows the old one), transfer (to survival.fallback) or hangup (docs/survival.md).',
    fallback: 'reconnect',
  }),
  'survival.reconnect_seconds': setting(reconnectSeconds, {
    meaning: 'Seconds that a new conversation may take to begin, all tries together.',
    fallback: '10',
  }),
  'survival.resume_message': setting(resumeMessage, {
    meaning:
      'What the agent says first in a new conversation, where it allows first_message as an override; "" leaves it its own.',
    fallback: 'Sorry, we were cut off for a moment. I am back; please go on.',
  }),
  'survival.fallback': setting(fallbackName, {
    meaning:
      'Entry of transfers that callers go to when there is no agent any more; needed by the policy transfer.',
  }),
  'survival.reconnect_sound': setting(sound, {
    meaning: `What the caller hears meanwhile: ${builtInSounds.join(', ')}, or the path of a .wav file (mono, 16 bits).`,
    fallback: 'reconnecting',
  }),
  'survival.hangup_sound': setting(sound, {
    meaning: 'What the caller hears before the call is ended because there is no agent any more, likewise.',
    fallback: 'goodbye',
  }),
  'waiting.sound': setting(soundOrOff, {
    meaning:
      'What the caller hears while a tool is at work: off, working (a soft tone), comfort_noise, or the path of a .wav file.',
    fallback: 'off',
  }),
  'waiting.after_ms': setting(waitingMs, {
    meaning: 'Milliseconds that a tool may take before that is heard.',
    fallback: '1500',
  }),

  'call.max_seconds': setting(integer(10, 86_400), {
    meaning: 'Seconds after which a call is ended.',
    fallback: '3600',
  }),
  'call.ring_seconds': setting(integer(5, 300), {
    meaning: 'Seconds that a call may ring.',
    fallback: '60',
  }),
  'call.max_calls': setting(integer(1, 100_000), {
    meaning: 'Calls that are carried at once; further ones are refused with 503.',
    fallback: '1000',
  }),

  'tools.kill_switch': setting(flag, {
    meaning:
      'Whether everything that costs money or reaches a third party is switched off, calls that we begin as well; also a switch while it runs (docs/otp.md).',
    fallback: 'false',
  }),
  'tools.secret': setting(text(/^[\x21-\x7e]{16,256}$/, '16 to 256 printable characters without spaces'), {
    env: 'TOOLS_SECRET',
    meaning:
      'What webhook tools of agents sign in with at /tools, as Authorization: Bearer; without it nothing is there.',
    secret: true,
  }),
  'tools.default_country': setting(country, {
    meaning:
      'Country (ISO 3166) of numbers that come without one, where neither their number nor their trunk has another.',
  }),

  ...recordingSettings,
  ...verifySettings,
  ...sendingSettings,
  ...actionSettings,

  ...twilioSettings,

  'http.listen': setting(hostPort, {
    env: 'HTTP_LISTEN',
    meaning: 'Address of health, metrics and API. Beyond loopback it needs API_KEYS.',
    fallback: '127.0.0.1:8080',
  }),
  'http.public_listen': setting(hostPort, {
    env: 'PUBLIC_HTTP_LISTEN',
    meaning:
      'Address that has /tools (with TOOLS_SECRET) and /twilio (with PUBLIC_URL) and nothing else, for a reverse proxy to make public. ' +
      'Needs one of the two.',
  }),
  'http.public_url': setting(baseUrl(), {
    env: 'PUBLIC_URL',
    meaning: 'How that address is reached from outside: an https base.',
  }),
  'http.api_keys': setting(list(readApiKey), {
    env: 'API_KEYS',
    meaning: 'Keys for the HTTP API, name:role:secret separated by commas; roles read, pii, operator, admin.',
    secret: true,
  }),

  'webhooks.secret': setting(text(/^[\x21-\x7e]{16,256}$/, 'at least 16 printable ASCII characters'), {
    env: 'WEBHOOK_SECRET',
    meaning: 'Secret that what we tell webhooks.post_call.url is signed with (docs/webhooks.md).',
    secret: true,
  }),
  'webhooks.allowed_networks': setting(list(cidr, true), {
    env: 'WEBHOOK_NETWORKS',
    meaning:
      'Networks besides the public Internet that webhooks may go to, as CIDRs; only in these may a URL be plain http. ' +
      'Private, loopback and link-local addresses are refused without it.',
  }),
  'webhooks.tls_ca': setting(
    text(/-----BEGIN CERTIFICATE-----/, 'PEM certificates, or the path of a file with them'),
    {
      meaning:
        "Authorities besides the system's that servers of webhooks are checked with, as PEM or its path.",
      pem: true,
    },
  ),
  'webhooks.initiation.url': setting(webhookUrl, {
    env: 'INITIATION_WEBHOOK_URL',
    meaning:
      'Asked before each conversation for its dynamic variables and overrides, while the telephone rings.',
  }),
  'webhooks.initiation.request_headers': setting(headerLines, {
    env: 'INITIATION_WEBHOOK_HEADERS',
    meaning: 'Header fields of that request: `Authorization: Bearer ...`, in the file a list.',
    secret: true,
  }),
  'webhooks.initiation.timeout_ms': setting(integer(100, 30_000), {
    meaning: 'Milliseconds that the initiation webhook may take; the telephone rings meanwhile.',
    fallback: '3000',
  }),
  'webhooks.initiation.on_failure': setting(choice(failurePolicies), {
    meaning:
      'Without a usable answer: continue with what the number has, or reject the call with 503. A number may say otherwise ' +
      'for itself (initiation_webhook).',
    fallback: 'continue',
  }),
  'webhooks.post_call.url': setting(webhookUrl, {
    env: 'POST_CALL_WEBHOOK_URL',
    meaning: 'Told of every call that is over, at least once and in order. Needs WEBHOOK_SECRET.',
  }),
  'webhooks.post_call.request_headers': setting(headerLines, {
    env: 'POST_CALL_WEBHOOK_HEADERS',
    meaning: 'Header fields of these requests besides their signature.',
    secret: true,
  }),
  'webhooks.post_call.events': setting(list(webhookEvent), {
    meaning:
      'What is told: call_ended, call_initiation_failure, post_call_transcription. ElevenLabs sends the last one itself.',
    fallback: 'call_ended, call_initiation_failure',
  }),
  'webhooks.post_call.timeout_ms': setting(integer(500, 60_000), {
    meaning: 'Milliseconds that one attempt may take.',
    fallback: '15000',
  }),
  ...storeSettings,

  'drain.deadline_seconds': setting(integer(0, 86_400), {
    meaning: 'Seconds that calls may go on after SIGTERM before they are ended.',
    fallback: '300',
  }),
  'log.level': setting(choice(logLevels), {
    env: 'LOG_LEVEL',
    meaning: 'Least important lines that are written: trace, debug, info, warn, error.',
    fallback: 'info',
  }),
} as const satisfies Record<string, Setting>;

export type SettingKey = keyof typeof settings;
export type SettingValues = Values<typeof settings>;

/** Key under which the file overrides limits of the SIP stack, each by its own name. */
export const sipLimitsKey = 'sip.limits';

/** Sections of the file that are lists of maps: who may call, which number reaches whom, certificates by name. */
export const sectionKeys = {
  trunks: 'trunks',
  numbers: 'numbers',
  transfers: 'transfers',
  toolAccess: 'tool_access',
  menus: 'menus',
  certificates: 'sip.tls_certificates',
} as const;

/** Environment variables that say where the file is. */
export const fileVariable = 'TRUNKBRIDGE_CONFIG';
