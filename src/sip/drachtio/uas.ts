import type { Socket } from 'node:net';
import type { Timer } from '../../core/clock.ts';
import { type Deferred, deferred } from '../../core/deferred.ts';
import { type Ending, ending } from '../../core/ending.ts';
import { Failure, fail, messageOf, ok, type Result } from '../../core/errors.ts';
import { sdpType } from '../embedded/dialog/capabilities.ts';
import { factsOf } from '../embedded/dialog/facts.ts';
import { statedReason } from '../embedded/dialog/reason.ts';
import { refusal } from '../embedded/dialog/refusal.ts';
import {
  answerLines,
  readSessionWish,
  type SessionTerms,
  termsOfRequest,
} from '../embedded/dialog/session-expires.ts';
import type { SipRequest } from '../embedded/message/message.ts';
import type { Answer } from '../embedded/transaction/server.ts';
import { accepts, step } from '../embedded/transaction/table.ts';
import type {
  Dialogue,
  HeaderField,
  InviteFacts,
  ReferRequest,
  RejectOptions,
  Source,
} from '../signalling.ts';
import { allowLine, supportedLine } from './capabilities.ts';
import type { Environment } from './environment.ts';
import { sayGoodbye } from './goodbye.ts';
import { readRequest, sequenceOf } from './message.ts';
import { contentOf, overhear, reply } from './reply.ts';
import { Session } from './session.ts';
import type { Srf, SrfDialog, SrfRequest, SrfResponse } from './srf.ts';
import { type UasAction, type UasInput, type UasState, uasTable } from './uas-table.ts';

/** An INVITE as it came through the package, and as we have read it. */
export interface ReceivedInvite {
  readonly srf: Srf;
  readonly request: SrfRequest;
  readonly response: SrfResponse;
  readonly message: SipRequest;
  readonly source: Source;
  readonly trunk: string | undefined;
}

type AnswerResult = Result<{ readonly ackSdp?: string }>;

/** An INVITE that came in and the dialogue it makes: runs the table `uasTable`. */
export class DrachtioUas implements Dialogue {
  readonly facts: InviteFacts;
  readonly ended: Promise<Ending>;
  onReoffer: Dialogue['onReoffer'] = () => Promise.resolve({ status: 488, reason: 'Not Acceptable Here' });
  onRefreshed: Dialogue['onRefreshed'] = () => undefined;
  onInfo: Dialogue['onInfo'] = () => false;

  readonly #env: Environment;
  readonly #invite: ReceivedInvite;
  readonly #finish: (end: Ending) => void;
  #state: UasState = 'early';
  #ring: Timer | undefined;
  #limit: Timer | undefined;
  #end: Ending | undefined;
  #outgoing: Answer = { status: 500 };
  #sdp = '';
  #terms: SessionTerms | undefined;
  #dialog: SrfDialog | undefined;
  #session: Session | undefined;
  #answering: Deferred<AnswerResult> | undefined;
  #ackSdp: string | undefined;
  #byeHeaders: readonly HeaderField[] = [];
  /** A final response is on its way to the server. */
  #speaking = false;

  constructor(invite: ReceivedInvite, env: Environment) {
    this.#env = env;
    this.#invite = invite;
    this.facts = factsOf(invite.message, invite.source, invite.trunk);
    const { promise, resolve } = deferred<Ending>();
    this.ended = promise;
    this.#finish = resolve;
    // First of all: the package tells of a CANCEL once, and to those who listen by then.
    invite.request.on('cancel', cancel => {
      env.tap('in', invite.source, cancel.raw);
      const message = readRequest(cancel.raw);
      const cause = message.ok ? statedReason(message.value.headers) : undefined;
      this.#conclude('cancel', ending('caller-cancelled', cause));
    });
    this.#ring = env.clock.timer(env.limits.ringMs, () => {
      this.#outgoing = { status: 480 };
      this.#conclude('ringTimeout', ending('ring-timeout'));
    });
  }

  /** It has no final response yet. */
  get pending(): boolean {
    return this.#state === 'early' || this.#state === 'answering';
  }

  ring(): void {
    this.#provisional({ status: 180 });
  }

  progress(sdp?: string): void {
    this.#provisional(
      sdp === undefined ? { status: 183 } : { status: 183, body: { type: sdpType, text: sdp } },
    );
  }

  answer(sdp: string): Promise<AnswerResult> {
    if (this.#answering !== undefined) return this.#answering.promise;
    if (!accepts(uasTable, this.#state, 'answer')) return Promise.resolve(fail(tooLate(this.#end)));
    this.#answering = deferred<AnswerResult>();
    this.#sdp = sdp;
    this.#feed('answer');
    return this.#answering.promise;
  }

  reject(status: number, end: Ending, options?: RejectOptions): void {
    if (status < 300 || status > 699) throw new RangeError(`a refusal is from 300 to 699, not ${status}`);
    this.#outgoing = refusal(status, options);
    this.#conclude('reject', end);
  }

  hangup(end: Ending, headers: readonly HeaderField[] = []): void {
    if (this.#end === undefined) this.#byeHeaders = headers;
    this.#outgoing = { status: 480 };
    this.#conclude('hangup', end);
  }

  async reoffer(offer: () => string): Promise<Result<{ readonly sdp: string }>> {
    const up = this.#state === 'confirmed' || this.#state === 'answered';
    if (up && this.#session !== undefined) return await this.#session.reoffer(offer);
    return fail(new Failure('gone', 'the call is not up'));
  }

  async refer(request: ReferRequest): Promise<Result<void, Ending>> {
    if (this.#state === 'confirmed' && this.#session !== undefined) return await this.#session.refer(request);
    return fail(ending('transfer-failed', 'the call is not up'));
  }

  /** Ends it because the backend closes, whatever state it is in. */
  dismiss(end: Ending): void {
    this.reject(503, end);
    this.hangup(end);
  }

  /** The link that it came over is gone. The package says nothing of it to the dialogue. */
  linkLost(): void {
    this.#conclude('linkLost', ending('connection-lost', 'the drachtio-server is gone'));
  }

  /** What it came over. */
  get socket(): Socket {
    return this.#invite.request.socket;
  }

  /** Ends at once without a word to the peer. */
  drop(end: Ending): void {
    this.#end ??= end;
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#over();
    this.#settle();
  }

  #provisional(answer: Answer): void {
    if (!accepts(uasTable, this.#state, 'provisional')) return;
    this.#outgoing = answer;
    this.#feed('provisional');
  }

  /** Feeds an input that ends the call, where it still can. */
  #conclude(input: UasInput, end: Ending): void {
    if (!accepts(uasTable, this.#state, input)) return;
    this.#end ??= end;
    this.#feed(input);
  }

  #feed(input: UasInput): void {
    try {
      if (!accepts(uasTable, this.#state, input)) return;
      const [next, ...actions] = step<UasState, UasInput, UasAction>(uasTable, this.#state, input);
      if (this.#state === 'early' && next !== 'early') this.#ring?.cancel();
      this.#state = next;
      for (const action of actions) this.#act(action);
    } catch (error) {
      this.#fault(error);
    }
  }

  #act(action: UasAction): void {
    const { clock, limits } = this.#env;
    switch (action) {
      case 'sendProvisional':
        return this.#reply({ ...this.#outgoing, headers: [this.#contactLine, allowLine, supportedLine] });
      case 'sendFinal':
        return this.#reply(this.#outgoing);
      case 'sendAnswer':
        return this.#sendAnswer();
      case 'startAckLimit':
        this.#limit?.cancel();
        this.#limit = clock.timer(limits.ackMs, () => this.#conclude('ackTimeout', ending('ack-timeout')));
        return;
      case 'stopAckLimit':
        return this.#limit?.cancel();
      case 'settle':
        return this.#settle();
      case 'sendBye':
        return this.#sendBye();
      case 'takeBack':
        return this.#takeBack();
      case 'end':
        return this.#over();
    }
  }

  /** The server adds it to a 200 alone; RFC 3261 section 12.1.1 wants it here too. */
  get #contactLine(): readonly [name: string, value: string] {
    const { receivedOn = 'localhost', protocol } = this.#invite.request;
    return ['Contact', `<sip:${receivedOn};transport=${protocol}>`];
  }

  #reply(answer: Answer): void {
    const { tap, log } = this.#env;
    const { response, source } = this.#invite;
    const final = answer.status >= 200;
    this.#speaking = final;
    reply(response, answer, (failure, raw) => {
      if (raw !== undefined) tap('out', source, raw);
      if (failure !== undefined) log.debug('a response did not go out', { why: failure.message });
      if (!final) return;
      this.#speaking = false;
      this.#leave();
    });
  }

  #sendAnswer(): void {
    const { clock, limits, log, tap } = this.#env;
    const { srf, request, response, message, source } = this.#invite;
    // When the link breaks the package never calls back.
    this.#limit = clock.timer(limits.confirmMs, () =>
      this.#conclude('unsent', ending('connection-lost', 'the drachtio-server did not confirm the answer')),
    );
    // What the server does not name by itself: it drops an interval without a refresher, and never requires the timer.
    this.#terms = termsOfRequest(readSessionWish(message.headers), limits, undefined);
    const lines = [allowLine, supportedLine, ...answerLines(this.#terms)];
    const { headers } = contentOf([...lines, ['Content-Type', sdpType]]);
    overhear(response, raw => tap('out', source, raw));
    srf.createUAS(request, response, { localSdp: this.#sdp, headers }, (error, dialog) => {
      if (dialog !== undefined) return this.#sent(dialog);
      // A string, an Error or a SipError: the server has answered a CANCEL that was as fast as our 200. A caller whose
      // connection is gone looks the same.
      log.debug('the answer did not go out', { error: messageOf(error) });
      this.#conclude('unsent', ending('caller-cancelled'));
    });
  }

  /** In the package's own callback: a BYE may be the next thing in the same piece of data. */
  #sent(dialog: SrfDialog): void {
    const { clock, limits, tap } = this.#env;
    const { source, message } = this.#invite;
    this.#dialog = dialog;
    this.#session = new Session({
      clock,
      limits,
      dialog,
      ownsCallId: false,
      sequence: sequenceOf(message),
      sdp: this.#sdp,
      terms: this.#terms,
      confirmed: () => this.#state === 'confirmed',
      ask: offer => this.onReoffer(offer),
      info: (type, body) => this.onInfo(type, body),
      refreshed: sdp => this.onRefreshed(sdp),
      onAck: sdp => {
        this.#ackSdp ??= sdp;
        this.#feed('ack');
      },
      onBye: end => this.#conclude('bye', end),
      over: end => this.#conclude('hangup', end),
      heard: raw => tap('in', source, raw),
      fault: error => this.#fault(error),
    });
    this.#feed('sent');
  }

  #settle(): void {
    const answering = this.#answering;
    if (answering === undefined) return;
    if (this.#end === undefined) {
      answering.resolve(ok(this.#ackSdp === undefined ? {} : { ackSdp: this.#ackSdp }));
      this.#session?.free();
    } else answering.resolve(fail(tooLate(this.#end)));
  }

  #sendBye(): void {
    const dialog = this.#dialog;
    if (dialog === undefined) throw new Error('a BYE without a dialogue');
    this.#session?.stop();
    const end = this.#end ?? ending('internal-error');
    this.#limit = sayGoodbye(dialog, end, this.#byeHeaders, this.#env, () => this.#feed('byeDone'));
  }

  /** Nobody waits for this answer any more. */
  #takeBack(): void {
    if (this.#dialog === undefined) return;
    sayGoodbye(this.#dialog, this.#end ?? ending('internal-error'), [], this.#env, () => this.#leave());
  }

  #over(): void {
    this.#ring?.cancel();
    this.#limit?.cancel();
    this.#session?.stop();
    this.#leave();
    this.#env.onEnd(this);
    this.#finish(this.#end ?? ending('internal-error'));
  }

  /** The package must not keep what it was never told the end of. */
  #leave(): void {
    const { srf, request } = this.#invite;
    if (this.#dialog !== undefined) {
      srf.removeDialog(this.#dialog);
      this.#dialog.removeAllListeners();
    }
    if (!this.#speaking) this.#env.release(request.socket);
  }

  /** A fault of ours ends this call and no other. */
  #fault(error: unknown): void {
    this.#env.log.error('a fault in a dialogue ended its call', {
      sipCallId: this.facts.sipCallId,
      error: messageOf(error),
    });
    if (this.#state === 'early') this.reject(500, ending('internal-error'));
    else this.drop(ending('internal-error'));
  }
}

function tooLate(end: Ending | undefined): Failure {
  if (end?.reason === 'caller-cancelled') return new Failure('cancelled', 'the caller gave up first');
  if (end?.reason === 'ack-timeout') return new Failure('ack-timeout', 'the answer was never acknowledged');
  return new Failure('gone', 'the call is over');
}
