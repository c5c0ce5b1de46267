import { parseNameAddrList } from '../sip/embedded/message/uri.ts';

/** What an INVITE says of whom it is for. */
export interface CalledFields {
  /** User part of the Request-URI. */
  readonly requestUser: string;
  /** Values of P-Called-Party-ID, in order. */
  readonly calledParty: readonly string[];
  /** User part of To. */
  readonly toUser: string;
}

/**
 * The user that was called. A trunk that we register with may call us by the name in our Contact, which is the user name; the
 * number is then in P-Called-Party-ID (RFC 7315 section 4.2), which counts from a trusted trunk alone, or in To.
 */
export function calledUser(
  { requestUser, calledParty, toUser }: CalledFields,
  { registeredAs, trusted }: { readonly registeredAs?: string | undefined; readonly trusted: boolean },
): string {
  if (registeredAs === undefined || requestUser !== registeredAs) return requestUser;
  return (trusted && userOf(calledParty)) || toUser || requestUser;
}

/** User part of the first address in a header field; empty when there is none. */
export function userOf(values: readonly string[]): string {
  return parseNameAddrList(values)?.[0]?.uri.user ?? '';
}
