import type { Ending } from '../core/ending.ts';
import type { Result } from '../core/errors.ts';

/** What is known about the telephone side of a call, whatever it came over. Built by `trunks/identity`. */
export interface PartyFacts {
  /** X-CALL-ID, else sip.twilio.callSid, else X-Twilio-CallSid, else the SIP Call-ID. */
  readonly callId: string;
  /** Twilio's CA… when one was given. */
  readonly callSid?: string;
  /** The caller's number in E.164 where it could be made so, else as given; empty when withheld. */
  readonly callerId: string;
  /** The number that was called, likewise. */
  readonly calledNumber: string;
  /** True when `callerId` came from a trunk whose word on identity counts: only then is it "the caller's own". */
  readonly callerTrusted: boolean;
  /** Name of the trunk the call came in on. */
  readonly trunk: string;
  /** Country (ISO 3166) of numbers without one in this call, by its number, trunk or the configuration. */
  readonly country?: string;
  /** `sip_<name>` variables from X- headers and `sip_uui_*`, already filtered and bounded. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Somebody whom a caller may be transferred to, checked when the configuration was read. */
export interface TransferTarget {
  readonly destination:
    | { readonly kind: 'phone' /** E.164. */; readonly number: string }
    | { readonly kind: 'sip'; readonly uri: string };
  /** Header fields of the REFER, or of the INVITE of a second leg. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  /** Value of User-to-User (RFC 7433) that the target shall get. */
  readonly userToUser?: string;
  /** Trunk that a second leg goes out over. */
  readonly trunk?: string;
  /** Keys and pauses that are pressed once a second leg has answered. */
  readonly postDialDigits?: string;
}

/** One telephone leg of any kind. It owns offer and answer; the controller never sees SDP. */
export interface Party {
  readonly facts: PartyFacts;
  /**
   * Only on a party that we call: settles at its first ringing. `accept` is what calls it then, and settles with its
   * answer.
   */
  readonly ringing?: Promise<void>;
  /** Lets the caller hear ringing. */
  ring(): void;
  /**
   * Answers the call, settles when sound can flow both ways. A failure is the ending: the party is over and has
   * told its peer.
   */
  accept(): Promise<Result<void, Ending>>;
  /** Ends the party in whatever state it is; the reason decides between a final status and a BYE. Idempotent. */
  end(end: Ending): void;
  /**
   * Has the peer's own side connect its telephone with the target. Success leaves this party to be ended; with a failure
   * the call goes on. Absent where the wire knows no transfers.
   */
  transfer?(target: TransferTarget): Promise<Result<void, Ending>>;
  /** Keeps the peer on hold, or takes it back. Absent where the wire knows no hold. */
  hold?(on: boolean): Promise<Result<void>>;
  /**
   * Set by the call: another telephone has taken the place of the one that was there (RFC 3891), in a dialogue with this
   * SIP Call-ID. `facts` are those of the new one by then.
   */
  onReplaced?: (sipCallId: string) => void;
  /** Settles once: with the peer's ending, or with the one given to `end` when that was first. */
  readonly ended: Promise<Ending>;
}
