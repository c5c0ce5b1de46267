import type { Timer } from '../../../core/clock.ts';
import { type Deferred, deferred } from '../../../core/deferred.ts';
import { type Ending, ending } from '../../../core/ending.ts';
import { Failure, fail, messageOf, ok, type Result } from '../../../core/errors.ts';
import type { Logger } from '../../../core/logger.ts';
import type {
  Dialogue,
  HeaderField,
  InviteFacts,
  ReferRequest,
  RejectOptions,
  ReofferAnswer,
  Replaceable,
  Replacement,
  Source,
} from '../../signalling.ts';
import type { StackLimits } from '../limits.ts';
import { parseCSeq } from '../message/cseq.ts';
import type { SipRequest } from '../message/message.ts';
import type { Absent } from '../reach.ts';
import type { Answer, ServerTransaction } from '../transaction/server.ts';
import { accepts, step } from '../transaction/table.ts';
import type { Connection } from '../transport/connection.ts';
import { RateWindow } from '../transport/rate.ts';
import { Absence, type AbsenceEnvironment } from './absence.ts';
import { allowLine, sdpType, supportedLine } from './capabilities.ts';
import { sdpOf } from './content.ts';
import { factsOf } from './facts.ts';
import { sayGoodbye } from './goodbye.ts';
import { DialogPath, type HostPort, uasOrigin } from './path.ts';
import { requiresReliable } from './peer.ts';
import { reasonLine, statedReason } from './reason.ts';
import { refusal } from './refusal.ts';
import { ReliableProvisionals } from './reliable.ts';
import type { Standing } from './reoffers.ts';
import { Repeater } from './repeater.ts';
import type { Replaceability } from './replaces.ts';
import { serve } from './requests.ts';
import { DialogSession } from './session.ts';
import { type DialogAction, type DialogInput, type DialogState, uasDialog } from './table.ts';

/** What a dialogue stands on. */
export interface DialogEnvironment extends AbsenceEnvironment {
  readonly limits: StackLimits;
  readonly log: Logger;
  /** Our Contact towards this peer. */
  readonly us: HostPort;
  /** Name of the trunk that the INVITE was let in over. */
  readonly trunk: string | undefined;
  /** The dialogue whose call the INVITE wants (RFC 3891). */
  readonly replaces?: Replaceable;
  /** Another connection to the peer; undefined when there is none to be had. */
  readonly reach: (absent: Absent) => Promise<Connection | undefined>;
  readonly onEnd: (dialogue: UasDialogue) => void;
}

type AnswerResult = Result<{ readonly ackSdp?: string }>;

/** An INVITE that came in and the dialogue it makes: runs the table `uasDialog`. */
export class UasDialogue implements Dialogue {
  readonly facts: InviteFacts;
  readonly key: string;
  readonly replaces?: Replaceable;
  readonly ended: Promise<Ending>;
  onReoffer: (offer: string | undefined) => Promise<ReofferAnswer> = () =>
    Promise.resolve({ status: 488, reason: 'Not Acceptable Here' });
  onRefreshed: (sdp: string) => void = () => undefined;
  onInfo: (contentType: string, body: string) => boolean = () => false;
  onReplace?: (by: Replacement) => Promise<Result<void, Ending>>;
  outlives?: () => boolean;

  readonly #env: DialogEnvironment;
  readonly #invite: ServerTransaction;
  readonly #inviteSequence: number;
  readonly #path: DialogPath;
  readonly #session: DialogSession;
  readonly #absence: Absence;
  /** Only where the caller requires it. */
  readonly #reliable: ReliableProvisionals | undefined;
  readonly #repeater: Repeater;
  readonly #rate: RateWindow;
  readonly #finish: (end: Ending) => void;
  #state: DialogState = 'early';
  #connection: Connection;
  #ring: Timer | undefined;
  /** The first reason to end; later ones change nothing. */
  #end: Ending | undefined;
  /** What the next `send…` action sends. */
  #outgoing: Answer = { status: 500 };
  #bye: ServerTransaction | undefined;
  /** What our BYE has besides the usual. */
  #byeHeaders: readonly HeaderField[] = [];
  #answerBytes: Buffer | undefined;
  #answering: Deferred<AnswerResult> | undefined;
  #ackSdp: string | undefined;

  constructor(invite: ServerTransaction, env: DialogEnvironment) {
    const { request, connection } = invite;
    const { clock, limits } = env;
    this.#env = env;
    this.#invite = invite;
    this.#connection = connection;
    this.facts = factsOf(request, connection.source, env.trunk);
    if (env.replaces !== undefined) this.replaces = env.replaces;
    this.#path = new DialogPath(uasOrigin(request, invite.toTag, connection.source, env.us));
    this.key = this.#path.key;
    this.#inviteSequence = parseCSeq(request.headers.get('CSeq') ?? '')?.number ?? 0;
    this.#rate = new RateWindow(clock, 1_000);
    const noAck = () => this.#conclude('ackTimeout', ending('ack-timeout'));
    this.#repeater = new Repeater(clock, () => this.#repeat(), noAck);
    this.#session = this.#newSession();
    this.#absence = this.#newAbsence();
    this.#reliable = requiresReliable(request.headers) ? this.#newReliable() : undefined;
    const { promise, resolve } = deferred<Ending>();
    this.ended = promise;
    this.#finish = resolve;
    connection.pin();
    invite.onCancel = cancel => {
      this.#outgoing = { status: 487 };
      this.#conclude('cancel', ending('caller-cancelled', statedReason(cancel.headers)));
    };
    invite.onAck = ack => this.ack(ack, invite.connection);
    this.#ring = clock.timer(limits.ringMs, () => {
      this.#outgoing = { status: 480 };
      this.#conclude('ringTimeout', ending('ring-timeout'));
    });
  }

  get trunk(): string | undefined {
    return this.#env.trunk;
  }

  get replaceability(): Replaceability {
    return replaceabilities[this.#state];
  }

  ring(): void {
    this.#provisional({ status: 180, headers: this.#lines() });
  }

  progress(sdp?: string): void {
    const body = sdp === undefined ? {} : { body: { type: sdpType, text: sdp } };
    this.#provisional({ status: 183, headers: this.#lines(), ...body });
  }

  answer(sdp: string): Promise<AnswerResult> {
    if (this.#answering !== undefined) return this.#answering.promise;
    if (!accepts(uasDialog, this.#state, 'answer')) {
      return Promise.resolve(fail(tooLate(this.#end)));
    }
    const answering = deferred<AnswerResult>();
    this.#answering = answering;
    const send = () => {
      const lines = [...this.#lines(), ...this.#session.answered(this.#invite.request, sdp)];
      // RFC 3262 section 5: an answer that came by PRACK leaves nothing to offer.
      const body = this.#ackSdp === undefined ? { body: { type: sdpType, text: sdp } } : {};
      this.#outgoing = { status: 200, headers: lines, ...body };
      this.#feed('answer');
    };
    if (this.#reliable === undefined) send();
    else this.#reliable.beforeAnswer(send);
    return answering.promise;
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

  /** Ends it because the stack closes, whatever state it is in. */
  dismiss(end: Ending): void {
    this.reject(503, end);
    this.hangup(end);
  }

  async reoffer(offer: () => string): Promise<Result<{ readonly sdp: string }>> {
    if (this.#state === 'confirmed' || this.#state === 'answered') return await this.#session.reoffer(offer);
    const code = this.#state === 'stranded' ? 'lost' : 'gone';
    return fail(new Failure(code, 'the call is not up'));
  }

  async refer(request: ReferRequest): Promise<Result<void, Ending>> {
    if (this.#state === 'confirmed') return await this.#session.refer(request);
    return fail(ending('transfer-failed', 'the call is not up'));
  }

  get peer(): Source {
    return this.facts.source;
  }

  uses(connection: Connection): boolean {
    return connection === this.#connection;
  }

  /** An ACK to a 2xx. */
  ack(ack: SipRequest, connection: Connection): void {
    this.#use(connection);
    const sequence = parseCSeq(ack.headers.get('CSeq') ?? '')?.number;
    if (sequence === this.#inviteSequence) {
      this.#ackSdp ??= sdpOf(ack);
      if (accepts(uasDialog, this.#state, 'ack')) this.#feed('ack');
    } else if (sequence !== undefined) this.#session.ack(sequence, sdpOf(ack));
  }

  /** Any other request inside the dialogue. */
  request(transaction: ServerTransaction): void {
    const { request } = transaction;
    this.#use(transaction.connection);
    const order = this.#path.sequence(request);
    if (order !== 'new') {
      // RFC 3261 section 12.2.2 for a lower number; the same one is a copy that came another way.
      transaction.respond({ status: order === 'old' ? 500 : 482 });
    } else if (request.method === 'BYE') {
      this.#bye = transaction;
      this.#outgoing = { status: 487 };
      const cause = statedReason(request.headers);
      this.#conclude('bye', ending(this.#session.bye() ? 'transferred' : 'caller-hung-up', cause));
    } else if (this.#state === 'ending' || this.#state === 'ended') transaction.respond({ status: 481 });
    else if (this.#rate.count() > this.#env.limits.dialogRequestsPerSecond) {
      transaction.respond(refusal(500, { retryAfter: 1 }));
    } else {
      serve(transaction, {
        session: this.#session,
        standing: this.#standing(),
        prack: prack => this.#prack(prack),
        onInfo: (type, body) => this.onInfo(type, body),
      });
    }
  }

  /** The connection that `connection` was is gone. */
  connectionClosed(connection: Connection): void {
    if (connection !== this.#connection || !accepts(uasDialog, this.#state, 'flowLost')) return;
    if (this.#state === 'early') this.#end ??= ending('connection-lost');
    this.#feed('flowLost');
  }

  /** Ends at once without a word to the peer: the stack is being closed. */
  drop(end: Ending): void {
    this.#end ??= end;
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#over();
  }

  #standing(): Standing {
    if (this.#state === 'early') return this.#reliable?.exchanged === true ? 'exchanged' : 'early';
    return this.#state === 'confirmed' ? 'confirmed' : 'unacknowledged';
  }

  #lines(): (readonly [string, string])[] {
    return [['Contact', this.#path.contact], allowLine, supportedLine];
  }

  #provisional(answer: Answer): void {
    if (!accepts(uasDialog, this.#state, 'provisional') || this.#answering !== undefined) return;
    // RFC 3261 section 13.2.1: without an offer of the caller the first reliable response has to hold ours.
    const bare = answer.body === undefined && this.facts.offer === undefined;
    if (bare && this.#reliable?.exchanged === false) return;
    this.#outgoing = answer;
    this.#feed('provisional');
  }

  /** Feeds an input that ends the call, where it still can. */
  #conclude(input: DialogInput, end: Ending): void {
    if (!accepts(uasDialog, this.#state, input)) {
      if (input === 'bye') this.#act('okBye');
      return;
    }
    this.#end ??= end;
    this.#feed(input);
  }

  #feed(input: DialogInput): void {
    try {
      const [next, ...actions] = step<DialogState, DialogInput, DialogAction>(uasDialog, this.#state, input);
      if (this.#state === 'early' && next !== 'early') this.#ring?.cancel();
      this.#state = next;
      for (const action of actions) this.#act(action);
    } catch (error) {
      this.#fault(error);
    }
  }

  #act(action: DialogAction): void {
    switch (action) {
      case 'sendProvisional':
        if (this.#reliable === undefined) this.#invite.respond(this.#outgoing);
        else this.#reliable.send(this.#outgoing);
        return;
      case 'sendFinal':
        this.#invite.respond(this.#outgoing);
        return;
      case 'sendAnswer':
        this.#repeater.start();
        this.#answerBytes = this.#invite.respond(this.#outgoing);
        return;
      case 'stopAnswer':
        return this.#repeater.stop();
      case 'abandon':
        return this.#invite.abandon();
      case 'settle':
        return this.#settle();
      case 'okBye':
        this.#bye?.respond({ status: 200 });
        return;
      case 'sendBye':
        return this.#sendBye();
      case 'startGrace':
        return this.#absence.wait();
      case 'search':
        return this.#absence.search();
      case 'stopGrace':
        return this.#absence.stop();
      case 'end':
        return this.#over();
    }
  }

  #newSession(): DialogSession {
    const { clock, limits, layer } = this.#env;
    return new DialogSession({
      clock,
      limits,
      layer,
      path: this.#path,
      connection: () => this.#connection,
      ownsCallId: false,
      peer: this.#invite.request.headers,
      ask: offer => this.onReoffer(offer),
      refreshed: sdp => this.onRefreshed(sdp),
      over: end => this.#conclude(end.reason === 'ack-timeout' ? 'ackTimeout' : 'hangup', end),
      fault: error => this.#fault(error),
    });
  }

  #newAbsence(): Absence {
    return new Absence(this.#env, {
      path: () => this.#path,
      reach: () => this.#reach(),
      found: connection => this.#use(connection),
      outlives: () => this.outlives?.() === true,
      over: (input, end) => this.#conclude(input, end),
      fault: error => this.#fault(error),
    });
  }

  #newReliable(): ReliableProvisionals {
    return new ReliableProvisionals({
      clock: this.#env.clock,
      sequence: this.#inviteSequence,
      send: answer => this.#invite.respond(answer),
      resend: bytes => void this.#connection.send(bytes),
      gaveUp: () => {
        this.#outgoing = { status: 504 };
        this.#conclude('prackTimeout', ending('prack-timeout'));
      },
    });
  }

  #prack(transaction: ServerTransaction): boolean {
    const { request } = transaction;
    if (this.#reliable?.acknowledge(request) !== true) return false;
    const sdp = sdpOf(request);
    if (sdp !== undefined && this.facts.offer !== undefined)
      this.#session.handle(transaction, this.#standing());
    else {
      // Of an INVITE without an offer: the answer to ours.
      this.#ackSdp ??= sdp;
      transaction.respond({ status: 200 });
    }
    this.#reliable.proceed();
    return true;
  }

  #repeat(): void {
    if (this.#answerBytes !== undefined) this.#connection.send(this.#answerBytes);
  }

  #settle(): void {
    const ackSdp = this.#ackSdp === undefined ? {} : { ackSdp: this.#ackSdp };
    if (this.#end === undefined) {
      this.#answering?.resolve(ok(ackSdp));
      this.#session.confirmed();
    } else if (this.#end.reason === 'ack-timeout') {
      this.#answering?.resolve(fail(new Failure('ack-timeout', 'the answer was never acknowledged')));
    } else this.#answering?.resolve(fail(new Failure('gone', 'the call ended before it was acknowledged')));
  }

  #sendBye(): void {
    this.#session.stop();
    this.#goodbye()
      .then(() => {
        if (accepts(uasDialog, this.#state, 'byeDone')) this.#feed('byeDone');
      })
      .catch((error: unknown) => this.#fault(error));
  }

  #goodbye(): Promise<void> {
    const { layer } = this.#env;
    const [name, value] = reasonLine(this.#end ?? ending('internal-error'));
    return sayGoodbye({
      path: this.#path,
      headers: [{ name, value }, ...this.#byeHeaders],
      layer,
      connection: () => this.#connection,
      reach: () => this.#reach(),
    });
  }

  #reach(): Promise<Connection | undefined> {
    return this.#env.reach({ named: this.#path.nextHop(), trunk: this.#env.trunk });
  }

  /**
   * Goes on over the connection that a request of the peer came on: it may have left the old one long before that is
   * noticed here. Until the answer the dialogue is where its INVITE came from, and goes with that.
   */
  #use(connection: Connection): void {
    if (connection === this.#connection || !connection.open) return;
    if (this.#state === 'early' || this.#state === 'ended') return;
    this.#connection.unpin();
    this.#connection = connection;
    connection.pin();
    if (accepts(uasDialog, this.#state, 'flowBack')) this.#feed('flowBack');
  }

  #over(): void {
    this.#ring?.cancel();
    this.#absence.stop();
    this.#repeater.stop();
    this.#session.stop();
    this.#reliable?.stop();
    this.#connection.unpin();
    this.#invite.release();
    this.#env.onEnd(this);
    const end = this.#end ?? ending('internal-error');
    // Whoever waits for the answer knows by then why the call is over.
    this.#finish(end);
    this.#answering?.resolve(fail(tooLate(end)));
  }

  /** A fault of ours ends this call and no other. */
  #fault(error: unknown): void {
    this.#env.log.error('a fault in a dialogue ended its call', {
      sipCallId: this.facts.sipCallId,
      error: messageOf(error),
    });
    const up = this.#state === 'confirmed' || this.#state === 'stranded';
    this.#invite.respond({ status: 500 });
    this.drop(ending('internal-error'));
    if (!up) return;
    this.#goodbye().catch((again: unknown) => {
      this.#env.log.debug('the peer could not be told of a fault', { error: messageOf(again) });
    });
  }
}

/** A call that has lost its connection is up: the peer may come back, or another telephone in its place. */
const replaceabilities: Readonly<Record<DialogState, Replaceability>> = {
  early: 'early',
  answered: 'unacknowledged',
  confirmed: 'up',
  stranded: 'up',
  leaving: 'over',
  ending: 'over',
  ended: 'over',
};

/** Why an answer comes too late. */
function tooLate(end: Ending | undefined): Failure {
  return end?.reason === 'caller-cancelled'
    ? new Failure('cancelled', 'the caller has cancelled')
    : new Failure('gone', 'the call is over');
}
