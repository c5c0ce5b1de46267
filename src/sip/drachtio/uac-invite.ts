import { Challenges } from '../embedded/challenges.ts';
import type { SipResponse } from '../embedded/message/message.ts';
import { newToken } from '../embedded/transaction/token.ts';
import type { NextHop, OutboundOptions } from '../signalling.ts';
import { allowLine, supportedLine } from './capabilities.ts';

/** The INVITEs of one call: each try has a CSeq of its own, Call-ID and From tag stay (RFC 3261 section 8.1.3.5). */
export class OutgoingInvite {
  readonly callId: string;
  readonly uri: string;
  readonly #options: OutboundOptions;
  readonly #tag = newToken();
  #sequence = 0;
  readonly #challenges: Challenges;

  constructor(options: OutboundOptions) {
    this.callId = options.callId ?? newToken();
    this.uri = `sip:${escapeUser(options.to)}@${options.host}`;
    this.#options = options;
    this.#challenges = new Challenges(options.authorize);
  }

  /** Header fields of the next try; the server adds Via, Contact and the rest. */
  next(): readonly (readonly [name: string, value: string])[] {
    const { to, from, displayName, host, headers } = this.#options;
    this.#sequence++;
    const name = displayName === undefined ? '' : `"${displayName.replace(/["\\]/g, '\\$&')}" `;
    const more = [...headers, ...this.#challenges.fields];
    return [
      ['From', `${name}<sip:${escapeUser(from)}@${host}>;tag=${this.#tag}`],
      ['To', `<sip:${escapeUser(to)}@${host}>`],
      ['Call-ID', this.callId],
      ['CSeq', `${this.#sequence} INVITE`],
      allowLine,
      supportedLine,
      ['Content-Type', 'application/sdp'],
      ...more.map(field => [field.name, field.value] as const),
    ];
  }

  /** The latest try had credentials. */
  get signed(): boolean {
    return this.#challenges.signed;
  }

  /** The next hop knows nothing of the challenge of the one before. */
  forget(): void {
    this.#challenges.forget();
  }

  /** Takes a 401 or 407; true when the next try has an answer to it that the peer has not seen refused. */
  challenged(response: SipResponse): boolean {
    return this.#challenges.take('INVITE', this.uri, response);
  }
}

/** Where the server sends it, whatever the Request-URI says. */
export function proxyUri({ transport, address, port }: NextHop): string {
  return `sip:${address.includes(':') ? `[${address}]` : address}:${port};transport=${transport}`;
}

/** A user part with everything escaped that is not plain (RFC 3261 section 25.1); `+` and digits stay. */
function escapeUser(user: string): string {
  return encodeURIComponent(user).replaceAll('%2B', '+');
}
