import type { Headers } from './headers.ts';

/** A SIP request, parsed (RFC 3261 section 7.1). Bodies stay bytes. */
export interface SipRequest {
  readonly kind: 'request';
  /** Case-sensitive token. */
  readonly method: string;
  /** Request-URI exactly as sent. */
  readonly uri: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** A SIP response, parsed (RFC 3261 section 7.2). */
export interface SipResponse {
  readonly kind: 'response';
  /** 100..699 */
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

export type SipMessage = SipRequest | SipResponse;

/** Why a message was not taken, with what an answer to it needs. */
export interface ParseFault {
  /** Status that the sender gets: 400, 413, 414, 416, 505 ...; 0 when nothing may be answered (a response, or no Via). */
  readonly status: number;
  /** Reason phrase for the answer and the log: constant text, nothing of the message. */
  readonly reason: string;
  /** True when the stream cannot be trusted any more and the connection must go (a framing error). */
  readonly fatal: boolean;
  /** The request as far as it could be read, so that Via, From, To, Call-ID and CSeq can be echoed. */
  readonly request?: SipRequest;
}
