import type { Clock, Timer } from '../../../core/clock.ts';
import { type Deferred, deferred } from '../../../core/deferred.ts';
import { type Ending, ending } from '../../../core/ending.ts';
import { Failure, fail, messageOf, ok, type Result } from '../../../core/errors.ts';
import type { Logger } from '../../../core/logger.ts';
import type { Dialogue, InviteFacts, RejectOptions, ReofferAnswer } from '../../signalling.ts';
import type { StackLimits } from '../limits.ts';
import { parseCSeq } from '../message/cseq.ts';
import type { SipRequest } from '../message/message.ts';
import type { TransactionLayer } from '../transaction/layer.ts';
import type { Answer, ServerTransaction } from '../transaction/server.ts';
import { accepts, step } from '../transaction/table.ts';
import type { Connection } from '../transport/connection.ts';
import type { Hop } from '../transport/dialer.ts';
import { RateWindow } from '../transport/rate.ts';
import { allowLine, sdpType, supportedLine } from './capabilities.ts';
import { sdpOf } from './content.ts';
import { factsOf } from './facts.ts';
import { sayGoodbye } from './goodbye.ts';
import { DialogPath, type HostPort } from './path.ts';
import { refusal } from './refusal.ts';
import { Reoffers, type Standing } from './reoffers.ts';
import { Repeater } from './repeater.ts';
import { serve } from './requests.ts';
import { type DialogAction, type DialogInput, type DialogState, uasDialog } from './table.ts';

/** What a dialogue stands on. */
export interface DialogEnvironment {
  readonly clock: Clock;
  readonly limits: StackLimits;
  readonly log: Logger;
  readonly layer: TransactionLayer;
  /** Our Contact towards this peer. */
  readonly us: HostPort;
  /** A new connection to a hop that may be dialled; undefined when there is none to be had. */
  readonly reopen: (hop: Hop) => Promise<Connection | undefined>;
  readonly onEnd: (dialogue: UasDialogue) => void;
}

type AnswerResult = Result<{ readonly ackSdp?: string }>;

/** An INVITE that came in and the dialogue it makes: runs the table `uasDialog`. */
export class UasDialogue implements Dialogue {
  readonly facts: InviteFacts;
  readonly key: string;
  readonly ended: Promise<Ending>;
  onReoffer: (offer: string | undefined) => Promise<ReofferAnswer> = () =>
    Promise.resolve({ status: 488, reason: 'Not Acceptable Here' });
  onInfo: (contentType: string, body: string) => boolean = () => false;

  readonly #env: DialogEnvironment;
  readonly #invite: ServerTransaction;
  readonly #inviteSequence: number;
  readonly #path: DialogPath;
  readonly #reoffers: Reoffers;
  readonly #repeater: Repeater;
  readonly #rate: RateWindow;
  readonly #finish: (end: Ending) => void;
  #state: DialogState = 'early';
  #connection: Connection;
  #ring: Timer | undefined;
  #grace: Timer | undefined;
  /** The first reason to end; later ones change nothing. */
  #end: Ending | undefined;
  /** What the next `send…` action sends. */
  #outgoing: Answer = { status: 500 };
  #bye: ServerTransaction | undefined;
  #answerBytes: Buffer | undefined;
  #answering: Deferred<AnswerResult> | undefined;
  #ackSdp: string | undefined;

  constructor(invite: ServerTransaction, env: DialogEnvironment) {
    const { request, connection } = invite;
    const { clock, limits } = env;
    this.#env = env;
    this.#invite = invite;
    this.#connection = connection;
    this.facts = factsOf(request, connection.source);
    this.#path = new DialogPath(request, invite.toTag, connection.source, env.us);
    this.key = this.#path.key;
    this.#inviteSequence = parseCSeq(request.headers.get('CSeq') ?? '')?.number ?? 0;
    this.#rate = new RateWindow(clock, 1_000);
    const noAck = () => this.#conclude('ackTimeout', ending('ack-timeout'));
    this.#repeater = new Repeater(clock, () => this.#repeat(), noAck);
    this.#reoffers = new Reoffers({
      clock,
      limitMs: limits.reofferMs,
      contact: this.#path.contact,
      ask: offer => this.onReoffer(offer),
      taken: taken => this.#path.refresh(taken),
      resend: bytes => void this.#connection.send(bytes),
      ackTimeout: noAck,
      fault: error => this.#fault(error),
    });
    const { promise, resolve } = deferred<Ending>();
    this.ended = promise;
    this.#finish = resolve;
    connection.pin();
    invite.onCancel = () => {
      this.#outgoing = { status: 487 };
      this.#conclude('cancel', ending('caller-cancelled'));
    };
    invite.onAck = ack => this.ack(ack, invite.connection);
    this.#ring = clock.timer(limits.ringMs, () => {
      this.#outgoing = { status: 480 };
      this.#conclude('ringTimeout', ending('ring-timeout'));
    });
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
      const cancelled = this.#end?.reason === 'caller-cancelled';
      return Promise.resolve(
        fail(
          cancelled
            ? new Failure('cancelled', 'the caller has cancelled')
            : new Failure('gone', 'the call is over'),
        ),
      );
    }
    this.#answering = deferred();
    this.#outgoing = { status: 200, headers: this.#lines(), body: { type: sdpType, text: sdp } };
    this.#feed('answer');
    return this.#answering.promise;
  }

  reject(status: number, end: Ending, options?: RejectOptions): void {
    if (status < 300 || status > 699) throw new RangeError(`a refusal is from 300 to 699, not ${status}`);
    this.#outgoing = refusal(status, options);
    this.#conclude('reject', end);
  }

  hangup(end: Ending): void {
    this.#outgoing = { status: 480 };
    this.#conclude('hangup', end);
  }

  /** True when a request over `connection` may speak for the peer of this dialogue. */
  trusts(connection: Connection): boolean {
    const { source } = this.facts;
    const same =
      connection.source.address === source.address && connection.source.transport === source.transport;
    return connection === this.#connection || same;
  }

  /** An ACK to a 2xx. */
  ack(ack: SipRequest, connection: Connection): void {
    this.#use(connection);
    const sequence = parseCSeq(ack.headers.get('CSeq') ?? '')?.number;
    if (sequence === this.#inviteSequence) {
      this.#ackSdp ??= sdpOf(ack);
      if (accepts(uasDialog, this.#state, 'ack')) this.#feed('ack');
    } else if (sequence !== undefined) this.#reoffers.ack(sequence);
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
      this.#conclude('bye', ending('caller-hung-up'));
    } else if (this.#state === 'ending' || this.#state === 'ended') transaction.respond({ status: 481 });
    else if (this.#rate.count() > this.#env.limits.dialogRequestsPerSecond) {
      transaction.respond(refusal(500, { retryAfter: 1 }));
    } else {
      serve(transaction, {
        reoffers: this.#reoffers,
        standing: this.#standing(),
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
    if (this.#state === 'early') return 'early';
    return this.#state === 'confirmed' ? 'confirmed' : 'unacknowledged';
  }

  #lines(): (readonly [string, string])[] {
    return [['Contact', this.#path.contact], allowLine, supportedLine];
  }

  #provisional(answer: Answer): void {
    if (!accepts(uasDialog, this.#state, 'provisional')) return;
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
        this.#grace = this.#env.clock.timer(this.#env.limits.connectionGraceMs, () =>
          this.#conclude('graceOver', ending('connection-lost')),
        );
        return;
      case 'stopGrace':
        return this.#grace?.cancel();
      case 'end':
        return this.#over();
    }
  }

  #repeat(): void {
    if (this.#answerBytes !== undefined) this.#connection.send(this.#answerBytes);
  }

  #settle(): void {
    const ackSdp = this.#ackSdp === undefined ? {} : { ackSdp: this.#ackSdp };
    if (this.#end === undefined) this.#answering?.resolve(ok(ackSdp));
    else if (this.#end.reason === 'ack-timeout') {
      this.#answering?.resolve(fail(new Failure('ack-timeout', 'the answer was never acknowledged')));
    } else this.#answering?.resolve(fail(new Failure('gone', 'the call ended before it was acknowledged')));
  }

  #sendBye(): void {
    this.#reoffers.stop();
    this.#goodbye()
      .then(() => {
        if (accepts(uasDialog, this.#state, 'byeDone')) this.#feed('byeDone');
      })
      .catch((error: unknown) => this.#fault(error));
  }

  #goodbye(): Promise<void> {
    const { layer, reopen } = this.#env;
    return sayGoodbye({ path: this.#path, layer, reopen, connection: this.#connection });
  }

  /** Takes over the connection that a request of the peer came on, once the old one is gone. */
  #use(connection: Connection): void {
    if (this.#connection.open || !connection.open) return;
    this.#connection.unpin();
    this.#connection = connection;
    connection.pin();
    if (accepts(uasDialog, this.#state, 'flowBack')) this.#feed('flowBack');
  }

  #over(): void {
    this.#ring?.cancel();
    this.#grace?.cancel();
    this.#repeater.stop();
    this.#reoffers.stop();
    this.#connection.unpin();
    this.#env.onEnd(this);
    const end = this.#end ?? ending('internal-error');
    this.#answering?.resolve(fail(new Failure('gone', 'the call is over')));
    this.#finish(end);
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
