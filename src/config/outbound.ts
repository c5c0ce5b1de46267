import { isIP } from 'node:net';
import { fail, ok, type Result } from '../core/errors.ts';
import { type CodecName, codecNames } from '../sdp/plan.ts';
import type { OutboundTransport } from '../trunks/outbound.ts';
import type { SpendingLimits } from '../trunks/spending.ts';
import type { MediaEncryption } from '../trunks/trunk.ts';
import type { ConfiguredOutbound } from './config.ts';
import { choice, flag, integer, list, text } from './readers.ts';
import type { Section } from './section.ts';
import { prefix } from './verify-settings.ts';

const transports: readonly OutboundTransport[] = ['auto', 'tcp', 'tls'];
/** The same as in `trunks/spending`, which a test compares. */
const spendingLimits: SpendingLimits = { callsPerDay: 1_000, minutesPerDay: 5_000, callsPerSecond: 10 };
const mediaEncryptions: readonly MediaEncryption[] = ['disabled', 'allowed', 'required'];

/**
 * Prefixes that fraud calls first: premium rate of the North American plan, international premium rate, international
 * networks, personal numbers and satellite telephones.
 */
const premiumPrefixes = ['+1900', '+1976', '+870', '+878', '+881', '+882', '+883', '+888', '+979'];

/** Key in `secrets.trunkPasswords` of what a trunk knows us by; names of trunks hold no blank. */
export const outboundPasswordKey = (name: string) => `${name} outbound`;

/** Reads `outbound_trunk_config`. A password goes to `passwords`; no message repeats any part of one. */
export function readOutbound(
  section: Section,
  name: string | undefined,
  passwords: Map<string, string>,
  encryption: MediaEncryption,
): ConfiguredOutbound | undefined {
  if (!section.has('outbound_trunk_config')) return undefined;
  const outbound = section.inner('outbound_trunk_config');
  const place = outbound.value('address', raw => readPlace(String(raw).trim()));
  if (!outbound.has('address')) outbound.complain('needs an address');
  const transport = outbound.value('transport', choice(transports)) ?? 'auto';
  const mediaEncryption = outbound.value('media_encryption', choice(mediaEncryptions)) ?? encryption;
  const codecs = outbound.value('enabled_codecs', list(codec, true)) ?? [];
  const headers = outbound.inner('headers').pairs(headerName, headerValue);
  const from = outbound.value('from', text(/^\+?[\w.-]{1,64}$/, 'a number or a name without blanks'));
  const allowedPrefixes = outbound.value('allowed_prefixes', list(prefix, true)) ?? [];
  const deniedPrefixes = outbound.value('denied_prefixes', list(prefix, true)) ?? premiumPrefixes;
  const ringSeconds = outbound.value('ring_seconds', integer(5, 180));
  const registerSeconds = outbound.value('register_seconds', integer(60, 86_400));
  const tlsCa = outbound.pem('tls_ca', text(/-----BEGIN CERTIFICATE-----/, 'PEM certificates'));
  const tlsVerify = outbound.value('tls_verify', flag) ?? true;
  const spending = readSpending(outbound.inner('limits'));
  const user = readUser(outbound, name, passwords);
  outbound.finish();
  if (mediaEncryption === 'required' && transport === 'tcp') {
    outbound.complain('cannot be tcp where media_encryption is required: keys need tls', 'transport');
  }
  if (registerSeconds !== undefined && user === undefined) {
    outbound.complain('needs credentials beside it', 'register_seconds');
  }
  if (place === undefined) return undefined;
  return {
    ...place,
    transport,
    mediaEncryption,
    headers: Object.entries(headers).map(([header, value]) => ({ name: header, value })),
    codecs: codecs.length === 0 ? codecNames : codecs,
    allowedPrefixes,
    deniedPrefixes,
    spending,
    tlsVerify,
    ...(tlsCa === undefined ? {} : { tlsCa: tlsCa.text }),
    ...(from === undefined ? {} : { from }),
    ...(ringSeconds === undefined ? {} : { ringSeconds }),
    ...(registerSeconds === undefined ? {} : { register: { seconds: registerSeconds } }),
    ...(user ?? {}),
  };
}

function readSpending(limits: Section): SpendingLimits {
  const most = integer(1, 10_000_000);
  const callsPerDay = limits.value('calls_per_day', most) ?? spendingLimits.callsPerDay;
  const minutesPerDay = limits.value('minutes_per_day', most) ?? spendingLimits.minutesPerDay;
  const callsPerSecond = limits.value('calls_per_second', integer(1, 1_000)) ?? spendingLimits.callsPerSecond;
  limits.finish();
  return { callsPerDay, minutesPerDay, callsPerSecond };
}

function readUser(
  outbound: Section,
  name: string | undefined,
  passwords: Map<string, string>,
): { readonly username: string; readonly realm?: string } | undefined {
  if (!outbound.has('credentials')) return undefined;
  const credentials = outbound.inner('credentials');
  const plain = text(/^[\x21-\x7e]{1,128}$/, 'up to 128 printable ASCII characters without blanks');
  const username = credentials.value('username', plain);
  const password = credentials.value(
    'password',
    text(/^[\x20-\x7e]{1,256}$/, 'up to 256 printable ASCII characters'),
  );
  const realm = credentials.value('realm', text(/^[\x20-\x7e]{1,128}$/, 'up to 128 printable characters'));
  credentials.finish();
  if (!credentials.has('username')) credentials.complain('needs a username');
  if (!credentials.has('password')) credentials.complain('needs a password: text, a variable or file:/path');
  if (username === undefined || password === undefined || name === undefined) return undefined;
  passwords.set(outboundPasswordKey(name), password);
  return realm === undefined ? { username } : { username, realm };
}

/** `host`, `host:port`, `[v6]` or `[v6]:port`. */
function readPlace(given: string): Result<{ readonly host: string; readonly port?: number }, string> {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9.-]{1,253}))(?::(\d{1,5}))?$/.exec(given);
  const host = match?.[1] ?? match?.[2] ?? (isIP(given) === 6 ? given : undefined);
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  const wrongLiteral = match?.[1] !== undefined && isIP(match[1]) !== 6;
  if (host === undefined || wrongLiteral || /^[.-]|\.\./.test(host) || port === 0 || (port ?? 1) > 65_535) {
    return fail('must be a host name or IP address, with :port where it needs one, and without sip:');
  }
  return ok(port === undefined ? { host } : { host, port });
}

/** In ElevenLabs' words: `G722/8000`. */
function codec(given: string): Result<CodecName, string> {
  const found = codecNames.find(each => [each, `${each}/8000`].includes(given.toUpperCase()));
  return found === undefined
    ? fail(`"${given}" is not a codec; known are ${codecNames.map(each => `${each}/8000`).join(', ')}`)
    : ok(found);
}

const headerNames =
  /^(X-[A-Za-z0-9-]{1,62}|Alert-Info|Call-Info|Diversion|P-Asserted-Identity|P-Charge-Info|P-Preferred-Identity|Privacy|Remote-Party-ID|Subject|User-to-User)$/i;

function headerName(name: string): string | undefined {
  return headerNames.test(name) ? undefined : 'must be an X- header, User-to-User or one about identity';
}

function headerValue(value: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
  const unclean = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(value);
  return unclean || value.trim() === '' || Buffer.byteLength(value) > 1_024
    ? 'must be one line of at most 1024 bytes'
    : undefined;
}
