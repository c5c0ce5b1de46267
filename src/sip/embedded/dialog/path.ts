import { isIP } from 'node:net';
import type { Source } from '../../signalling.ts';
import { parseCSeq } from '../message/cseq.ts';
import { Headers } from '../message/headers.ts';
import type { SipRequest } from '../message/message.ts';
import { type NameAddr, parseNameAddrList, parseUri, type SipUri } from '../message/uri.ts';
import { formatRequest } from '../message/writer.ts';
import { tagOf } from '../transaction/key.ts';
import type { Hop } from '../transport/dialer.ts';
import { userAgentLine } from './capabilities.ts';

/** Where peers reach us. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** What identifies a dialogue from our side (RFC 3261 section 12). */
export function dialogKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId} ${localTag} ${remoteTag}`;
}

/** The dialogue that a request names: Call-ID, the tag we gave out, the peer's tag. */
export function dialogKeyOf(request: SipRequest): string {
  const { headers } = request;
  return dialogKey(
    headers.get('Call-ID') ?? '',
    tagOf(headers.get('To')) ?? '',
    tagOf(headers.get('From')) ?? '',
  );
}

const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host);

/** Tags, sequence numbers, route set and targets of one dialogue, UAS side (RFC 3261 section 12.1.1). */
export class DialogPath {
  readonly key: string;
  /** Our Contact, ready to be written. */
  readonly contact: string;
  readonly #callId: string;
  readonly #local: string;
  readonly #remote: string;
  readonly #source: Source;
  readonly #us: HostPort;
  /** Section 12.1.1: Record-Route as it came, first element first. */
  readonly #routes: readonly NameAddr[];
  #target: string;
  #remoteSequence: number;
  #localSequence = 0;

  constructor(invite: SipRequest, localTag: string, source: Source, us: HostPort) {
    const { headers } = invite;
    this.#callId = headers.get('Call-ID') ?? '';
    this.#remote = headers.get('From') ?? '';
    this.#local = `${headers.get('To') ?? ''};tag=${localTag}`;
    this.#source = source;
    this.#us = us;
    this.#routes = parseNameAddrList(headers.all('Record-Route')) ?? [];
    this.#target = contactOf(invite) ?? parseNameAddrList(this.#remote)?.[0]?.uriText ?? '';
    this.#remoteSequence = parseCSeq(headers.get('CSeq') ?? '')?.number ?? 0;
    this.key = dialogKey(this.#callId, localTag, tagOf(this.#remote) ?? '');
    this.contact = this.#ourContact(invite);
  }

  /** Compares CSeq with the highest seen, and remembers a new one (section 12.2.2). */
  sequence(request: SipRequest): 'new' | 'same' | 'old' {
    const number = parseCSeq(request.headers.get('CSeq') ?? '')?.number ?? 0;
    if (number < this.#remoteSequence) return 'old';
    if (number === this.#remoteSequence) return 'same';
    this.#remoteSequence = number;
    return 'new';
  }

  /** Target refresh: where our requests go from now on (section 12.2.2). */
  refresh(request: SipRequest): void {
    this.#target = contactOf(request) ?? this.#target;
  }

  /** The first hop of our requests when no connection is left; undefined unless it is an IP literal. */
  nextHop(): Hop | undefined {
    const uri = this.#routes[0]?.uri ?? parseUri(this.#target);
    if (uri === undefined || isIP(uri.host) === 0) return undefined;
    const secure = uri.scheme === 'sips' || uri.params.get('transport')?.toLowerCase() === 'tls';
    const transport = secure ? 'tls' : 'tcp';
    return { transport, address: uri.host, port: uri.port ?? (secure ? 5061 : 5060) };
  }

  /** A request of ours inside the dialogue, with the next CSeq (section 12.2.1.1). */
  request(method: string, branch: string): Buffer {
    this.#localSequence++;
    const { host, port } = this.#us;
    const sentBy = `${bracketed(host)}:${port}`;
    const headers = new Headers()
      .add('Via', `SIP/2.0/${this.#source.transport.toUpperCase()} ${sentBy};branch=${branch};rport`)
      .add('Max-Forwards', '70');
    const first = this.#routes[0];
    let uri = this.#target;
    const rest = this.#routes.slice(1).map(route => route.uriText);
    if (first !== undefined && !first.uri.params.has('lr')) {
      // A strict router takes the Request-URI for itself, and the target travels last.
      uri = withoutParams(first);
      for (const route of [...rest, this.#target]) headers.add('Route', `<${route}>`);
    } else if (first !== undefined) {
      for (const route of [first.uriText, ...rest]) headers.add('Route', `<${route}>`);
    }
    headers
      .add('From', this.#local)
      .add('To', this.#remote)
      .add('Call-ID', this.#callId)
      .add('CSeq', `${this.#localSequence} ${method}`)
      .add(...userAgentLine);
    return formatRequest(method, uri, headers);
  }

  /** Section 12.1.1: the Contact is a SIPS URI when the request came for one. */
  #ourContact(invite: SipRequest): string {
    const route = this.#routes[0]?.uri ?? parseUri(this.#target);
    const secure = parseUri(invite.uri)?.scheme === 'sips' || route?.scheme === 'sips';
    const transport = secure ? 'tcp' : this.#source.transport;
    const scheme = secure ? 'sips' : 'sip';
    return `<${scheme}:${bracketed(this.#us.host)}:${this.#us.port};transport=${transport}>`;
  }
}

/** The URI of a message's Contact, when it has exactly one that we can send to. */
function contactOf(request: SipRequest): string | undefined {
  const contacts = parseNameAddrList(request.headers.all('Contact'));
  const contact = contacts?.length === 1 ? contacts[0] : undefined;
  return contact !== undefined && isReachable(contact.uri) ? withoutHeaders(contact.uriText) : undefined;
}

function isReachable(uri: SipUri): boolean {
  return uri.scheme === 'sip' || uri.scheme === 'sips';
}

/** Section 19.1.5: headers inside a URI are not for us to act on. */
function withoutHeaders(uriText: string): string {
  return uriText.split('?', 1)[0] ?? uriText;
}

/** Section 12.2.1.1: the Request-URI may not keep the `method` parameter nor headers. */
function withoutParams(route: NameAddr): string {
  return withoutHeaders(route.uriText).replace(/;method=[^;]*/i, '');
}
