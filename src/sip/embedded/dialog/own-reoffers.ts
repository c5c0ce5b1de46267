import type { Clock, Timer } from '../../../core/clock.ts';
import { Failure, fail, ok, type Result } from '../../../core/errors.ts';
import type { HeaderField } from '../../signalling.ts';
import { sipTimers } from '../limits.ts';
import { parseCSeq } from '../message/cseq.ts';
import type { SipResponse } from '../message/message.ts';
import type { RequestOutcome } from '../transaction/client.ts';
import { cancelOf, type InviteClientTransaction } from '../transaction/inviting.ts';
import type { TransactionLayer } from '../transaction/layer.ts';
import { accepts, step, type Table } from '../transaction/table.ts';
import { glareDelay } from '../transaction/token.ts';
import type { Connection } from '../transport/connection.ts';
import { sdpType } from './capabilities.ts';
import type { DialogPath } from './path.ts';

export type OwnReofferState = 'idle' | 'waiting' | 'pending' | 'cancelling' | 'backoff';
export type OwnReofferInput =
  | 'start'
  | 'startBusy'
  | 'free'
  | 'accepted'
  | 'again'
  | 'glare'
  | 'refused'
  | 'dead'
  | 'slow'
  | 'due'
  | 'dueBusy'
  | 'stop';
export type OwnReofferAction =
  | 'send'
  | 'accept'
  | 'refuse'
  | 'dead'
  | 'startBackoff'
  | 'cancel'
  | 'giveUp'
  | 'drop';

/**
 * A re-INVITE or UPDATE of ours, one at a time. It waits while one of the peer's is being answered (RFC 3261 section
 * 14.1), and backs off when the two meet.
 */
export const ownReoffer = {
  idle: { start: ['pending', 'send'], startBusy: ['waiting'], free: ['idle'], stop: ['idle'] },
  // Bounded by the time that the peer's own request may take.
  waiting: { free: ['pending', 'send'], stop: ['idle', 'drop'] },
  pending: {
    free: ['pending'],
    accepted: ['idle', 'accept'],
    again: ['pending', 'send'],
    glare: ['backoff', 'startBackoff'],
    refused: ['idle', 'refuse'],
    dead: ['idle', 'refuse', 'dead'],
    slow: ['cancelling', 'cancel'],
    stop: ['idle', 'drop'],
  },
  cancelling: {
    free: ['cancelling'],
    accepted: ['idle', 'accept'],
    again: ['idle', 'refuse'],
    glare: ['idle', 'refuse'],
    refused: ['idle', 'refuse'],
    dead: ['idle', 'refuse', 'dead'],
    slow: ['idle', 'giveUp', 'refuse'],
    stop: ['idle', 'drop'],
  },
  backoff: {
    free: ['backoff'],
    due: ['pending', 'send'],
    dueBusy: ['waiting'],
    stop: ['idle', 'drop'],
  },
} as const satisfies Table<OwnReofferState, OwnReofferInput, OwnReofferAction>;

/** How often a request that met one of the peer's is sent in all. */
const mostTries = 4;

/** Made once: every dialogue begins and ends with it. */
const over = new Failure('gone', 'the call is over');

export interface OwnReofferOptions {
  readonly clock: Clock;
  readonly layer: TransactionLayer;
  readonly path: DialogPath;
  /** Time from the first provisional response to CANCEL, ms. */
  readonly limitMs: number;
  readonly connection: () => Connection;
  /** The Call-ID is ours: the dialogue is one that we began. */
  readonly ownsCallId: boolean;
  /** A re-offer of the peer, or the INVITE that made the dialogue, is not settled yet. */
  readonly busy: () => boolean;
  /** Header fields of each request, asked anew for each sending. */
  readonly lines: () => readonly HeaderField[];
  /** The peer wants a longer session interval (422): true when that can be had. */
  readonly tooSmall: (response: SipResponse) => boolean;
  /** The peer has said yes: the session is refreshed. */
  readonly accepted: (response: SipResponse) => void;
  /** The peer does not know the dialogue any more, or does not answer at all (RFC 3261 section 12.2.1.2). */
  readonly dead: () => void;
}

/** A 2xx to a request of ours. */
type Outcome = Result<SipResponse>;

interface Job {
  readonly method: 'INVITE' | 'UPDATE';
  /** Its body, asked anew for each sending. */
  readonly sdp: () => string | undefined;
  readonly done: (outcome: Outcome) => void;
}

export class OwnReoffers {
  readonly #options: OwnReofferOptions;
  #state: OwnReofferState = 'idle';
  #job: Job | undefined;
  #tries = 0;
  #raised = false;
  #timer: Timer | undefined;
  #transaction: InviteClientTransaction | undefined;
  #response: SipResponse | undefined;
  #failure = over;

  constructor(options: OwnReofferOptions) {
    this.#options = options;
  }

  get state(): OwnReofferState {
    return this.#state;
  }

  /** A request of ours is out, and an offer of the peer would meet it: 491 (RFC 3261 section 14.2). */
  get pending(): boolean {
    return this.#state === 'pending' || this.#state === 'cancelling';
  }

  /** Sends it as soon as it may be sent; fails with `busy` while another one is under way. */
  start(method: 'INVITE' | 'UPDATE', sdp: () => string | undefined): Promise<Outcome> {
    if (this.#state !== 'idle') {
      return Promise.resolve(fail(new Failure('busy', 'another change of the session is under way')));
    }
    return new Promise(resolve => {
      this.#job = { method, sdp, done: resolve };
      this.#tries = 0;
      this.#raised = false;
      this.#feed(this.#options.busy() ? 'startBusy' : 'start');
    });
  }

  /** The peer's own request is settled. */
  free(): void {
    this.#feed('free');
  }

  /** The dialogue is over. */
  stop(): void {
    this.#failure = over;
    this.#feed('stop');
  }

  #feed(input: OwnReofferInput): void {
    if (!accepts(ownReoffer, this.#state, input)) return;
    const [next, ...actions] = step<OwnReofferState, OwnReofferInput, OwnReofferAction>(
      ownReoffer,
      this.#state,
      input,
    );
    if (next !== this.#state) this.#timer?.cancel();
    this.#state = next;
    for (const action of actions) this.#act(action);
  }

  #act(action: OwnReofferAction): void {
    const { clock, ownsCallId, busy, dead, connection } = this.#options;
    switch (action) {
      case 'send':
        return this.#send();
      case 'accept':
        return this.#accept();
      case 'refuse':
        return this.#finish(fail(this.#failure));
      case 'dead':
        return dead();
      case 'startBackoff':
        this.#timer = clock.timer(glareDelay(ownsCallId), () => this.#feed(busy() ? 'dueBusy' : 'due'));
        return;
      case 'cancel': {
        const { layer } = this.#options;
        const invite = this.#transaction?.request;
        const branch = /;branch=([^;]+)/.exec(invite?.headers.get('Via') ?? '')?.[1];
        this.#timer = clock.timer(sipTimers.transaction, () => this.#feed('slow'));
        if (invite === undefined || branch === undefined) return;
        layer.request(connection(), branch, cancelOf(invite), () => undefined);
        return;
      }
      case 'giveUp':
        this.#failure = new Failure('no-answer', 'the peer never answered a change of the session');
        this.#transaction?.abandon();
        return;
      case 'drop':
        this.#transaction?.abandon();
        return this.#finish(fail(this.#failure));
    }
  }

  #send(): void {
    const job = this.#job;
    if (job === undefined) throw new Error('there is nothing to send');
    const { layer, path, lines } = this.#options;
    const connection = this.#options.connection();
    this.#tries++;
    this.#timer?.cancel();
    if (!connection.open) {
      this.#failure = new Failure('lost', 'there is no connection to the peer');
      this.#feed('refused');
      return;
    }
    const branch = layer.newBranch();
    const text = job.sdp();
    const body = text === undefined ? {} : { body: { type: sdpType, text } };
    const content = { headers: lines(), ...body };
    if (job.method === 'UPDATE') {
      const bytes = path.request('UPDATE', branch, content);
      layer.request(connection, branch, bytes, outcome => this.#judge(job, outcome));
    } else this.#invite(job, connection, branch, content);
  }

  #invite(
    job: Job,
    connection: Connection,
    branch: string,
    content: Parameters<DialogPath['compose']>[2],
  ): void {
    const { layer, path, clock, limitMs } = this.#options;
    const request = path.compose('INVITE', branch, content);
    const sequence = parseCSeq(request.headers.get('CSeq') ?? '')?.number ?? 0;
    let proceeding = false;
    this.#transaction = layer.invite(connection, branch, request, {
      response: response => {
        if (response.status >= 200 && response.status < 300) {
          // RFC 3261 section 13.2.2.4: each copy of a 2xx is acknowledged.
          path.refresh(response);
          const over = this.#options.connection();
          over.send(path.request('ACK', layer.newBranch(), { sequence }));
        }
        if (response.status >= 200) this.#judge(job, response);
        else if (this.#job === job && this.#state === 'pending' && !proceeding) {
          proceeding = true;
          this.#timer = clock.timer(limitMs, () => this.#feed('slow'));
        }
      },
      timedOut: () => this.#judge(job, 'timeout'),
      lost: () => {
        // With a provisional response the final one may come over another connection.
        if (!proceeding) this.#judge(job, 'lost');
      },
    });
  }

  /** What the final response, or its absence, means for the request that is under way. */
  #judge(job: Job, outcome: RequestOutcome): void {
    if (this.#job !== job || !this.pending) return;
    if (typeof outcome === 'string') {
      this.#failure = new Failure(outcome === 'lost' ? 'lost' : 'no-answer', 'the peer did not answer');
      this.#feed(outcome === 'lost' ? 'refused' : 'dead');
      return;
    }
    const { status } = outcome;
    if (status < 300) {
      this.#response = outcome;
      this.#feed('accepted');
      return;
    }
    this.#failure = new Failure(status === 491 ? 'glare' : 'refused', `the peer answered ${status}`);
    if (status === 491 && this.#tries < mostTries) this.#feed('glare');
    else if (status === 422 && !this.#raised && this.#options.tooSmall(outcome)) {
      this.#raised = true;
      this.#feed('again');
    } else this.#feed(status === 481 || status === 408 ? 'dead' : 'refused');
  }

  #accept(): void {
    const response = this.#response;
    if (response === undefined) throw new Error('there is nothing that was accepted');
    // Of an INVITE the path was refreshed before its ACK.
    if (this.#job?.method === 'UPDATE') this.#options.path.refresh(response);
    this.#options.accepted(response);
    this.#finish(ok(response));
  }

  #finish(outcome: Outcome): void {
    const job = this.#job;
    this.#job = undefined;
    this.#transaction = undefined;
    job?.done(outcome);
  }
}
