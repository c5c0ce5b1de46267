import type { HeaderField, OutboundOptions, Source } from '../../signalling.ts';
import { Challenges } from '../challenges.ts';
import { Headers } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { newToken } from '../transaction/token.ts';
import { allowLine, sdpType, userAgentLine } from './capabilities.ts';
import { contactLine, type HostPort, viaOf } from './path.ts';

/** The INVITEs of one call: each try has a CSeq and branch of its own, Call-ID and From tag stay (section 8.1.3.5). */
export class OutgoingInvite {
  readonly callId: string;
  readonly #options: OutboundOptions;
  readonly #offer: string;
  readonly #tag = newToken();
  #sequence = 0;
  readonly #challenges: Challenges;

  constructor(offer: string, options: OutboundOptions) {
    this.callId = options.callId ?? newToken();
    this.#offer = offer;
    this.#options = options;
    this.#challenges = new Challenges(options.authorize);
  }

  /** CSeq number of the latest try. */
  get sequence(): number {
    return this.#sequence;
  }

  /** What an ACK to a 2xx repeats of the INVITE (RFC 3261 section 22.1). */
  get credentials(): readonly HeaderField[] {
    return this.#challenges.fields;
  }

  /** The next try, over a connection that reaches the peer at `source`. */
  next(branch: string, source: Source, us: HostPort): SipRequest {
    const { to, from, displayName, host, headers: more } = this.#options;
    this.#sequence++;
    const name = displayName === undefined ? '' : `"${displayName.replace(/["\\]/g, '\\$&')}" `;
    const headers = new Headers()
      .add('Via', viaOf(source, us, branch))
      .add('Max-Forwards', '70')
      .add('From', `${name}<sip:${escapeUser(from)}@${host}>;tag=${this.#tag}`)
      .add('To', `<sip:${escapeUser(to)}@${host}>`)
      .add('Call-ID', this.callId)
      .add('CSeq', `${this.#sequence} INVITE`)
      .add('Contact', contactLine(us, source.transport))
      .add(...allowLine)
      // Not 100rel: a reliable provisional response would want a PRACK of ours.
      .add('Supported', 'replaces, timer')
      .add(...userAgentLine);
    for (const field of [...more, ...this.credentials]) headers.add(field.name, field.value);
    headers.add('Content-Type', sdpType);
    const uri = `sip:${escapeUser(to)}@${host};transport=${source.transport}`;
    return { kind: 'request', method: 'INVITE', uri, headers, body: Buffer.from(this.#offer, 'utf8') };
  }

  /** The latest try had credentials. */
  get signed(): boolean {
    return this.#challenges.signed;
  }

  /** The next hop knows nothing of the challenge of the one before. */
  forget(): void {
    this.#challenges.forget();
  }

  /** Takes a 401 or 407 to `request`; true when the next try has an answer to it that the peer has not seen refused. */
  challenged(request: SipRequest, response: SipResponse): boolean {
    return this.#challenges.take(request.method, request.uri, response);
  }
}

/** A user part with everything escaped that is not plain (RFC 3261 section 25.1); `+` and digits stay. */
export function escapeUser(user: string): string {
  return encodeURIComponent(user).replaceAll('%2B', '+');
}
