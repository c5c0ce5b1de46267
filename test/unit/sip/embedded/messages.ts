import { StreamFramer } from '../../../../src/sip/embedded/message/framer.ts';
import type { SipMessage, SipRequest, SipResponse } from '../../../../src/sip/embedded/message/message.ts';
import { parseMessage } from '../../../../src/sip/embedded/message/parser.ts';

export const offer =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n';

export interface RequestSpec {
  readonly uri?: string;
  readonly branch?: string;
  readonly callId?: string;
  readonly fromTag?: string;
  readonly toTag?: string | undefined;
  readonly cseq?: number;
  readonly cseqMethod?: string;
  readonly via?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly type?: string;
  readonly contact?: string | null;
}

/** A request as a peer writes it. */
export function request(method: string, spec: RequestSpec = {}): string {
  const body = spec.body ?? '';
  const toTag = spec.toTag === undefined ? '' : `;tag=${spec.toTag}`;
  const contact = spec.contact === undefined ? '<sip:alice@192.0.2.10:5062;transport=tcp>' : spec.contact;
  const lines = [
    `${method} ${spec.uri ?? 'sip:+18005550100@192.0.2.1'} SIP/2.0`,
    spec.via ?? `Via: SIP/2.0/TCP 192.0.2.10:5062;branch=${spec.branch ?? 'z9hG4bKinvite'}`,
    'Max-Forwards: 70',
    `From: "Alice" <sip:+14155550123@192.0.2.10>;tag=${spec.fromTag ?? 'alice'}`,
    `To: <sip:+18005550100@192.0.2.1>${toTag}`,
    `Call-ID: ${spec.callId ?? 'call-1@192.0.2.10'}`,
    `CSeq: ${spec.cseq ?? 1} ${spec.cseqMethod ?? method}`,
    ...(contact === null ? [] : [`Contact: ${contact}`]),
    ...(spec.headers ?? []),
    ...(body === '' ? [] : [`Content-Type: ${spec.type ?? 'application/sdp'}`]),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

export const invite = (spec: RequestSpec = {}): string => request('INVITE', { body: offer, ...spec });

/** What a peer answers to a request of ours. */
export function answerTo(ours: SipRequest, status: number): string {
  const lines = [`SIP/2.0 ${status} Whatever`];
  for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq']) {
    for (const value of ours.headers.all(name)) lines.push(`${name}: ${value}`);
  }
  return `${lines.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`;
}

/** A 2xx with SDP to a re-INVITE of ours. */
export function accepting(ours: SipRequest, sdp: string, headers: readonly string[] = []): string {
  const head = answerTo(ours, 200).replace('Content-Length: 0\r\n\r\n', '');
  const lines = [
    'Contact: <sip:alice@127.0.0.1:5062;transport=tcp>',
    ...headers,
    'Content-Type: application/sdp',
    `Content-Length: ${sdp.length}`,
  ];
  return `${head}${lines.join('\r\n')}\r\n\r\n${sdp}`;
}

export function parse(text: string): SipMessage {
  const framer = new StreamFramer();
  framer.push(Buffer.from(text));
  const frame = framer.next();
  if (frame?.type !== 'message') throw new Error('not one message');
  const parsed = parseMessage(frame.head, frame.body);
  if (!parsed.ok) throw new Error(parsed.failure.reason);
  return parsed.value;
}

export function parseRequest(text: string): SipRequest {
  const message = parse(text);
  if (message.kind !== 'request') throw new Error('not a request');
  return message;
}

/** The tag that a response put on To. */
export function toTagOf(response: SipResponse): string {
  const tag = /;tag=([^;]+)/.exec(response.headers.get('To') ?? '')?.[1];
  if (tag === undefined) throw new Error('the response has no To tag');
  return tag;
}
