import type { PartyFacts } from '../call/party.ts';
import type { Ending } from '../core/ending.ts';
import type { Result } from '../core/errors.ts';
import type { SessionDescription } from '../sdp/description.ts';
import type { LocalSide } from '../sdp/negotiation.ts';

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
  /** Names in the peer's TLS certificate, lower case; absent unless it gave one that was verified. */
  readonly certificateNames?: readonly string[];
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
  /** Name of the trunk it was let in over, where the backend asks a gate (`Admission`). */
  readonly trunk?: string;
  /** Every header field of the request but credentials. */
  readonly headers: readonly HeaderField[];
  /** The SDP offer; absent when the peer wants us to offer (RFC 3264 section 4). */
  readonly offer?: string;
}

/** A request outside of any dialogue as it stands at the gate: nothing in it has been believed yet. */
export interface RequestFacts {
  readonly method: string;
  /** Request-URI exactly as sent: credentials are bound to it. */
  readonly uri: string;
  /** Its user part, unescaped once. */
  readonly requestUser: string;
  readonly source: Source;
  /** For how long its connection has had more to read than was read of it, ms. */
  readonly behindMs?: number;
  /** Values of every header field of that name, in order. */
  header(name: string): readonly string[];
}

/** What becomes of a request at the gate. */
export type Admission =
  | { readonly verdict: 'pass'; readonly trunk?: string }
  | {
      readonly verdict: 'refuse';
      readonly status: number;
      readonly end: Ending;
      readonly headers: readonly (readonly [name: string, value: string])[];
    }
  /** Nothing is answered, and its connection is closed unless a call is on it. */
  | { readonly verdict: 'drop' };

export interface RejectOptions {
  /** Seconds, for Retry-After. */
  readonly retryAfter?: number;
  /** Text of a `Warning: 399` header (or of `warningCode`), for a person. */
  readonly warning?: string;
  /** RFC 3261 section 20.43, 300..399. */
  readonly warningCode?: number;
}

/**
 * What the other side gets for a re-offer: our SDP, or a refusal that leaves the session as it was. The SDP counts
 * from `sent` on, which is called as it leaves; an answer that comes too late (CANCEL, BYE) is dropped without it.
 * Where there was no offer the SDP is ours to offer: `answered` gets what the ACK held.
 */
export type ReofferAnswer =
  | {
      readonly sdp: string;
      readonly sent?: () => void;
      readonly answered?: (sdp: string | undefined) => void;
    }
  | ({ readonly status: 488 | 491 | 500; readonly reason: string } & RejectOptions);

/** Whom the peer is to call in our place. */
export interface ReferRequest {
  /** A URI as Refer-To has it, already checked, with header fields for the peer's INVITE behind `?`. */
  readonly uri: string;
  /** Further fields of the REFER, already checked. */
  readonly headers: readonly HeaderField[];
  /** Called for each provisional status that the peer tells of. */
  readonly onProgress?: (status: number) => void;
}

/** An INVITE that was let in to take over a call, and what its telephone is told. */
export interface Replacement {
  readonly dialogue: Dialogue;
  readonly facts: PartyFacts;
  /** Found fit to be answered; absent when the peer wants ours. */
  readonly offer: SessionDescription | undefined;
  readonly local: LocalSide;
}

/** A dialogue that is up, and whose call another one may take over (RFC 3891). */
export interface Replaceable {
  /**
   * Answers the INVITE in the place of this dialogue, which is then hung up. A failure has answered nothing, or has taken
   * the answer back: the call goes on as it was. Absent where nobody has the call.
   */
  onReplace?: (by: Replacement) => Promise<Result<void, Ending>>;
}

/**
 * One INVITE and the dialogue it makes. Members may be called in any state: what is too late is a value
 * (`answer` fails) or does nothing (`ring` after the end).
 */
export interface Dialogue extends Replaceable {
  readonly facts: InviteFacts;
  /** Whose call this INVITE wants to take over: one that is up, on the same trunk. Absent for every other INVITE. */
  readonly replaces?: Replaceable;
  /** 180 Ringing. */
  ring(): void;
  /**
   * 183 Session Progress. With `sdp` it opens early media: from then on the answer is given, and the 200 has to say
   * the same. Where the caller requires reliable provisional responses (RFC 3262) it is one.
   */
  progress(sdp?: string): void;
  /**
   * Sends the 200 with our SDP and settles when its ACK has come: with the SDP of the ACK (or PRACK) when that held the
   * answer to our offer. Fails with code `cancelled`, `ack-timeout` or `gone`.
   */
  answer(sdp: string): Promise<Result<{ readonly ackSdp?: string }>>;
  /** A final response from 300 to 699. `end` is the ending the call is recorded with. */
  reject(status: number, end: Ending, options?: RejectOptions): void;
  /** BYE once the dialogue is confirmed (before that: as soon as it is), with these header fields in it. */
  hangup(end: Ending, headers?: readonly HeaderField[]): void;
  /** Called for each re-INVITE or UPDATE that has an offer, or has none and wants ours. One at a time. */
  onReoffer: (offer: string | undefined) => Promise<ReofferAnswer>;
  /**
   * Offers the peer a changed session once the call is up, and settles with its answer: after the peer's own
   * re-offer, when one is under way. `offer` is asked for the SDP of each sending. Fails with `busy`, `glare`, `refused`, `no-answer`, `lost` or `gone`; the
   * session is then what it was.
   */
  reoffer(offer: () => string): Promise<Result<{ readonly sdp: string }>>;
  /**
   * Asks the peer to call somebody in our place (RFC 3515), and settles once it has told how that went, has hung up to do
   * it, or has said nothing for too long. `transfer-refused` is a peer that does not take REFER; whatever failed, the
   * call goes on. What succeeded is for the caller to hang up.
   */
  refer(request: ReferRequest): Promise<Result<void, Ending>>;
  /** The backend has refreshed the session with the SDP in force, and the peer has answered with this. */
  onRefreshed: (sdp: string) => void;
  /**
   * Asked, now and then, while there is no connection to the peer of a call that is up: true lets it go on, because its
   * sound is watched, and the end of that would end it. Absent or false: it ends.
   */
  outlives?: () => boolean;
  /** Body and content type of each INFO; false refuses it with 415. */
  onInfo: (contentType: string, body: string) => boolean;
  /** Settles once, when nothing more will come or go. */
  readonly ended: Promise<Ending>;
}

/** One place where a trunk may be reached, already looked up. */
export interface NextHop {
  readonly transport: 'tcp' | 'tls';
  /** IP literal. */
  readonly address: string;
  readonly port: number;
  /** Over tls: the name that the certificate has to be good for; default: the address (RFC 5922 section 7.1). */
  readonly serverName?: string;
  /** Over tls: PEM of the roots that are believed, in the place of the system's. */
  readonly ca?: string;
  /** Over tls: false takes any certificate. */
  readonly verify?: false;
}

/** A 401 or 407 to a request of ours. */
export interface Challenge {
  readonly status: 401 | 407;
  /** Values of WWW-Authenticate or Proxy-Authenticate, in order. */
  readonly values: readonly string[];
  readonly method: string;
  readonly uri: string;
}

/** The answer to a challenge: value of Authorization or Proxy-Authorization. */
export interface ChallengeAnswer {
  readonly value: string;
  /** The credentials were good and only their nonce was old. */
  readonly stale: boolean;
}

export interface OutboundOptions {
  /** Name of the trunk that it goes out over: calls of that trunk may take it over (RFC 3891). */
  readonly trunk?: string;
  /** Who is called and who calls: user parts of Request-URI and To, and of From. */
  readonly to: string;
  readonly from: string;
  readonly displayName?: string;
  /** Call-ID; default: 80 random bits. */
  readonly callId?: string;
  /** Host of the trunk in Request-URI and To, with a port where one was configured. */
  readonly host: string;
  /** Further fields of the INVITE, already checked. */
  readonly headers: readonly HeaderField[];
  /** Answers a challenge; undefined when it is none of ours. */
  readonly authorize?: (challenge: Challenge) => ChallengeAnswer | undefined;
  /** How long it may ring, ms. */
  readonly ringMs: number;
}

export interface RegisterOptions extends Pick<OutboundOptions, 'from' | 'host' | 'authorize' | 'headers'> {
  /** How long a registration shall hold, s; the registrar may shorten it. */
  readonly seconds: number;
  /**
   * Told each time that it begins or ceases to hold, and of each try that comes to nothing; `status` is that of the
   * registrar, 0 when there was none. `why` is missing where it holds, and where it was taken back by us.
   */
  readonly onChange: (registered: boolean, status: number, why?: string) => void;
}

/** A registration that is kept up (RFC 3261 section 10): the registrar then sends us its calls. */
export interface Registration {
  readonly registered: boolean;
  /** Takes it back. Settles when the registrar knows, or cannot be told. */
  stop(): Promise<void>;
}

/** A backend that can register; not every one can. */
export interface Registering {
  /** Registers, and keeps doing so. `route` is asked before each try: names may come to mean other addresses. */
  register(route: () => Promise<readonly NextHop[]>, options: RegisterOptions): Registration;
}

/**
 * A call of ours: an INVITE on its way, and the dialogue it makes. `hangup` before the answer gives the call up: CANCEL
 * as soon as one may be sent, and should the answer cross it, BYE.
 */
export interface OutboundDialogue
  extends Omit<Dialogue, 'facts' | 'replaces' | 'ring' | 'progress' | 'answer' | 'reject'> {
  readonly sipCallId: string;
  /** Each provisional response but 100, with the SDP that it brought along. */
  onProgress: (status: number, sdp: string | undefined) => void;
  /** Settles once: with the SDP of the 200, or with why there was none. */
  readonly answered: Promise<Result<{ readonly sdp?: string }, Ending>>;
}

/** What is listened on, with the port that was really bound. */
export interface ListenAddress {
  readonly transport: 'tcp' | 'tls';
  readonly address: string;
  readonly port: number;
  /** Over tls: whether peers are asked for a certificate; default none. */
  readonly clientCertificate?: 'none' | 'optional' | 'required';
}

/** A SIP backend. It hands each acceptable new INVITE to `onInvite`, which was given at construction. */
export interface Signalling {
  listen(): Promise<readonly ListenAddress[]>;
  /**
   * Calls over the first hop of `route` that takes the call; which of the others are tried is decided by RFC 3261
   * section 8.1.3.4 and RFC 3263 section 4.3.
   */
  call(route: readonly NextHop[], offer: string, options: OutboundOptions): OutboundDialogue;
  /** From now on new INVITEs and OPTIONS get 503; dialogues go on. */
  drain(): void;
  /** Closes listeners and connections. Dialogues that are still up get a BYE, waited for at most `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export type OnInvite = (dialogue: Dialogue) => void;
