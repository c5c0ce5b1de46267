/** Bounds of one SIP message on a stream. Every one is checked before what it bounds is copied, split or kept. */
export const messageLimits = {
  /** Head and body together, octets. */
  messageBytes: 65_536,
  /** Start line and header section with the empty line, octets. */
  headBytes: 32_768,
  /** Start line, octets; a longer one in a request is answered 414. */
  uriBytes: 2_048,
  /** One header field, unfolded, octets. */
  headerLineBytes: 8_192,
  /** Header fields of a message, counted as rows. */
  headerCount: 256,
  /** Body, octets; a larger Content-Length is answered 413. */
  bodyBytes: 32_768,
  /** Via values, over all rows. */
  viaCount: 70,
  /** Route and Record-Route values together. */
  routeCount: 32,
  /** Contact values of a request. */
  contactCount: 8,
  /** Authorization and Proxy-Authorization rows together. */
  credentialsCount: 4,
} as const;

export type MessageLimits = { readonly [name in keyof typeof messageLimits]: number };
