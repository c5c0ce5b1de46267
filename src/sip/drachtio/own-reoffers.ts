import type { Clock, Timer } from '../../core/clock.ts';
import { Failure, fail, ok, type Result } from '../../core/errors.ts';
import { sdpType } from '../embedded/dialog/capabilities.ts';
import { sdpOf } from '../embedded/dialog/content.ts';
import type { Headers } from '../embedded/message/headers.ts';
import { accepts, step, type Table } from '../embedded/transaction/table.ts';
import { glareDelay } from '../embedded/transaction/token.ts';
import { allowLine, supportedLine } from './capabilities.ts';
import { readResponse } from './message.ts';
import { ask } from './reply.ts';
import type { SrfDialog, SrfResponse } from './srf.ts';

type State = 'idle' | 'waiting' | 'pending' | 'backoff';
type Input = 'start' | 'startBusy' | 'free' | 'done' | 'again' | 'glare' | 'due' | 'dueBusy' | 'stop';
type Action = 'send' | 'settle' | 'startBackoff' | 'drop';

/** A re-INVITE of ours, one at a time: it waits for the peer's own, and backs off when the two meet. */
export const ownReoffer = {
  idle: { start: ['pending', 'send'], startBusy: ['waiting'] },
  // Bounded by the time that the peer's own request may take.
  waiting: { free: ['pending', 'send'], stop: ['idle', 'drop'] },
  pending: {
    done: ['idle', 'settle'],
    again: ['pending', 'send'],
    glare: ['backoff', 'startBackoff'],
    stop: ['idle', 'drop'],
  },
  backoff: { due: ['pending', 'send'], dueBusy: ['waiting'], stop: ['idle', 'drop'] },
} as const satisfies Table<State, Input, Action>;

/** How often a request that met one of the peer's is sent in all. */
const mostTries = 4;

type Outcome = Result<{ readonly sdp: string }>;

export interface OwnReofferOptions {
  readonly clock: Clock;
  readonly limitMs: number;
  readonly dialog: () => SrfDialog;
  /** The call is one that we began. */
  readonly ownsCallId: boolean;
  /** A re-offer of the peer, or the INVITE that made the dialogue, is not settled yet. */
  readonly busy: () => boolean;
  /** Further header fields of each request, asked anew for each sending. */
  readonly lines: () => readonly (readonly [name: string, value: string])[];
  /** The peer wants a longer session interval (422): true when that can be had. */
  readonly tooSmall: (response: Headers) => boolean;
  /** The peer has said yes: the session is refreshed. */
  readonly accepted: (response: Headers) => void;
  /** The peer does not know the dialogue any more (RFC 3261 section 12.2.1.2). */
  readonly dead: () => void;
}

export class OwnReoffers {
  readonly #options: OwnReofferOptions;
  #state: State = 'idle';
  /** What is offered, asked anew for each sending. */
  #sdp: () => string = () => '';
  #tries = 0;
  #raised = false;
  #timer: Timer | undefined;
  #settle: (outcome: Outcome) => void = () => undefined;
  #outcome: Outcome = fail(new Failure('gone', 'the call is over'));

  constructor(options: OwnReofferOptions) {
    this.#options = options;
  }

  get pending(): boolean {
    return this.#state === 'pending';
  }

  start(sdp: () => string): Promise<Outcome> {
    if (this.#state !== 'idle') {
      return Promise.resolve(fail(new Failure('busy', 'another change of the session is under way')));
    }
    return new Promise(resolve => {
      this.#sdp = sdp;
      this.#tries = 0;
      this.#raised = false;
      this.#settle = resolve;
      this.#feed(this.#options.busy() ? 'startBusy' : 'start');
    });
  }

  /** The peer's own request is settled. */
  free(): void {
    this.#feed('free');
  }

  stop(): void {
    this.#outcome = fail(new Failure('gone', 'the call is over'));
    this.#feed('stop');
  }

  #feed(input: Input): void {
    if (!accepts(ownReoffer, this.#state, input)) return;
    const [next, ...actions] = step<State, Input, Action>(ownReoffer, this.#state, input);
    this.#timer?.cancel();
    this.#state = next;
    for (const action of actions) this.#act(action);
  }

  #act(action: Action): void {
    const { clock, ownsCallId, busy } = this.#options;
    switch (action) {
      case 'send':
        return this.#send();
      case 'startBackoff':
        this.#timer = clock.timer(glareDelay(ownsCallId), () => this.#feed(busy() ? 'dueBusy' : 'due'));
        return;
      case 'settle':
      case 'drop':
        return this.#settle(this.#outcome);
    }
  }

  #send(): void {
    const { clock, limitMs, dialog, lines: more } = this.#options;
    this.#tries++;
    const contact = ['Contact', dialog().local.contact] as const;
    const lines = [contact, allowLine, supportedLine, ...more(), ['Content-Type', sdpType] as const];
    const request = { method: 'INVITE', lines, body: this.#sdp(), clock, limitMs };
    this.#timer = ask(dialog(), request, outcome => this.#judge(outcome));
  }

  #judge(outcome: Result<SrfResponse>): void {
    this.#outcome = outcome.ok ? read(outcome.value) : outcome;
    const status = outcome.ok ? outcome.value.status : 0;
    const headers = outcome.ok ? headersOf(outcome.value) : undefined;
    if (status === 491 && this.#tries < mostTries) return this.#feed('glare');
    if (status === 422 && !this.#raised && headers !== undefined && this.#options.tooSmall(headers)) {
      this.#raised = true;
      return this.#feed('again');
    }
    if (status >= 200 && status < 300 && headers !== undefined) this.#options.accepted(headers);
    this.#feed('done');
    const unheard = !outcome.ok && outcome.failure.code === 'no-answer';
    if (status === 481 || status === 408 || unheard) this.#options.dead();
  }
}

function headersOf({ raw }: SrfResponse): Headers | undefined {
  const message = readResponse(raw);
  return message.ok ? message.value.headers : undefined;
}

function read(response: SrfResponse): Outcome {
  const { status } = response;
  if (status >= 300) {
    return fail(new Failure(status === 491 ? 'glare' : 'refused', `the peer answered ${status}`));
  }
  const message = readResponse(response.raw);
  const sdp = message.ok ? sdpOf(message.value) : undefined;
  if (sdp === undefined) return fail(new Failure('refused', 'the peer took the offer without an answer'));
  return ok({ sdp });
}
