import type { Socket } from 'node:net';
import type { Timer } from '../../core/clock.ts';
import { deferred } from '../../core/deferred.ts';
import { type Ending, ending } from '../../core/ending.ts';
import { Failure, fail, messageOf, ok, type Result } from '../../core/errors.ts';
import { sdpOf } from '../embedded/dialog/content.ts';
import { readSessionWish, termsOfResponse } from '../embedded/dialog/session-expires.ts';
import { noResponse, refusalEnding, wantsNextHop } from '../embedded/dialog/uac-outcome.ts';
import type { SipResponse } from '../embedded/message/message.ts';
import { accepts, step } from '../embedded/transaction/table.ts';
import type {
  HeaderField,
  NextHop,
  OutboundDialogue,
  OutboundOptions,
  ReferRequest,
  Source,
} from '../signalling.ts';
import type { Environment } from './environment.ts';
import { sayGoodbye } from './goodbye.ts';
import { readResponse } from './message.ts';
import { contentOf } from './reply.ts';
import { Session } from './session.ts';
import type { Srf, SrfDialog, SrfRefusal, SrfRequest, SrfResponse } from './srf.ts';
import { OutgoingInvite, proxyUri } from './uac-invite.ts';
import { type UacAction, type UacInput, type UacState, uacTable } from './uac-table.ts';

type Answered = Result<{ readonly sdp?: string }, Ending>;

/** The server that a call goes through. */
interface Way {
  readonly srf: Srf;
  readonly socket: Socket;
}

/** One try of the INVITE. */
interface Attempt {
  readonly hop: NextHop;
  request: SrfRequest | undefined;
}

/** A call of ours and the dialogue it makes: runs the table `uacTable`. */
export class DrachtioUac implements OutboundDialogue {
  readonly sipCallId: string;
  readonly answered: Promise<Answered>;
  readonly ended: Promise<Ending>;
  onProgress: OutboundDialogue['onProgress'] = () => undefined;
  onReoffer: OutboundDialogue['onReoffer'] = () =>
    Promise.resolve({ status: 488, reason: 'Not Acceptable Here' });
  onRefreshed: OutboundDialogue['onRefreshed'] = () => undefined;
  onInfo: OutboundDialogue['onInfo'] = () => false;

  readonly #env: Environment;
  readonly #way: Way | undefined;
  readonly #route: readonly NextHop[];
  readonly #offer: string;
  readonly #invite: OutgoingInvite;
  readonly #begun: number;
  readonly #settleAnswer: (answer: Answered) => void;
  readonly #finish: (end: Ending) => void;
  #state: UacState = 'calling';
  #hops = 1;
  #attempt: Attempt | undefined;
  #response: SipResponse | undefined;
  #alerted = false;
  #end: Ending | undefined;
  #dialog: SrfDialog | undefined;
  #session: Session | undefined;
  #byeHeaders: readonly HeaderField[] = [];
  #ring: Timer | undefined;
  #cancelLimit: Timer | undefined;
  #goodbyeLimit: Timer | undefined;

  constructor(
    way: Way | undefined,
    route: readonly NextHop[],
    offer: string,
    options: OutboundOptions,
    env: Environment,
  ) {
    this.#way = way;
    this.#route = route;
    this.#offer = offer;
    this.#env = env;
    this.#invite = new OutgoingInvite(options);
    this.sipCallId = this.#invite.callId;
    this.#begun = env.clock.now();
    const answer = deferred<Answered>();
    this.answered = answer.promise;
    this.#settleAnswer = answer.resolve;
    const { promise, resolve } = deferred<Ending>();
    this.ended = promise;
    this.#finish = resolve;
    this.#ring = env.clock.timer(options.ringMs, () => this.#conclude('ringTimeout', this.#unanswered()));
    // Whoever called has to have the call in hand before it can be over.
    queueMicrotask(() => this.#begin());
  }

  hangup(end: Ending, headers: readonly HeaderField[] = []): void {
    if (this.#end === undefined) this.#byeHeaders = headers;
    this.#conclude('hangup', end);
  }

  async reoffer(offer: () => string): Promise<Result<{ readonly sdp: string }>> {
    if (this.#state === 'confirmed' && this.#session !== undefined) return await this.#session.reoffer(offer);
    return fail(new Failure('gone', 'the call is not up'));
  }

  async refer(request: ReferRequest): Promise<Result<void, Ending>> {
    if (this.#state === 'confirmed' && this.#session !== undefined) return await this.#session.refer(request);
    return fail(ending('transfer-failed', 'the call is not up'));
  }

  dismiss(end: Ending): void {
    this.hangup(end);
  }

  /** The link that it goes over is gone. The package says nothing of it to the dialogue. */
  linkLost(): void {
    this.#conclude('linkLost', ending('connection-lost', 'the drachtio-server is gone'));
  }

  /** What it goes over. */
  get socket(): Socket | undefined {
    return this.#way?.socket;
  }

  /** Ends at once without a word to the peer. */
  drop(end: Ending): void {
    this.#end ??= end;
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#settle();
    this.#over();
  }

  #begin(): void {
    if (this.#state !== 'calling') return;
    if (this.#way === undefined) {
      this.#conclude('refused', ending('trunk-unreachable', 'there is no drachtio-server to call through'));
    } else this.#guard(() => this.#sendInvite());
  }

  #sendInvite(): void {
    const hop = this.#route[this.#hops - 1];
    const way = this.#way;
    if (hop === undefined || way === undefined) throw new Error('an INVITE without a way');
    const attempt: Attempt = { hop, request: undefined };
    this.#attempt = attempt;
    const current = () => this.#attempt === attempt;
    const { headers } = contentOf(this.#invite.next());
    way.srf.createUAC(
      this.#invite.uri,
      { localSdp: this.#offer, proxy: proxyUri(hop), headers },
      {
        cbRequest: (_error, request) => {
          if (request === undefined) return;
          attempt.request = request;
          this.#env.tap('out', sourceOf(hop), request.raw);
          if (current() && this.#state === 'cancelling') this.#sendCancel();
        },
        cbProvisional: response => current() && this.#guard(() => this.#provisional(response, hop)),
      },
      (error, dialog) => {
        if (current()) this.#guard(() => this.#final(error, dialog, hop));
      },
    );
  }

  #provisional({ status, raw }: SrfResponse, hop: NextHop): void {
    this.#env.tap('in', sourceOf(hop), raw);
    const read = readResponse(raw);
    this.#response = read.ok ? read.value : undefined;
    if (status > 100) this.#alerted = true;
    if (accepts(uacTable, this.#state, 'provisional')) this.#feed('provisional');
  }

  #final(error: unknown, dialog: SrfDialog | undefined, hop: NextHop): void {
    if (dialog !== undefined) return this.#succeeded(dialog, hop);
    const raw = refusalOf(error)?.res.raw;
    if (raw === undefined) {
      const why = messageOf(error);
      this.#env.log.info('a call could not be sent', { why });
      if (this.#mayTryAgain && this.#nextHop()) this.#feed('again');
      else
        this.#conclude(
          'refused',
          ending('trunk-unreachable', 'the drachtio-server could not send the INVITE'),
        );
      return;
    }
    this.#env.tap('in', sourceOf(hop), raw);
    const read = readResponse(raw);
    if (!read.ok) return this.#conclude('refused', ending('trunk-refused', 'the answer is not SIP'));
    // Answered, but by nobody who can be spoken to: the package has acknowledged it, and the server lets it go.
    if (read.value.status < 300)
      this.#conclude('refused', ending('trunk-refused', 'the answer has no Contact'));
    else this.#refused(read.value);
  }

  #refused(response: SipResponse): void {
    const { status } = response;
    // What the server itself says of a peer that it cannot reach looks like a word of the peer.
    const unreached = (status === 408 || status === 503) && !this.#alerted;
    const again =
      this.#mayTryAgain &&
      (this.#invite.challenged(response) || ((wantsNextHop(response) || unreached) && this.#nextHop()));
    if (again) this.#feed('again');
    else
      this.#conclude(
        'refused',
        unreached
          ? ending('trunk-unreachable', `SIP ${status}`)
          : refusalEnding(response, this.#invite.signed),
      );
  }

  #succeeded(dialog: SrfDialog, hop: NextHop): void {
    const { clock, limits, tap } = this.#env;
    this.#dialog = dialog;
    tap('in', sourceOf(hop), dialog.res.raw);
    const read = readResponse(dialog.res.raw);
    this.#response = read.ok ? read.value : undefined;
    const wish = read.ok ? readSessionWish(read.value.headers) : undefined;
    this.#session = new Session({
      clock,
      limits,
      dialog,
      ownsCallId: true,
      sequence: 0,
      sdp: this.#offer,
      terms: wish && termsOfResponse(wish, limits, undefined),
      confirmed: () => this.#state === 'confirmed',
      ask: offer => this.onReoffer(offer),
      info: (type, body) => this.onInfo(type, body),
      refreshed: sdp => this.onRefreshed(sdp),
      onAck: () => undefined,
      onBye: end => this.#conclude('bye', end),
      over: end => this.#conclude('hangup', end),
      heard: raw => tap('in', sourceOf(hop), raw),
      fault: error => this.#fault(error),
    });
    this.#feed('success');
  }

  get #mayTryAgain(): boolean {
    return this.#end === undefined && (this.#state === 'calling' || this.#state === 'proceeding');
  }

  /** RFC 3263 section 4.3, within bounds. */
  #nextHop(): boolean {
    const { clock, limits } = this.#env;
    const late = clock.now() - this.#begun > limits.callHopsMs;
    if (late || this.#hops >= Math.min(this.#route.length, limits.callHops)) return false;
    this.#hops++;
    this.#invite.forget();
    return true;
  }

  /** Why nobody has answered until now. */
  #unanswered(): Ending {
    return this.#alerted
      ? ending('callee-no-answer', 'it rang for too long')
      : ending('trunk-unreachable', noResponse(this.#attempt?.hop));
  }

  /** Feeds an input that ends the call, where it still can. */
  #conclude(input: UacInput, end: Ending): void {
    if (!accepts(uacTable, this.#state, input)) return;
    this.#end ??= end;
    this.#feed(input);
  }

  #feed(input: UacInput): void {
    this.#guard(() => {
      if (!accepts(uacTable, this.#state, input)) return;
      const [next, ...actions] = step<UacState, UacInput, UacAction>(uacTable, this.#state, input);
      this.#state = next;
      if (next !== 'calling' && next !== 'proceeding') this.#ring?.cancel();
      for (const action of actions) this.#act(action);
    });
  }

  #act(action: UacAction): void {
    const { clock, limits } = this.#env;
    switch (action) {
      case 'sendInvite':
        return this.#sendInvite();
      case 'tellProgress':
        if (this.#response === undefined || this.#response.status === 100) return;
        return this.onProgress(this.#response.status, sdpOf(this.#response));
      case 'settle':
        return this.#settle();
      case 'startCancelLimit':
        this.#cancelLimit = clock.timer(limits.goodbyeMs, () =>
          this.#conclude('cancelTimeout', this.#unanswered()),
        );
        return;
      case 'stopCancelLimit':
        return this.#cancelLimit?.cancel();
      case 'sendCancel':
        return this.#sendCancel();
      case 'sendBye':
        return this.#goodbye(() => this.#feed('byeDone'));
      case 'takeBack':
        return this.#goodbye(() => this.#leave());
      case 'end':
        return this.#over();
    }
  }

  #settle(): void {
    const sdp = this.#response === undefined ? undefined : sdpOf(this.#response);
    if (this.#end !== undefined) this.#settleAnswer(fail(this.#end));
    else this.#settleAnswer(ok(sdp === undefined ? {} : { sdp }));
  }

  #sendCancel(): void {
    this.#attempt?.request?.cancel(error => {
      if (error) this.#env.log.debug('a CANCEL did not go out', { error: messageOf(error) });
    });
  }

  #goodbye(done: () => void): void {
    if (this.#dialog === undefined) throw new Error('a BYE without a dialogue');
    this.#session?.stop();
    this.#goodbyeLimit = sayGoodbye(
      this.#dialog,
      this.#end ?? ending('internal-error'),
      this.#byeHeaders,
      this.#env,
      done,
    );
  }

  #over(): void {
    this.#ring?.cancel();
    this.#cancelLimit?.cancel();
    this.#goodbyeLimit?.cancel();
    this.#session?.stop();
    this.#leave();
    this.#env.onEnd(this);
    this.#finish(this.#end ?? ending('internal-error'));
  }

  /** The package must not keep what it was never told the end of. */
  #leave(): void {
    if (this.#dialog === undefined) return;
    this.#way?.srf.removeDialog(this.#dialog);
    this.#dialog.removeAllListeners();
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

/** The refusal of a peer, where that is what the package failed with. */
function refusalOf(error: unknown): SrfRefusal | undefined {
  return error instanceof Error && 'status' in error && 'res' in error
    ? (error as unknown as SrfRefusal)
    : undefined;
}

/** The package does not say which of the server's addresses a call goes out from. */
function sourceOf({ transport, address, port }: NextHop): Source {
  return { transport, address, port, localAddress: '' };
}
