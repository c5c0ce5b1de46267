import { Failure, fail, ok, type Result } from '../../core/errors.ts';
import { parseCSeq } from '../embedded/message/cseq.ts';
import { messageLimits } from '../embedded/message/limits.ts';
import type { ParseFault, SipMessage, SipRequest, SipResponse } from '../embedded/message/message.ts';
import { parseMessage } from '../embedded/message/parser.ts';
import type { Source } from '../signalling.ts';

const badRequest: ParseFault = { status: 400, reason: 'Bad Request', fatal: false };

/**
 * Reads a request as the server wrote it down. What drachtio-srf makes of it joins repeated header fields and changes
 * the case of names, so our own parser reads it once more, and has the same last word as on the embedded stack.
 */
export function readRequest(raw: string): Result<SipRequest, ParseFault> {
  const read = readMessage(raw);
  if (!read.ok) return read;
  return read.value.kind === 'request' ? ok(read.value) : fail(badRequest);
}

export function readResponse(raw: string): Result<SipResponse> {
  const read = readMessage(raw);
  if (read.ok && read.value.kind === 'response') return ok(read.value);
  return fail(new Failure('bad-response', 'the response is not SIP'));
}

function readMessage(raw: string): Result<SipMessage, ParseFault> {
  const end = raw.indexOf('\r\n\r\n');
  const head = Buffer.from(end < 0 ? `${raw}\r\n\r\n` : raw.slice(0, end + 4), 'utf8');
  const body = Buffer.from(end < 0 ? '' : raw.slice(end + 4), 'utf8');
  if (head.length > messageLimits.headBytes || body.length > messageLimits.bodyBytes) {
    return fail({ ...badRequest, status: 413, reason: 'Request Entity Too Large' });
  }
  return parseMessage(head, body);
}

/** What the server says of a request's way here. */
export interface Arrival {
  readonly source_address: string;
  readonly source_port: number;
  readonly protocol: string;
  readonly receivedOn?: string;
  /** The connection to the server. */
  readonly socket: { readonly localAddress?: string | undefined };
}

/**
 * Where a request came from. Over anything but TLS it is as readable on its way as over TCP, and counts as that. Our end
 * is the server's own while both are on one machine, and else our address towards the server: sound comes to us.
 */
export function sourceOf({
  source_address,
  source_port,
  protocol,
  receivedOn = '',
  socket,
}: Arrival): Source {
  const secure = protocol === 'tls' || protocol === 'wss';
  const ours = (socket.localAddress ?? '').replace(/^::ffff:/i, '');
  const together = ours === '' || ours === '::1' || ours.startsWith('127.');
  const served = withoutBrackets(receivedOn.slice(0, Math.max(receivedOn.lastIndexOf(':'), 0)));
  return {
    transport: secure ? 'tls' : 'tcp',
    address: withoutBrackets(source_address),
    port: source_port,
    localAddress: together ? served : ours,
  };
}

function withoutBrackets(address: string): string {
  return address.startsWith('[') && address.endsWith(']') ? address.slice(1, -1) : address;
}

/** The number of its CSeq. */
export function sequenceOf({ headers }: SipRequest): number {
  return parseCSeq(headers.get('CSeq') ?? '')?.number ?? 0;
}
