import type { Party, PartyFacts, TransferTarget } from '../call/party.ts';
import type { Clock } from '../core/clock.ts';
import { type Ending, ending } from '../core/ending.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { connectStream, type DialTarget, dial, hangUp, redirectTo, rejectCall } from '../twilio/twiml.ts';
import type { Leg, LegStream, StreamTicket } from '../worker/legs.ts';
import { streamLimits, ticketParameter } from './limits.ts';

/** What a call may fall back to that the agent does not take. */
export type VoiceFallback =
  | { readonly kind: 'reject' | 'busy' }
  | { readonly kind: 'redirect'; readonly url: string }
  | { readonly kind: 'dial'; readonly target: DialTarget };

/** Where Twilio reaches us for one call; every URL is below PUBLIC_URL. */
export interface StreamUrls {
  /** wss, for this call alone. */
  readonly media: string;
  readonly next: string;
  readonly status: string;
  /** Asked when somebody was put through and is over, or was never reached. */
  readonly dialled: string;
}

export interface StreamPartyParts {
  readonly facts: PartyFacts;
  readonly leg: Leg;
  readonly urls: StreamUrls;
  readonly fallback: VoiceFallback;
  /** Lets the connection of this call through to its worker; it is taken back when the party is over. */
  readonly admit: (stream: LegStream) => () => void;
  /** What the stream of this call is let in with. */
  readonly ticket: () => StreamTicket;
  /** Has Twilio end the call; what comes of that is of no matter. */
  readonly complete: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Endings for which a caller should hear that it is busy here, whatever the number falls back to. */
const busy: ReadonlySet<string> = new Set(['agent-busy', 'draining', 'shutdown']);

/**
 * A telephone leg over Twilio's media streams. Before the answer it is a webhook that waits for its TwiML: that is how
 * it is answered or refused. After it, closing the stream makes Twilio ask what comes next, which is how the call is ended or
 * put through. Twilio knows no hold here, so there is none.
 */
export class StreamParty implements Party {
  readonly facts: PartyFacts;
  readonly ended: Promise<Ending>;
  /** The TwiML that the webhook is answered with. */
  readonly answer: Promise<string>;
  readonly #parts: StreamPartyParts;
  #phase: 'early' | 'answered' | 'over' = 'early';
  #reply: (twiml: string) => void = () => undefined;
  #settle: (end: Ending) => void = () => undefined;
  #withdraw: () => void = () => undefined;
  /** What Twilio is told to do when the stream is over. */
  #next = hangUp();
  #goneAtTwilio = false;

  constructor(parts: StreamPartyParts) {
    this.#parts = parts;
    this.facts = parts.facts;
    this.ended = new Promise(resolve => {
      this.#settle = resolve;
    });
    this.answer = new Promise(resolve => {
      this.#reply = resolve;
    });
    void parts.leg.stream?.ended.then(end => this.#lost(end));
  }

  /** The caller hears ringing as long as the webhook is not answered. */
  ring(): void {
    return undefined;
  }

  async accept(): Promise<Result<void, Ending>> {
    const { leg, urls, clock, admit } = this.#parts;
    const { stream } = leg;
    if (this.#phase !== 'early' || stream === undefined) return fail(await this.ended);
    this.#phase = 'answered';
    const ticket = this.#parts.ticket();
    stream.expect(ticket);
    this.#withdraw = admit(stream);
    this.#reply(connectStream({ ...urls, url: urls.media, parameters: { [ticketParameter]: ticket.text } }));
    let late: { cancel(): void } | undefined;
    const timeout = new Promise<'late'>(resolve => {
      late = clock.timer(streamLimits.ticketMs, () => resolve('late'));
    });
    const outcome = await Promise.race([stream.started.then(() => 'there' as const), this.ended, timeout]);
    late?.cancel();
    // Its address is good once, by whichever way it came.
    if (outcome !== 'late') this.#withdraw();
    if (outcome === 'late') this.end(ending('stream-timeout'));
    return outcome === 'there' ? ok(undefined) : fail(await this.ended);
  }

  end(end: Ending): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'early') this.#reply(this.#refusal(end));
    else if (!this.#goneAtTwilio && end.reason !== 'transferred') this.#parts.complete();
    this.#over(end);
  }

  /** Twilio puts the caller through once the stream is closed, which ends this party. */
  async transfer(target: TransferTarget): Promise<Result<void, Ending>> {
    if (this.#phase !== 'answered') return fail(ending('transfer-failed', 'the call is not up'));
    this.#next = dial(target, this.#parts.urls.dialled);
    return ok(undefined);
  }

  /** What comes after the stream; asked by Twilio when it is over. */
  get next(): string {
    return this.#next;
  }

  /** Twilio says that the call is over: the caller hung up, perhaps before it was answered. */
  gone(): void {
    this.#goneAtTwilio = true;
    const early = this.#phase === 'early';
    if (early) this.#reply(hangUp());
    this.#over(ending(early ? 'caller-cancelled' : 'caller-hung-up'));
  }

  #lost(end: Ending): void {
    if (end.reason === 'caller-hung-up') this.#goneAtTwilio = true;
    if (this.#phase === 'answered' && !this.#goneAtTwilio) this.#parts.complete();
    if (this.#phase === 'early') this.end(end);
    else this.#over(end);
  }

  #refusal(end: Ending): string {
    if (busy.has(end.reason)) return rejectCall('busy');
    return fallbackTwiml(this.#parts.fallback, this.#parts.urls.dialled);
  }

  #over(end: Ending): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#withdraw();
    this.#settle(end);
  }
}

/** What is done with a call that no agent takes. */
export function fallbackTwiml(fallback: VoiceFallback, dialled?: string): string {
  switch (fallback.kind) {
    case 'dial':
      return dial(fallback.target, dialled);
    case 'redirect':
      return redirectTo(fallback.url);
    case 'busy':
      return rejectCall('busy');
    case 'reject':
      return rejectCall('rejected');
  }
}
