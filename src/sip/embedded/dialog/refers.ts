import type { Clock, Timer } from '../../../core/clock.ts';
import { type Ending, ending } from '../../../core/ending.ts';
import { fail, ok, type Result } from '../../../core/errors.ts';
import type { HeaderField, ReferRequest } from '../../signalling.ts';
import { parseCSeq } from '../message/cseq.ts';
import { parseParameters } from '../message/parameters.ts';
import { formatRequest } from '../message/writer.ts';
import type { RequestOutcome } from '../transaction/client.ts';
import type { TransactionLayer } from '../transaction/layer.ts';
import type { ServerTransaction } from '../transaction/server.ts';
import { accepts, step } from '../transaction/table.ts';
import type { Connection } from '../transport/connection.ts';
import type { DialogPath } from './path.ts';
import { type ReferAction, type ReferInput, type ReferState, referring } from './refer-table.ts';
import { fragmentStatus } from './sipfrag.ts';
import { reasonOfStatus } from './uac-outcome.ts';

export interface RefersOptions {
  readonly clock: Clock;
  readonly layer: TransactionLayer;
  readonly path: DialogPath;
  /** From REFER to its result, ms. */
  readonly limitMs: number;
  readonly connection: () => Connection;
  /** Header fields of the REFER besides those of the transfer: Contact and what goes with it. */
  readonly lines: () => readonly HeaderField[];
}

/** The transfers that we ask the peer of one dialogue for, and what it tells of them. */
export class Refers {
  readonly #options: RefersOptions;
  #state: ReferState = 'idle';
  #request: ReferRequest | undefined;
  #settle: (outcome: Result<void, Ending>) => void = () => undefined;
  #deadline: Timer | undefined;
  /** CSeq number of the latest REFER, by which NOTIFYs may name it (RFC 3515 section 2.4.6). */
  #sequence: number | undefined;
  /** The peer may still tell of it: NOTIFYs are taken. */
  #subscribed = false;
  #status = 100;
  /** Why the next `fail` fails. */
  #end: Ending = ending('transfer-failed');

  constructor(options: RefersOptions) {
    this.#options = options;
  }

  get state(): ReferState {
    return this.#state;
  }

  /** Asks the peer to call `request.uri` in our place; settles once it is known how that went. */
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

  /** The dialogue is over. */
  stop(): void {
    this.#fail('stop', ending('transfer-failed', 'the call is over'));
    this.#subscribed = false;
  }

  /** Takes a NOTIFY and answers it; false when it belongs to no REFER of ours (RFC 6665 section 4.1.3). */
  notify(transaction: ServerTransaction): boolean {
    const { headers, body } = transaction.request;
    if (!this.#subscribed || !this.#isOurs(headers.get('Event') ?? '')) return false;
    const state = headers.get('Subscription-State')?.split(';', 1)[0]?.trim().toLowerCase();
    const status = fragmentStatus(headers, body);
    if (status === undefined && body.length > 0) {
      transaction.respond({ status: 400, reason: 'Bad Message Fragment' });
      return true;
    }
    transaction.respond({ status: 200 });
    this.#hear(status ?? 100, state === 'terminated');
    return true;
  }

  #hear(status: number, last: boolean): void {
    this.#status = status;
    const unknown = ending('transfer-timeout', 'the peer stopped telling');
    if (status >= 300) this.#fail('failure', failureEnding(status));
    else if (status >= 200) this.#feed('success');
    else if (last) this.#fail('silence', unknown);
    else this.#feed('progress');
    if (last) this.#subscribed = false;
  }

  /** RFC 3515 section 2.4.6: `refer`, with the CSeq number of its REFER as `id`, or without. */
  #isOurs(event: string): boolean {
    const semicolon = event.indexOf(';');
    const name = (semicolon < 0 ? event : event.slice(0, semicolon)).trim().toLowerCase();
    const id = semicolon < 0 ? undefined : parseParameters(event, semicolon)?.get('id');
    return name === 'refer' && (id === undefined || Number(id) === this.#sequence);
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
          // Whatever the peer says later is answered 481, which ends its subscription.
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
    const { layer, path, lines } = this.#options;
    const connection = this.#options.connection();
    if (!connection.open) return this.#fail('refused', ending('connection-lost'));
    const branch = layer.newBranch();
    const headers = [
      ...lines(),
      { name: 'Refer-To', value: `<${request.uri}>` },
      // RFC 3892 section 2.1: who wants it.
      { name: 'Referred-By', value: `<${path.localUri}>` },
      ...request.headers,
    ];
    const refer = path.compose('REFER', branch, { headers });
    const sequence = parseCSeq(refer.headers.get('CSeq') ?? '')?.number;
    this.#sequence = sequence;
    this.#subscribed = true;
    const bytes = formatRequest('REFER', refer.uri, refer.headers, refer.body);
    layer.request(connection, branch, bytes, outcome => {
      if (this.#sequence === sequence) this.#judge(outcome);
    });
  }

  #judge(outcome: RequestOutcome): void {
    if (outcome === 'timeout') this.#fail('refused', ending('transfer-timeout', 'no response'));
    else if (outcome === 'lost') this.#fail('refused', ending('connection-lost'));
    else if (outcome.status >= 300)
      this.#fail('refused', ending('transfer-refused', `SIP ${outcome.status}`));
    else if (outcome.headers.get('Refer-Sub')?.trim().toLowerCase() === 'false') {
      // RFC 4488 section 4: no NOTIFY will come, and the REFER was accepted.
      this.#feed('unsubscribed');
    } else this.#feed('accepted');
  }
}

/** What the peer's INVITE to the target has come to. */
function failureEnding(status: number): Ending {
  return ending(reasonOfStatus(status) ?? 'transfer-failed', `SIP ${status}`);
}
