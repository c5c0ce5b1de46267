import type { Ending } from '../core/ending.ts';
import type { Result } from '../core/errors.ts';

/** One header field as it came, in the order of the message; compact names are already written out. */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

/** Where a request really came from. */
export interface Source {
  readonly transport: 'tcp' | 'tls';
  /** IP literal and port of the peer's end of the connection. */
  readonly address: string;
  readonly port: number;
  /** IP literal of our end of it. */
  readonly localAddress: string;
}

/** A name-addr of From, To or P-Asserted-Identity taken apart (RFC 3261 section 20.10). */
export interface Identity {
  readonly displayName: string;
  /** The user part, unescaped once: `+14155550123`. Empty when the URI has none. */
  readonly user: string;
  readonly host: string;
}

/** What an INVITE said, without being a SIP message. */
export interface InviteFacts {
  readonly sipCallId: string;
  readonly source: Source;
  readonly from: Identity;
  readonly to: Identity;
  /** User part of the Request-URI, unescaped once: the number that was called. */
  readonly requestUser: string;
  /** Every header field of the request but credentials. */
  readonly headers: readonly HeaderField[];
  /** The SDP offer; absent when the peer wants us to offer (RFC 3264 section 4). */
  readonly offer?: string;
}

export interface RejectOptions {
  /** Seconds, for Retry-After. */
  readonly retryAfter?: number;
  /** Text of a `Warning: 399` header (or of `warningCode`), for a person. */
  readonly warning?: string;
  /** RFC 3261 section 20.43, 300..399. */
  readonly warningCode?: number;
}

/** What the other side gets for a re-offer: our answer, or a refusal that leaves the session as it was. */
export type ReofferAnswer =
  | { readonly sdp: string }
  | ({ readonly status: 488 | 491 | 500; readonly reason: string } & RejectOptions);

/**
 * One INVITE and the dialogue it makes. Members may be called in any state: what is too late is a value
 * (`answer` fails) or does nothing (`ring` after the end).
 */
export interface Dialogue {
  readonly facts: InviteFacts;
  /** 180 Ringing. */
  ring(): void;
  /** 183 Session Progress, with early media if `sdp` is given. */
  progress(sdp?: string): void;
  /**
   * Sends the 200 with our SDP and settles when its ACK has come: with the SDP of the ACK when that held the answer
   * to our offer. Fails with code `cancelled`, `ack-timeout` or `gone`.
   */
  answer(sdp: string): Promise<Result<{ readonly ackSdp?: string }>>;
  /** A final response from 300 to 699. `end` is the ending the call is recorded with. */
  reject(status: number, end: Ending, options?: RejectOptions): void;
  /** BYE once the dialogue is confirmed (before that: as soon as it is). */
  hangup(end: Ending): void;
  /** Called for each re-INVITE or UPDATE that has an offer, or has none and wants ours. One at a time. */
  onReoffer: (offer: string | undefined) => Promise<ReofferAnswer>;
  /** Body and content type of each INFO; false refuses it with 415. */
  onInfo: (contentType: string, body: string) => boolean;
  /** Settles once, when nothing more will come or go. */
  readonly ended: Promise<Ending>;
}

/** What is listened on, with the port that was really bound. */
export interface ListenAddress {
  readonly transport: 'tcp' | 'tls';
  readonly address: string;
  readonly port: number;
}

/** A SIP backend. It hands each acceptable new INVITE to `onInvite`, which was given at construction. */
export interface Signalling {
  listen(): Promise<readonly ListenAddress[]>;
  /** From now on new INVITEs and OPTIONS get 503; dialogues go on. */
  drain(): void;
  /** Closes listeners and connections. Dialogues that are still up get a BYE, waited for at most `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export type OnInvite = (dialogue: Dialogue) => void;
