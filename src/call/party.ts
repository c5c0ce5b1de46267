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
  /** `sip_<name>` variables from X- headers and `sip_uui_*`, already filtered and bounded. */
  readonly variables: Readonly<Record<string, string>>;
}

/** One telephone leg of any kind. It owns offer and answer; the controller never sees SDP. */
export interface Party {
  readonly facts: PartyFacts;
  /** Lets the caller hear ringing. */
  ring(): void;
  /**
   * Answers the call, settles when sound can flow both ways. A failure is the ending: the party is over and has
   * told its peer.
   */
  accept(): Promise<Result<void, Ending>>;
  /** Ends the party in whatever state it is; the reason decides between a final status and a BYE. Idempotent. */
  end(end: Ending): void;
  /** Settles once: with the peer's ending, or with the one given to `end` when that was first. */
  readonly ended: Promise<Ending>;
}
