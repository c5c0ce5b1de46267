import type { PartyFacts } from '../call/party.ts';
import { parseNameAddrList } from '../sip/embedded/message/uri.ts';
import type { Identity, InviteFacts } from '../sip/signalling.ts';
import { calledUser } from './called-user.ts';
import { headerLimits, headerVariables } from './header-variables.ts';
import { canonicalNumber } from './number.ts';
import { passportVariables } from './passport.ts';
import { cleanValue } from './text.ts';

export interface IdentifyOptions {
  /** Whether the trunk's word on identity counts. */
  readonly trusted: boolean;
  /** Name of the trunk. */
  readonly trunk: string;
  /** User name that we register with on it, if we do. */
  readonly registeredAs?: string | undefined;
  /** Attribute that a header gives on this trunk, by its lower-case name: `call_id`, `caller_id` or a variable. */
  readonly headersToAttributes?: ReadonlyMap<string, string>;
  /** ISO 3166 code for numbers that come without a country. */
  readonly defaultCountry?: string;
}

export interface Identified {
  readonly party: PartyFacts;
  /** Header fields that were not passed on: too long, too many, not clean, or on the deny list. */
  readonly dropped: number;
}

/** Users that stand for nobody (RFC 3323 section 4.1.1.3 and what trunks write in its place). */
const nobody = new Set([
  '',
  'anonymous',
  'restricted',
  'unavailable',
  'unknown',
  'withheld',
  'private',
  'blocked',
]);

/** Words of Privacy (RFC 3323 section 4.2, RFC 3325 section 9.3) that ask for the caller to be hidden. */
const hiding = new Set(['id', 'user', 'header']);

const none: ReadonlyMap<string, string> = new Map();

const headersFor = (attributes: ReadonlyMap<string, string>, wanted: string): string[] =>
  [...attributes].filter(([, attribute]) => attribute === wanted).map(([header]) => header);

const twilioCall = /^CA[0-9a-f]{32}$/i;

/**
 * Who calls, whom, and under which id. Headers that state an identity count only from a trusted trunk; the first
 * of each in the order of precedence that is clean is taken.
 */
export function identify(facts: InviteFacts, options: IdentifyOptions): Identified {
  const { trusted, trunk, registeredAs, defaultCountry, headersToAttributes = none } = options;
  const stated = new StatedHeaders(facts, trusted, headersToAttributes);
  const callId = stated.first(
    ...headersFor(headersToAttributes, 'call_id'),
    'x-call-id',
    'sip.twilio.callsid',
    'x-twilio-callsid',
  );
  const callSid = stated.matching(twilioCall, 'sip.twilio.callsid', 'x-twilio-callsid');
  const number = (text: string) => canonicalNumber(text, defaultCountry);
  const hidden = isHidden(facts);
  const caller = hidden ? '' : callerOf(facts, stated, headersToAttributes);
  const { variables, dropped } = headerVariables(facts.headers, trusted, headersToAttributes);
  // The token names the caller: who wants to be hidden is hidden in it too.
  const passport = passportVariables(facts.headers, trusted && !hidden);
  const user = calledUser(
    {
      requestUser: facts.requestUser,
      calledParty: valuesOf(facts, 'p-called-party-id'),
      toUser: facts.to.user,
    },
    { registeredAs, trusted },
  );
  const called = cleanValue(user || facts.to.user, headerLimits.valueBytes) ?? '';
  return {
    party: {
      callId: callId ?? cleanValue(facts.sipCallId, headerLimits.valueBytes) ?? '',
      ...(callSid === undefined ? {} : { callSid }),
      callerId: number(caller),
      calledNumber: number(called),
      callerTrusted: trusted && caller !== '' && stated.agree(...callerHeaders(headersToAttributes)),
      trunk,
      ...(defaultCountry === undefined ? {} : { country: defaultCountry }),
      variables: { ...variables, ...passport.variables },
    },
    dropped: dropped + stated.dropped + passport.dropped,
  };
}

function valuesOf({ headers }: InviteFacts, wanted: string): string[] {
  return headers.filter(({ name }) => name.toLowerCase() === wanted).map(({ value }) => value);
}

/** RFC 3323 section 4.2: any of the words in any of the headers; `none` asks for nothing. */
function isHidden(facts: InviteFacts): boolean {
  return valuesOf(facts, 'privacy')
    .flatMap(value => value.split(/[;,]/))
    .some(word => hiding.has(word.trim().toLowerCase()));
}

/** Headers in which the system before us says who calls; each of them is there once. */
const callerHeaders = (attributes: ReadonlyMap<string, string>): string[] => [
  ...headersFor(attributes, 'caller_id'),
  'x-caller-id',
];

/** The header that the trunk names for it, else X-CALLER-ID, else P-Asserted-Identity, else From; empty when that is nobody. */
function callerOf(
  facts: InviteFacts,
  stated: StatedHeaders,
  attributes: ReadonlyMap<string, string>,
): string {
  const named = [...callerHeaders(attributes), 'p-asserted-identity'].map(name =>
    addressUser(stated.first(name) ?? ''),
  );
  const user = named.find(text => text !== '') ?? fromUser(facts.from);
  const clean = cleanValue(user, headerLimits.valueBytes) ?? '';
  return nobody.has(clean.toLowerCase()) ? '' : clean;
}

/**
 * The user of the first URI (RFC 3325 section 9.1: a sip URI, a tel URI, or one of each), or the value itself when it
 * is a bare number or name, as X-CALLER-ID is as a rule. Empty when it is neither.
 */
function addressUser(value: string): string {
  const [first] = parseNameAddrList(value) ?? [];
  if (first !== undefined) return fromUser(first.uri);
  return /[<>@:,]/.test(value) ? '' : value;
}

/** RFC 3323 section 4.1.1.3: an anonymous From has the host anonymous.invalid, whatever its user. */
function fromUser({ user, host }: Pick<Identity, 'user' | 'host'>): string {
  return /(^|\.)anonymous\.invalid$/i.test(host) ? 'anonymous' : user;
}

/** The headers of an INVITE that state an identity. From a trunk that is not trusted there are none. */
class StatedHeaders {
  readonly #values = new Map<string, string>();
  /** Those that came again with another value. */
  readonly #doubtful = new Set<string>();
  /** Fields that came and could not be used as they are. */
  readonly dropped: number;

  constructor({ headers }: InviteFacts, trusted: boolean, attributes: ReadonlyMap<string, string>) {
    let dropped = 0;
    for (const { name, value } of headers) {
      const lower = name.toLowerCase();
      const attribute = attributes.get(lower);
      if (!stating.has(lower) && attribute !== 'call_id' && attribute !== 'caller_id') continue;
      const clean = trusted ? cleanValue(value, headerLimits.valueBytes) : undefined;
      if (clean === undefined) dropped++;
      else if (!this.#values.has(lower)) this.#values.set(lower, clean);
      else if (this.#values.get(lower) !== clean) this.#doubtful.add(lower);
    }
    this.dropped = dropped;
  }

  /** Value of the first of these names that is there. */
  first(...names: readonly string[]): string | undefined {
    return names.map(name => this.#values.get(name)).find(value => value !== undefined);
  }

  /** Whether none of these says two things: one may be the caller's own, which a proxy has let through before its own. */
  agree(...names: readonly string[]): boolean {
    return !names.some(name => this.#doubtful.has(name));
  }

  matching(shape: RegExp, ...names: readonly string[]): string | undefined {
    return names.map(name => this.#values.get(name)).find(value => value !== undefined && shape.test(value));
  }
}

const stating = new Set([
  'x-call-id',
  'x-caller-id',
  'sip.twilio.callsid',
  'x-twilio-callsid',
  'p-asserted-identity',
]);
