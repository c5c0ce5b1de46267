import { isToken } from '../sip/embedded/message/characters.ts';
import type { HeaderField } from '../sip/signalling.ts';
import { cleanValue } from './text.ts';

/** Limits on what of an INVITE's headers reaches the agent. */
export const headerLimits = {
  /** Longest value, bytes of UTF-8. */
  valueBytes: 1024,
  /** Most header fields that become variables. */
  headers: 32,
} as const;

/** Words that a header's name must not contain: it would hand a credential to a language model. */
export const deniedWords = ['token', 'auth', 'secret', 'signature'] as const;

/** Headers that have a variable of their own, in lower case. */
const identityHeaders = new Set(['x-call-id', 'x-caller-id', 'x-twilio-callsid']);

export interface HeaderVariables {
  readonly variables: Readonly<Record<string, string>>;
  /** Fields that were meant to be passed on and were not. */
  readonly dropped: number;
}

/**
 * X- headers as `sip_<name>` (without `X-`, in lower case, `-` as `_`) and User-to-User (RFC 7433) as `sip_uui_raw`
 * and `sip_uui_data`. The first of two with the same name counts. Twilio's own X-Twilio-… come only from a trunk that
 * is trusted. A header in `attributes`, by its lower-case name, becomes the variable that is named there instead.
 */
export function headerVariables(
  headers: readonly HeaderField[],
  trusted: boolean,
  attributes: ReadonlyMap<string, string> = new Map(),
): HeaderVariables {
  const variables = new Map<string, string>();
  let fields = 0;
  let dropped = 0;
  for (const { name, value } of headers) {
    const lower = name.toLowerCase();
    const uui = lower === 'user-to-user';
    const attribute = attributes.get(lower);
    // These say who calls: `identity` reads them.
    if (attribute === 'call_id' || attribute === 'caller_id' || identityHeaders.has(lower)) continue;
    if (attribute === undefined && !uui && !lower.startsWith('x-')) continue;
    const variable = attribute ?? (uui ? 'sip_uui_raw' : variableName(lower));
    const text = cleanValue(value, headerLimits.valueBytes);
    const denied =
      deniedWords.some(word => lower.includes(word)) || (!trusted && lower.startsWith('x-twilio-'));
    if (
      variable === undefined ||
      text === undefined ||
      denied ||
      variables.has(variable) ||
      fields >= headerLimits.headers
    ) {
      dropped++;
      continue;
    }
    fields++;
    variables.set(variable, text);
    const data = uui && attribute === undefined ? userToUserData(text) : undefined;
    if (data !== undefined) variables.set('sip_uui_data', data);
  }
  return { variables: Object.fromEntries(variables), dropped };
}

/** What User-to-User and Identity are called. */
const taken = new Set(['uui_raw', 'uui_data', 'identity', 'identity_attest']);

/** The name of an X- header's variable; undefined when it has none, or would take that of another header. */
function variableName(lower: string): string | undefined {
  const rest = lower.slice(2).replaceAll('-', '_');
  if (rest === '' || !isToken(lower) || taken.has(rest)) return undefined;
  return `sip_${rest}`;
}

/** The text that User-to-User carries: its data without parameters, and decoded when `encoding=hex` (RFC 7433 section 4.1). */
function userToUserData(value: string): string | undefined {
  const [data = '', ...parameters] = value.split(';').map(part => part.trim());
  const bare = data.replace(/^"(.*)"$/, '$1');
  const encoding = parameters
    .find(parameter => /^encoding\s*=/i.test(parameter))
    ?.split('=')[1]
    ?.trim()
    .toLowerCase();
  if (encoding !== 'hex') return cleanValue(bare, headerLimits.valueBytes);
  if (!/^(?:[0-9a-f]{2})+$/i.test(bare)) return undefined;
  const text = Buffer.from(bare, 'hex').toString('utf8');
  // Bytes that are not text would reach the agent as replacement characters: it has the raw form.
  return text.includes('\ufffd') ? undefined : cleanValue(text, headerLimits.valueBytes);
}
