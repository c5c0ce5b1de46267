/** A session description (RFC 8866), as far as offer and answer need it: lines without a meaning here are dropped. */
export interface SessionDescription {
  readonly origin: Origin;
  /** Value of s=. */
  readonly name: string;
  /** c= before the first m=. */
  readonly connection?: Connection;
  /** Value of t=, two numbers. */
  readonly timing: string;
  readonly attributes: readonly Attribute[];
  readonly media: readonly MediaDescription[];
}

/** o= (RFC 8866 section 5.2). Numbers stay text: peers write 64 bits and more. */
export interface Origin {
  readonly user: string;
  readonly sessionId: string;
  readonly version: string;
  /** IP literal or host name; never used to send anything to. */
  readonly address: string;
}

/** c= with an IP literal that is no multicast group (RFC 8866 section 5.7). */
export interface Connection {
  readonly family: 4 | 6;
  readonly address: string;
}

/** a=; `value` is absent from a flag such as a=sendonly. */
export interface Attribute {
  readonly name: string;
  readonly value?: string;
}

/** m= with the lines below it (RFC 8866 section 5.14). */
export interface MediaDescription {
  readonly media: string;
  /** 0..65535; 0 is a line that is refused or switched off. */
  readonly port: number;
  /** Such as RTP/AVP. */
  readonly protocol: string;
  /** Payload numbers, for RTP profiles. */
  readonly formats: readonly string[];
  readonly connection?: Connection;
  readonly attributes: readonly Attribute[];
}

/** Value of the first attribute of that name; empty text for a flag. */
export function attribute(attributes: readonly Attribute[], name: string): string | undefined {
  const found = attributes.find(each => each.name === name);
  return found && (found.value ?? '');
}
