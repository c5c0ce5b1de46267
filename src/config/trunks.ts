import { fail, ok } from '../core/errors.ts';
import type { DigestAlgorithm } from '../trunks/digest.ts';
import type { MediaEncryption } from '../trunks/trunk.ts';
import { type ConfiguredTrunk, keyTones } from './config.ts';
import { readOutbound } from './outbound.ts';
import { choice, cidr, country, flag, integer, list, type Reader, text } from './readers.ts';
import { Section } from './section.ts';
import { sectionKeys } from './settings.ts';
import type { Sources } from './sources.ts';

const mediaEncryptions: readonly MediaEncryption[] = ['disabled', 'allowed', 'required'];

/** Words that no header handed to an agent may have in its name: it would carry a credential. */
const secretWords = /token|auth|secret|signature/i;

export interface ReadTrunks {
  readonly trunks: readonly ConfiguredTrunk[];
  readonly passwords: ReadonlyMap<string, string>;
}

/** Reads `trunks`. What is wrong is added to the problems of the sources. `encryption` holds where a trunk does not say. */
export function readTrunks(sources: Sources, encryption: MediaEncryption): ReadTrunks {
  const passwords = new Map<string, string>();
  const trunks: ConfiguredTrunk[] = [];
  const users = new Map<string, string>();
  for (const section of Section.all(sources, sectionKeys.trunks)) {
    const before = sources.problems.length;
    const trunk = readTrunk(section, passwords, encryption);
    section.finish();
    // A trunk that was mistyped may only look open.
    if (sources.problems.length === before) checkOpen(section);
    if (trunk === undefined) continue;
    if (trunks.some(({ name }) => name === trunk.name)) section.complain('is the name of two trunks', 'name');
    const { username } = trunk;
    if (username !== undefined && users.has(username)) {
      section.complain(
        `has the username of trunk ${users.get(username)}: each trunk needs its own, it decides whose call it is`,
      );
    } else if (username !== undefined) users.set(username, trunk.name);
    trunks.push(trunk);
  }
  return { trunks, passwords };
}

function readTrunk(
  section: Section,
  passwords: Map<string, string>,
  encryption: MediaEncryption,
): ConfiguredTrunk | undefined {
  const name = section.value(
    'name',
    text(/^[\w.-]{1,48}$/, 'up to 48 letters, digits, dots, dashes and underscores'),
  );
  if (name === undefined && !section.has('name')) section.complain('needs a name');
  const trustIdentity = section.value('trust_identity', flag);
  const accountSid = section.value(
    'account_sid',
    text(/^AC[0-9a-fA-F]{32}$/, 'AC and 32 hexadecimal digits'),
  );
  const tones = section.value('dtmf_in_band', choice(keyTones));
  const defaultCountry = section.value('default_country', country);
  const limits = section.inner('limits');
  const calls = limits.value('calls', integer(1, 100_000));
  const invitesPerSecond = limits.value('invites_per_second', integer(1, 10_000));
  limits.finish();
  const outbound = readOutbound(section, name, passwords, encryption);
  const inbound = section.inner('inbound_trunk_config');
  const allowedAddresses = inbound.value('allowed_addresses', list(cidr, true)) ?? [];
  const allowedNumbers = inbound.value('allowed_numbers', list(caller, true)) ?? [];
  const remoteDomains = inbound.value('remote_domains', list(domain, true)) ?? [];
  const mediaEncryption = inbound.value('media_encryption', choice(mediaEncryptions)) ?? encryption;
  const headers = inbound.inner('headers_to_attributes').pairs(headerIn, attribute);
  const attributes = inbound.inner('attributes_to_headers').pairs(variable, headerOut);
  const { username, algorithms } = readCredentials(inbound, name, passwords);
  inbound.finish();
  if (name === undefined) return undefined;
  return {
    name,
    allowedAddresses,
    allowedNumbers,
    remoteDomains,
    mediaEncryption,
    headersToAttributes: headers,
    attributesToHeaders: attributes,
    ...(username === undefined ? {} : { username }),
    ...(algorithms === undefined ? {} : { digestAlgorithms: algorithms }),
    ...(outbound === undefined ? {} : { outbound }),
    ...(isOutboundOnly(section) ? { outboundOnly: true as const } : {}),
    ...(trustIdentity === undefined ? {} : { trustIdentity }),
    ...(accountSid === undefined ? {} : { accountSid }),
    ...(tones === undefined ? {} : { tones }),
    ...(defaultCountry === undefined ? {} : { defaultCountry }),
    limits: {
      ...(calls === undefined ? {} : { calls }),
      ...(invitesPerSecond === undefined ? {} : { invitesPerSecond }),
    },
  };
}

/** A trunk that says nothing of those who call: nobody does. */
function isOutboundOnly(section: Section): boolean {
  return section.has('outbound_trunk_config') && !section.has('inbound_trunk_config');
}

/** A trunk has to demand something of those who call. */
function checkOpen(section: Section): void {
  if (isOutboundOnly(section)) return;
  const inbound = section.inner('inbound_trunk_config');
  if (inbound.has('credentials')) return;
  const empty = (key: string) =>
    (
      inbound.value(
        key,
        list(text => ok(text), true),
      ) ?? []
    ).length === 0;
  if (!empty('allowed_addresses') || !empty('remote_domains')) return;
  if (inbound.has('allowed_addresses')) {
    inbound.complain('is empty, which needs credentials or remote_domains beside it', 'allowed_addresses');
  } else {
    section.complain(
      'lets everybody in: inbound_trunk_config needs allowed_addresses, credentials or remote_domains',
    );
  }
}

/** The password goes to `passwords`; no message repeats any part of it. */
function readCredentials(
  inbound: Section,
  name: string | undefined,
  passwords: Map<string, string>,
): { readonly username?: string; readonly algorithms?: readonly DigestAlgorithm[] } {
  const given = inbound.isMap('credentials');
  const credentials = inbound.inner('credentials');
  const username = credentials.value(
    'username',
    text(/^[^\s":\\]{1,128}$/, 'up to 128 characters without blanks, quotes and colons'),
  );
  const password = credentials.value(
    'password',
    text(/^[\x20-\x7e]{8,256}$/, '8 to 256 printable ASCII characters'),
  );
  const algorithms = credentials.value('algorithms', list(algorithm));
  credentials.finish();
  if (given && !credentials.has('username')) credentials.complain('needs a username');
  if (given && !credentials.has('password'))
    credentials.complain('needs a password (of a variable or file:, so that it is not in this file)');
  if (username === undefined || password === undefined || name === undefined) return {};
  passwords.set(name, password);
  return { username, ...(algorithms === undefined ? {} : { algorithms }) };
}

const knownAlgorithms: readonly DigestAlgorithm[] = ['SHA-256', 'MD5'];

function algorithm(given: string) {
  const found = knownAlgorithms.find(name => name === given.toUpperCase());
  return found === undefined ? fail(`"${given}" is not one of ${knownAlgorithms.join(', ')}`) : ok(found);
}

/** A number, or a prefix with a star behind it. */
function caller(given: string) {
  const plain = given.replace(/[\s().-]/g, '');
  return /^\+?\d{1,17}\*?$/.test(plain) || /^\w{1,64}$/.test(plain)
    ? ok(plain)
    : fail(
        `"${given.slice(0, 3)}…" is not a number; write it like +14155550123, or +1415* for all that begin so`,
      );
}

function domain(given: string) {
  return /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/i.test(given)
    ? ok(given.toLowerCase())
    : fail(`"${given}" is not a domain; write it like pbx.example.com (a star is not allowed in SIP)`);
}

const isName: Reader<string> = text(
  /^[a-z][a-z0-9_]{0,63}$/,
  'a variable: small letters, digits and underscores',
);

/** Variables that have their one source. */
const fixed = ['called_number', 'call_sid'];

function attribute(name: string): string | undefined {
  if (name.startsWith('system__')) return 'begins with system__, which ElevenLabs keeps to itself';
  if (fixed.includes(name)) return `cannot be ${name}: that always is what the INVITE says`;
  const read = isName(name);
  return read.ok ? undefined : read.failure;
}

function variable(name: string): string | undefined {
  const read = isName(name);
  return read.ok ? undefined : read.failure;
}

function headerIn(name: string): string | undefined {
  if (!/^[A-Za-z0-9.!%*_+`'~-]{1,64}$/.test(name)) return 'is not the name of a header';
  if (secretWords.test(name)) return 'is never passed on: its name says that it holds a credential';
  return undefined;
}

/** Headers that the dialogue itself lives by are not for sale. */
function headerOut(name: string): string | undefined {
  return /^(X-[A-Za-z0-9-]{1,62}|User-to-User)$/i.test(name)
    ? undefined
    : 'must be an X- header, or User-to-User';
}
