import { isIP } from 'node:net';
import type { HeaderField, NextHop, Source } from '../../signalling.ts';
import { parseCSeq } from '../message/cseq.ts';
import { Headers } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { type NameAddr, parseNameAddr, parseNameAddrList, parseUri, type SipUri } from '../message/uri.ts';
import { formatRequest } from '../message/writer.ts';
import { tagOf } from '../transaction/key.ts';
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

/** What a dialogue starts from, whichever side made it (RFC 3261 section 12.1). */
export interface DialogOrigin {
  readonly callId: string;
  /** Values of From and To as our requests write them, tags included. */
  readonly local: string;
  readonly remote: string;
  readonly source: Source;
  /** Port 0: peers reach us over connections of ours alone. */
  readonly us: HostPort;
  /** In the order in which requests of ours pass them. */
  readonly routes: readonly NameAddr[];
  readonly target: string;
  /** Highest CSeq number that the peer has used; -1 while it has used none. */
  readonly remoteSequence: number;
  /** CSeq number of our latest request. */
  readonly localSequence: number;
  /** The INVITE was for a SIPS URI. */
  readonly secure: boolean;
}

/** The origin on the side that was called (section 12.1.1). */
export function uasOrigin(invite: SipRequest, localTag: string, source: Source, us: HostPort): DialogOrigin {
  const { headers } = invite;
  const remote = headers.get('From') ?? '';
  return {
    callId: headers.get('Call-ID') ?? '',
    local: `${headers.get('To') ?? ''};tag=${localTag}`,
    remote,
    source,
    us,
    // Record-Route as it came, first element first.
    routes: parseNameAddrList(headers.all('Record-Route')) ?? [],
    target: contactOf(invite) ?? parseNameAddrList(remote)?.[0]?.uriText ?? '',
    remoteSequence: parseCSeq(headers.get('CSeq') ?? '')?.number ?? 0,
    localSequence: 0,
    secure: parseUri(invite.uri)?.scheme === 'sips',
  };
}

/** The origin on the side that calls: from its INVITE and the response that made the dialogue (section 12.1.2). */
export function uacOrigin(
  invite: SipRequest,
  response: SipResponse,
  source: Source,
  us: HostPort,
): DialogOrigin {
  return {
    callId: invite.headers.get('Call-ID') ?? '',
    local: invite.headers.get('From') ?? '',
    remote: response.headers.get('To') ?? '',
    source,
    us,
    // Record-Route in reverse order.
    routes: (parseNameAddrList(response.headers.all('Record-Route')) ?? []).reverse(),
    target: contactOf(response) ?? invite.uri,
    remoteSequence: -1,
    localSequence: parseCSeq(invite.headers.get('CSeq') ?? '')?.number ?? 0,
    secure: parseUri(invite.uri)?.scheme === 'sips',
  };
}

/** What a request of ours has besides what every request inside its dialogue has. */
export interface RequestContent {
  /** Default: the next CSeq number. An ACK repeats that of its INVITE (section 13.2.2.4). */
  readonly sequence?: number;
  readonly headers?: readonly HeaderField[];
  readonly body?: { readonly type: string; readonly text: string };
}

/** Tags, sequence numbers, route set and targets of one dialogue (RFC 3261 section 12). */
export class DialogPath {
  readonly key: string;
  /** Our Contact, ready to be written. */
  readonly contact: string;
  /** Our own URI in From or To. */
  readonly localUri: string;
  readonly #callId: string;
  readonly #local: string;
  readonly #remote: string;
  readonly #source: Source;
  readonly #us: HostPort;
  readonly #routes: readonly NameAddr[];
  #target: string;
  #remoteSequence: number;
  #localSequence: number;

  constructor(origin: DialogOrigin) {
    this.#callId = origin.callId;
    this.#local = origin.local;
    this.#remote = origin.remote;
    this.#source = origin.source;
    this.#us = origin.us;
    this.#routes = origin.routes;
    this.#target = origin.target;
    this.#remoteSequence = origin.remoteSequence;
    this.#localSequence = origin.localSequence;
    this.key = dialogKey(this.#callId, tagOf(this.#local) ?? '', tagOf(this.#remote) ?? '');
    this.contact = this.#ourContact(origin.secure);
    this.localUri = parseNameAddr(origin.local)?.uriText ?? '';
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
  refresh(message: SipRequest | SipResponse): void {
    this.#target = contactOf(message) ?? this.#target;
  }

  /**
   * The first hop of our requests when no connection is left; undefined unless it is an IP literal. Where it names no
   * transport of ours it is reached as its peer has reached us: what came over TLS is not answered in the clear.
   */
  nextHop(): NextHop | undefined {
    const uri = this.#routes[0]?.uri ?? parseUri(this.#target);
    if (uri === undefined || isIP(uri.host) === 0) return undefined;
    const named = uri.params.get('transport')?.toLowerCase();
    const usual = named === 'tcp' || named === 'tls' ? named : this.#source.transport;
    const transport = uri.scheme === 'sips' ? 'tls' : usual;
    return { transport, address: uri.host, port: uri.port ?? (transport === 'tls' ? 5061 : 5060) };
  }

  /** A request of ours inside the dialogue, ready to be sent. */
  request(method: string, branch: string, content: RequestContent = {}): Buffer {
    const { uri, headers, body } = this.compose(method, branch, content);
    return formatRequest(method, uri, headers, body);
  }

  /** A request of ours inside the dialogue (section 12.2.1.1). */
  compose(method: string, branch: string, content: RequestContent = {}): SipRequest {
    if (content.sequence === undefined) this.#localSequence++;
    const headers = new Headers().add('Via', viaOf(this.#source, this.#us, branch)).add('Max-Forwards', '70');
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
      .add('CSeq', `${content.sequence ?? this.#localSequence} ${method}`)
      .add(...userAgentLine);
    for (const { name, value } of content.headers ?? []) headers.add(name, value);
    if (content.body !== undefined) headers.add('Content-Type', content.body.type);
    return { kind: 'request', method, uri, headers, body: Buffer.from(content.body?.text ?? '') };
  }

  /** Section 12.1.1: the Contact is a SIPS URI when the request was for one, or the way to the peer is one. */
  #ourContact(sips: boolean): string {
    const route = this.#routes[0]?.uri ?? parseUri(this.#target);
    return contactLine(this.#us, this.#source.transport, sips || route?.scheme === 'sips');
  }
}

/** Our Via over a connection, with `rport` (RFC 3581 section 3). */
export function viaOf(source: Source, us: HostPort, branch: string): string {
  return `SIP/2.0/${source.transport.toUpperCase()} ${placeOf(us)};branch=${branch};rport`;
}

/** Our Contact, ready to be written. */
export function contactLine(us: HostPort, transport: 'tcp' | 'tls', secure = false): string {
  return `<${secure ? 'sips' : 'sip'}:${placeOf(us)};transport=${secure ? 'tcp' : transport}>`;
}

const placeOf = ({ host, port }: HostPort) => (port === 0 ? bracketed(host) : `${bracketed(host)}:${port}`);

/** The URI of a message's Contact, when it has exactly one that we can send to. */
function contactOf(message: SipRequest | SipResponse): string | undefined {
  const contacts = parseNameAddrList(message.headers.all('Contact'));
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
