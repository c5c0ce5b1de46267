import type { Timer } from '../../../core/clock.ts';
import { deferred } from '../../../core/deferred.ts';
import { type Ending, ending } from '../../../core/ending.ts';
import { Failure, fail, messageOf, ok, type Result } from '../../../core/errors.ts';
import type { Logger } from '../../../core/logger.ts';
import type {
  HeaderField,
  NextHop,
  OutboundDialogue,
  OutboundOptions,
  ReferRequest,
  ReofferAnswer,
  Replacement,
  Source,
} from '../../signalling.ts';
import { type StackLimits, sipTimers } from '../limits.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { Absent } from '../reach.ts';
import type { InviteClientTransaction } from '../transaction/inviting.ts';
import type { ServerTransaction } from '../transaction/server.ts';
import { accepts, step } from '../transaction/table.ts';
import type { Connection } from '../transport/connection.ts';
import type { Found } from '../transport/pool.ts';
import { Absence, type AbsenceEnvironment } from './absence.ts';
import { sdpOf } from './content.ts';
import { sayGoodbye } from './goodbye.ts';
import type { DialogPath, HostPort } from './path.ts';
import { reasonLine, statedReason } from './reason.ts';
import type { Replaceability } from './replaces.ts';
import { sendCancel } from './uac-cancel.ts';
import { type Fork, Forks } from './uac-forks.ts';
import { OutgoingInvite } from './uac-invite.ts';
import { noResponse, refusalEnding, wantsNextHop } from './uac-outcome.ts';
import { HopPlan } from './uac-route.ts';
import { Confirmed } from './uac-session.ts';
import { type UacAction, type UacInput, type UacState, uacDialog } from './uac-table.ts';

/** What a call of ours stands on. */
export interface UacEnvironment extends AbsenceEnvironment {
  readonly limits: StackLimits;
  readonly log: Logger;
  readonly contactFor: (source: Source) => HostPort;
  /** A connection to a hop, one that is open already where there is one. */
  readonly connect: (hop: NextHop) => Promise<Result<Found>>;
  /** Another connection to the peer; undefined when there is none to be had. */
  readonly reach: (absent: Absent) => Promise<Connection | undefined>;
  /** The dialogue has its key: requests of the peer may come. */
  readonly onConfirmed: (dialogue: UacDialogue) => void;
  readonly onEnd: (dialogue: UacDialogue) => void;
}

/** One try of the INVITE. */
interface Attempt {
  readonly connection: Connection;
  readonly us: HostPort;
  readonly branch: string;
  readonly request: SipRequest;
  transaction?: InviteClientTransaction;
}

/** A call of ours and the dialogue it makes: runs the table `uacDialog`. */
export class UacDialogue implements OutboundDialogue {
  readonly sipCallId: string;
  readonly answered: Promise<Result<{ readonly sdp?: string }, Ending>>;
  readonly ended: Promise<Ending>;
  onProgress: OutboundDialogue['onProgress'] = () => undefined;
  onReoffer: (offer: string | undefined) => Promise<ReofferAnswer> = () =>
    Promise.resolve({ status: 488, reason: 'Not Acceptable Here' });
  onRefreshed: (sdp: string) => void = () => undefined;
  onInfo: (contentType: string, body: string) => boolean = () => false;
  onReplace?: (by: Replacement) => Promise<Result<void, Ending>>;
  outlives?: () => boolean;
  readonly trunk: string | undefined;

  readonly #env: UacEnvironment;
  readonly #invite: OutgoingInvite;
  readonly #offer: string;
  readonly #hops: HopPlan;
  readonly #forks = new Forks();
  readonly #absence: Absence;
  readonly #settleAnswer: (answer: Result<{ readonly sdp?: string }, Ending>) => void;
  readonly #finish: (end: Ending) => void;
  #state: UacState = 'connecting';
  #attempt: Attempt | undefined;
  #response: SipResponse | undefined;
  #confirmed: Confirmed | undefined;
  /** The answer that stands. */
  #fork: Fork | undefined;
  #connection: Connection | undefined;
  #alerted = false;
  /** The hop that is being tried has the INVITE, and may not have said more. */
  #taken = false;
  /** The first reason to end; later ones change nothing. */
  #end: Ending | undefined;
  #bye: ServerTransaction | undefined;
  #byeHeaders: readonly HeaderField[] = [];
  #ring: Timer | undefined;
  #cancelLimit: Timer | undefined;

  constructor(route: readonly NextHop[], offer: string, options: OutboundOptions, env: UacEnvironment) {
    this.#env = env;
    this.#invite = new OutgoingInvite(offer, options);
    this.#offer = offer;
    this.sipCallId = this.#invite.callId;
    this.trunk = options.trunk;
    this.#hops = new HopPlan(route, env.clock, env.limits);
    this.#absence = this.#newAbsence();
    const answer = deferred<Result<{ readonly sdp?: string }, Ending>>();
    this.answered = answer.promise;
    this.#settleAnswer = answer.resolve;
    const { promise, resolve } = deferred<Ending>();
    this.ended = promise;
    this.#finish = resolve;
    this.#ring = env.clock.timer(options.ringMs, () => this.#conclude('ringTimeout', this.#unanswered()));
    this.#connect();
  }

  get state(): UacState {
    return this.#state;
  }

  get replaceability(): Replaceability {
    return this.#state === 'confirmed' || this.#state === 'stranded' ? 'up' : 'over';
  }

  /** What requests of the peer name; empty before the answer. */
  get key(): string {
    return this.#fork?.path.key ?? '';
  }

  hangup(end: Ending, headers: readonly HeaderField[] = []): void {
    if (this.#end === undefined) this.#byeHeaders = headers;
    this.#conclude('hangup', end);
  }

  async reoffer(offer: () => string): Promise<Result<{ readonly sdp: string }>> {
    if (this.#state === 'confirmed' && this.#confirmed !== undefined) return this.#confirmed.reoffer(offer);
    return fail(new Failure(this.#state === 'stranded' ? 'lost' : 'gone', 'the call is not up'));
  }

  async refer(request: ReferRequest): Promise<Result<void, Ending>> {
    if (this.#state === 'confirmed' && this.#confirmed !== undefined) return this.#confirmed.refer(request);
    return fail(ending('transfer-failed', 'the call is not up'));
  }

  /** Ends it as the stack closes: like any other hangup. */
  dismiss(end: Ending): void {
    this.hangup(end);
  }

  get peer(): Source | undefined {
    return this.#attempt?.connection.source;
  }

  uses(connection: Connection): boolean {
    return connection === this.#connection;
  }

  /** An ACK of the peer: to our answer to its re-INVITE. */
  ack(ack: SipRequest, connection: Connection): void {
    this.#use(connection);
    this.#confirmed?.ack(ack);
  }

  /** A request of the peer inside the dialogue. */
  request(transaction: ServerTransaction): void {
    this.#use(transaction.connection);
    const served = this.#confirmed?.serve(transaction, this.#state !== 'ending' && this.#state !== 'ended');
    if (served !== 'bye') return;
    this.#bye = transaction;
    const reason = this.#confirmed?.bye() === true ? 'transferred' : 'callee-hung-up';
    this.#conclude('bye', ending(reason, statedReason(transaction.request.headers)));
  }

  /** The connection that `connection` was is gone. */
  connectionClosed(connection: Connection): void {
    // Before the answer the transaction notices by itself.
    if (this.#confirmed === undefined || connection !== this.#connection) return;
    if (accepts(uacDialog, this.#state, 'flowLost')) this.#feed('flowLost');
  }

  /** Ends at once without a word to the peer: the stack is being closed. */
  drop(end: Ending): void {
    this.#end ??= end;
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#attempt?.transaction?.abandon();
    this.#settle();
    this.#over();
  }

  #connect(): void {
    this.#leave();
    this.#taken = false;
    this.#invite.forget();
    this.#hops
      .find(this.#env.connect, () => this.#state === 'connecting')
      .then(found => {
        if (this.#state !== 'connecting') return;
        if (!found.ok) return this.#conclude('unreachable', ending('trunk-unreachable', found.failure));
        this.#take(found.value);
        this.#feed('connected');
      })
      .catch((error: unknown) => this.#fault(error));
  }

  #sendInvite(): void {
    const connection = this.#connection;
    if (connection === undefined) throw new Error('an INVITE without a connection');
    const { layer, contactFor } = this.#env;
    const us = contactFor(connection.source);
    const branch = layer.newBranch();
    const request = this.#invite.next(branch, connection.source, us);
    const attempt: Attempt = { connection, us, branch, request };
    this.#attempt = attempt;
    const current = () => this.#attempt === attempt;
    attempt.transaction = layer.invite(connection, branch, request, {
      response: (response, over) => current() && this.#guard(() => this.#heard(response, attempt, over)),
      timedOut: () => current() && this.#guard(() => this.#unheard(connection)),
      lost: () => current() && this.#guard(() => this.#lost()),
    });
  }

  #heard(response: SipResponse, attempt: Attempt, over: Connection): void {
    const { status } = response;
    this.#response = response;
    if (status < 200) {
      this.#taken = true;
      if (status > 100) this.#alerted = true;
      if (accepts(uacDialog, this.#state, 'provisional')) this.#feed('provisional');
    } else if (status < 300) this.#succeeded(response, attempt, over);
    else if (this.#mayTryAgain && this.#invite.challenged(attempt.request, response))
      this.#feed('challenged');
    else if (this.#mayTryAgain && wantsNextHop(response) && this.#hops.more(false)) this.#feed('nextHop');
    else this.#conclude('refused', refusalEnding(response, this.#invite.signed));
  }

  get #mayTryAgain(): boolean {
    return this.#end === undefined && (this.#state === 'calling' || this.#state === 'proceeding');
  }

  /** RFC 3261 section 13.2.2.4: every 2xx is acknowledged; all but the first are hung up. */
  #succeeded(response: SipResponse, { request, connection, us }: Attempt, over: Connection): void {
    const taken = this.#forks.take(request, response, {
      source: connection.source,
      us,
      newBranch: () => this.#env.layer.newBranch(),
      sequence: this.#invite.sequence,
      credentials: this.#invite.credentials,
    });
    if (taken === undefined) return;
    const { kind, fork } = taken;
    if (kind === 'first') {
      this.#fork = fork;
      // Section 18.2.2: the one whose INVITE's connection is gone answers over another one.
      this.#use(over);
      this.#feed('success');
    } else {
      this.#send(fork.path, fork.ack, over);
      if (kind === 'extra')
        this.#goodbye(fork.path, () => over, []).catch((error: unknown) => this.#fault(error));
    }
  }

  #lost(): void {
    if (this.#attempt?.transaction?.state === 'proceeding') {
      if (!accepts(uacDialog, this.#state, 'flowLost')) return;
      this.#end ??= ending('connection-lost');
      this.#feed('flowLost');
    } else if (this.#mayTryAgain && this.#hops.more(true)) this.#feed('nextHop');
    else {
      const broke = this.#attempt?.connection.fault ?? 'the connection broke';
      this.#conclude('refused', ending('trunk-unreachable', broke));
    }
  }

  /** RFC 3263 section 4.3: a hop that says nothing at all is taken for one that has failed. */
  #unheard({ silent }: Connection): void {
    if (silent && this.#mayTryAgain && this.#hops.moreAfterSilence()) this.#feed('nextHop');
    else this.#conclude('refused', ending('trunk-unreachable', noResponse(this.#hops.current)));
  }

  /** Why nobody has answered until now. */
  #unanswered(): Ending {
    if (this.#alerted) return ending('callee-no-answer', 'it rang for too long');
    return this.#taken
      ? ending('callee-no-answer', 'the trunk took the call, and it never rang (SIP 100)')
      : ending('trunk-unreachable', noResponse(this.#hops.current));
  }

  /** Feeds an input that ends the call, where it still can. */
  #conclude(input: UacInput, end: Ending): void {
    if (!accepts(uacDialog, this.#state, input)) {
      if (input === 'bye') this.#act('okBye');
      return;
    }
    this.#end ??= end;
    this.#feed(input);
  }

  #feed(input: UacInput): void {
    this.#guard(() => {
      const [next, ...actions] = step<UacState, UacInput, UacAction>(uacDialog, this.#state, input);
      this.#state = next;
      if (!ringing.has(next)) this.#ring?.cancel();
      for (const action of actions) this.#act(action);
    });
  }

  #act(action: UacAction): void {
    switch (action) {
      case 'connect':
        return this.#connect();
      case 'sendInvite':
        return this.#sendInvite();
      case 'tellProgress':
        return this.#tellProgress();
      case 'settle':
        return this.#settle();
      case 'acknowledge':
        return this.#acknowledge();
      case 'sendCancel':
        return this.#sendCancel();
      case 'stopCancelLimit':
        return this.#cancelLimit?.cancel();
      case 'abandon':
        return this.#attempt?.transaction?.abandon();
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

  #tellProgress(): void {
    const response = this.#response;
    if (response === undefined || response.status === 100) return;
    this.onProgress(response.status, sdpOf(response));
  }

  #acknowledge(): void {
    const { clock, limits, layer, onConfirmed } = this.#env;
    const response = this.#response;
    const connection = this.#connection;
    if (this.#fork === undefined || response === undefined || connection === undefined) {
      throw new Error('an ACK without an answer');
    }
    const { path, ack } = this.#fork;
    this.#send(path, ack, connection);
    this.#confirmed = new Confirmed({
      clock,
      limits,
      layer,
      path,
      response,
      offer: this.#offer,
      connection: () => this.#connection ?? connection,
      ask: offer => this.onReoffer(offer),
      refreshed: sdp => this.onRefreshed(sdp),
      info: (type, body) => this.onInfo(type, body),
      over: end => this.#conclude(end.reason === 'ack-timeout' ? 'ackTimeout' : 'hangup', end),
      fault: error => this.#fault(error),
    });
    onConfirmed(this);
  }

  #newAbsence(): Absence {
    return new Absence(this.#env, {
      path: () => this.#dialogPath,
      reach: () => this.#reach(this.#dialogPath),
      found: connection => this.#use(connection),
      outlives: () => this.outlives?.() === true,
      over: (input, end) => this.#conclude(input, end),
      fault: error => this.#fault(error),
    });
  }

  get #dialogPath(): DialogPath {
    if (this.#fork === undefined) throw new Error('there is no dialogue yet');
    return this.#fork.path;
  }

  #settle(): void {
    const sdp = this.#response === undefined ? undefined : sdpOf(this.#response);
    if (this.#end !== undefined) this.#settleAnswer(fail(this.#end));
    else if (this.#state === 'confirmed') this.#settleAnswer(ok(sdp === undefined ? {} : { sdp }));
    else this.#settleAnswer(fail(ending('internal-error')));
  }

  #sendCancel(): void {
    const { layer, connect, clock } = this.#env;
    if (this.#attempt === undefined) throw new Error('a CANCEL without an INVITE');
    this.#cancelLimit = clock.timer(sipTimers.transaction, () =>
      this.#conclude('cancelTimeout', this.#unanswered()),
    );
    const wanted = () => this.#state === 'cancelling';
    const hop = this.#hops.current;
    sendCancel({ ...this.#attempt, layer, connect, hop, wanted }).catch(error => this.#fault(error));
  }

  #sendBye(): void {
    this.#confirmed?.stop();
    this.#goodbye(this.#dialogPath, () => this.#connection, this.#byeHeaders)
      .then(() => {
        if (accepts(uacDialog, this.#state, 'byeDone')) this.#feed('byeDone');
      })
      .catch((error: unknown) => this.#fault(error));
  }

  #goodbye(
    path: DialogPath,
    connection: () => Connection | undefined,
    headers: readonly HeaderField[],
  ): Promise<void> {
    const { layer } = this.#env;
    const [name, value] = reasonLine(this.#end ?? ending('shutdown'));
    return sayGoodbye({
      path,
      layer,
      connection,
      reach: () => this.#reach(path),
      headers: [{ name, value }, ...headers],
    });
  }

  /** Sends over a connection, or when it is gone over another one to the peer. */
  #send(path: DialogPath, bytes: Buffer, connection: Connection | undefined): void {
    if (connection?.send(bytes) === true) return;
    this.#reach(path)
      .then(opened => void opened?.send(bytes))
      .catch((error: unknown) => this.#fault(error));
  }

  /** To where the INVITE went, as every request of the call goes while its connection is up. */
  #reach(path: DialogPath): Promise<Connection | undefined> {
    return this.#env.reach({ hop: this.#hops.current, named: path.nextHop(), trunk: this.trunk });
  }

  /** Goes on over the connection that the peer speaks over: it may have left the old one before that is noticed here. */
  #use(connection: Connection): void {
    if (connection === this.#connection || !connection.open || this.#state === 'ended') return;
    this.#leave();
    this.#take(connection);
    if (accepts(uacDialog, this.#state, 'flowBack')) this.#feed('flowBack');
  }

  #take(connection: Connection): void {
    this.#connection = connection;
    connection.pin();
  }

  #leave(): void {
    this.#connection?.unpin();
    this.#connection = undefined;
  }

  #over(): void {
    for (const timer of [this.#ring, this.#cancelLimit]) timer?.cancel();
    this.#absence.stop();
    this.#confirmed?.stop();
    this.#leave();
    this.#env.onEnd(this);
    this.#finish(this.#end ?? ending('internal-error'));
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fault(error);
    }
  }

  /** A fault of ours ends this call and no other. */
  #fault(error: unknown): void {
    this.#env.log.error('a fault in a call of ours ended it', {
      sipCallId: this.sipCallId,
      error: messageOf(error),
    });
    this.drop(ending('internal-error'));
  }
}

/** States in which the answer is still waited for. */
const ringing: ReadonlySet<UacState> = new Set(['connecting', 'calling', 'proceeding']);
