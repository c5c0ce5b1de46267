import type { Clock, Timer } from '../../core/clock.ts';
import { type Ending, ending } from '../../core/ending.ts';
import { fail, ok, type Result } from '../../core/errors.ts';
import {
  type ReferAction,
  type ReferInput,
  type ReferState,
  referring,
} from '../embedded/dialog/refer-table.ts';
import { fragmentStatus } from '../embedded/dialog/sipfrag.ts';
import { reasonOfStatus } from '../embedded/dialog/uac-outcome.ts';
import type { SipRequest } from '../embedded/message/message.ts';
import { accepts, step } from '../embedded/transaction/table.ts';
import type { ReferRequest } from '../signalling.ts';
import { readResponse } from './message.ts';
import { ask } from './reply.ts';
import type { SrfDialog, SrfResponse } from './srf.ts';

export interface RefersOptions {
  readonly clock: Clock;
  readonly limitMs: number;
  readonly dialog: () => SrfDialog;
}

/** The transfers that we ask the peer of one dialogue for (RFC 3515). */
export class Refers {
  readonly #options: RefersOptions;
  #state: ReferState = 'idle';
  #request: ReferRequest | undefined;
  #settle: (outcome: Result<void, Ending>) => void = () => undefined;
  #deadline: Timer | undefined;
  /** The REFER whose response is waited for. */
  #sent: Timer | undefined;
  /** The peer may still tell of it: NOTIFYs are taken. */
  #subscribed = false;
  #status = 100;
  #end: Ending = ending('transfer-failed');

  constructor(options: RefersOptions) {
    this.#options = options;
  }

  start(request: ReferRequest): Promise<Result<void, Ending>> {
    if (!accepts(referring, this.#state, 'start')) {
      return Promise.resolve(fail(ending('transfer-failed', 'another transfer is under way')));
    }
    return new Promise(resolve => {
      this.#request = request;
      this.#settle = resolve;
      this.#feed('start');
    });
  }

  /** The peer hangs up: true when it has taken the caller along. */
  bye(): boolean {
    this.#fail('bye', ending('transfer-failed', 'the caller hung up'));
    return this.#state === 'succeeded';
  }

  stop(): void {
    this.#fail('stop', ending('transfer-failed', 'the call is over'));
    this.#sent?.cancel();
    this.#subscribed = false;
  }

  /** The status that a NOTIFY gets: 481 when it belongs to no REFER of ours (RFC 6665 section 4.1.3). */
  notify({ headers, body }: SipRequest): 200 | 400 | 481 {
    const event = headers.get('Event')?.split(';', 1)[0]?.trim().toLowerCase();
    if (!this.#subscribed || event !== 'refer') return 481;
    const status = fragmentStatus(headers, body);
    if (status === undefined && body.length > 0) return 400;
    const state = headers.get('Subscription-State')?.split(';', 1)[0]?.trim().toLowerCase();
    this.#hear(status ?? 100, state === 'terminated');
    return 200;
  }

  #hear(status: number, last: boolean): void {
    this.#status = status;
    if (status >= 300) {
      this.#fail('failure', ending(reasonOfStatus(status) ?? 'transfer-failed', `SIP ${status}`));
    } else if (status >= 200) this.#feed('success');
    else if (last) this.#fail('silence', ending('transfer-timeout', 'the peer stopped telling'));
    else this.#feed('progress');
    if (last) this.#subscribed = false;
  }

  #fail(input: ReferInput, end: Ending): void {
    this.#end = end;
    this.#feed(input);
  }

  #feed(input: ReferInput): void {
    if (!accepts(referring, this.#state, input)) return;
    const [next, ...actions] = step<ReferState, ReferInput, ReferAction>(referring, this.#state, input);
    this.#state = next;
    for (const action of actions) this.#act(action);
  }

  #act(action: ReferAction): void {
    const { clock, limitMs } = this.#options;
    switch (action) {
      case 'send':
        return this.#send();
      case 'startDeadline':
        this.#deadline = clock.timer(limitMs, () => {
          this.#subscribed = false;
          this.#fail('deadline', ending('transfer-timeout'));
        });
        return;
      case 'stopDeadline':
        return this.#deadline?.cancel();
      case 'tell':
        return this.#request?.onProgress?.(this.#status);
      case 'succeed':
        return this.#settle(ok(undefined));
      case 'fail':
        return this.#settle(fail(this.#end));
    }
  }

  #send(): void {
    const request = this.#request;
    if (request === undefined) throw new Error('there is nobody to refer to');
    const { clock, limitMs, dialog } = this.#options;
    const { contact } = dialog().local;
    const lines = [
      ['Contact', contact],
      ['Refer-To', `<${request.uri}>`],
      // RFC 3892 section 2.1: who wants it.
      ['Referred-By', contact.startsWith('<') ? contact : `<${contact}>`],
      ...request.headers.map(({ name, value }) => [name, value] as const),
    ] as const;
    this.#subscribed = true;
    this.#sent?.cancel();
    this.#sent = ask(dialog(), { method: 'REFER', lines, clock, limitMs }, outcome => this.#judge(outcome));
  }

  #judge(outcome: Result<SrfResponse>): void {
    if (!outcome.ok) {
      const lost = outcome.failure.code === 'not-sent';
      this.#fail('refused', lost ? ending('connection-lost') : ending('transfer-timeout', 'no response'));
      return;
    }
    const { status, raw } = outcome.value;
    if (status >= 300) return this.#fail('refused', ending('transfer-refused', `SIP ${status}`));
    const message = readResponse(raw);
    const unsubscribed =
      message.ok && message.value.headers.get('Refer-Sub')?.trim().toLowerCase() === 'false';
    // RFC 4488 section 4: no NOTIFY will come, and the REFER was accepted.
    this.#feed(unsubscribed ? 'unsubscribed' : 'accepted');
  }
}
