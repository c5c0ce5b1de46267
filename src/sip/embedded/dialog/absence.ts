import type { Clock, Timer } from '../../../core/clock.ts';
import { type Ending, ending } from '../../../core/ending.ts';
import type { StackLimits } from '../limits.ts';
import type { RequestOutcome } from '../transaction/client.ts';
import type { TransactionLayer } from '../transaction/layer.ts';
import type { Connection } from '../transport/connection.ts';
import { acceptLine } from './capabilities.ts';
import type { DialogPath } from './path.ts';

export interface AbsenceEnvironment {
  readonly clock: Clock;
  readonly limits: Pick<StackLimits, 'connectionGraceMs' | 'searchLeastMs' | 'searchMostMs'>;
  readonly layer: TransactionLayer;
  /** How long a search has to wait for its turn, ms: many dialogues may be lost at once. */
  readonly turn: () => number;
}

export interface AbsenceOptions {
  readonly path: () => DialogPath;
  /** A connection to the peer; undefined when there is none to be had. */
  readonly reach: () => Promise<Connection | undefined>;
  /** The peer has answered over this connection: the dialogue is up. */
  readonly found: (connection: Connection) => void;
  /** Whether something else would end the dialogue of a peer that is really gone. */
  readonly outlives: () => boolean;
  /** The peer does not know the dialogue any more, or has not been found in time. */
  readonly over: (input: 'hangup' | 'graceOver', end: Ending) => void;
  readonly fault: (error: unknown) => void;
}

/**
 * What becomes of a dialogue whose connection is gone: it is no connection's (RFC 3261 sections 12 and 18), and many peers
 * close one that is idle. Its peer is looked for, and asked by OPTIONS whether the dialogue is still up. One that was not
 * found is looked for again, after a pause that doubles.
 */
export class Absence {
  readonly #env: AbsenceEnvironment;
  readonly #options: AbsenceOptions;
  #pause: number;
  #foundAt = Number.NEGATIVE_INFINITY;
  #grace: Timer | undefined;
  #next: Timer | undefined;
  /** Counts the searches, and is even while there is none: what an older one comes to is nothing any more. */
  #run = 0;

  constructor(env: AbsenceEnvironment, options: AbsenceOptions) {
    this.#env = env;
    this.#options = options;
    this.#pause = env.limits.searchLeastMs;
  }

  /** Gives the peer its time of grace, over and over while the dialogue may outlive that. */
  wait(): void {
    const { clock, limits } = this.#env;
    this.#grace = clock.timer(limits.connectionGraceMs, () => {
      if (this.#options.outlives()) this.wait();
      else this.#options.over('graceOver', ending('connection-lost'));
    });
  }

  /** Begins at once, unless what was found the last time has not lasted. */
  search(): void {
    const { clock, limits } = this.#env;
    this.#run++;
    if (clock.now() - this.#foundAt < limits.searchMostMs) return this.#again();
    this.#pause = limits.searchLeastMs;
    this.#queue();
  }

  stop(): void {
    this.#run += this.#run % 2;
    this.#grace?.cancel();
    this.#next?.cancel();
  }

  #again(): void {
    const { clock, limits } = this.#env;
    this.#next = clock.timer(this.#pause, () => this.#queue());
    this.#pause = Math.min(2 * this.#pause, limits.searchMostMs);
  }

  #queue(): void {
    const run = this.#run;
    const begin = () => void this.#look(() => this.#run === run).catch(this.#options.fault);
    const wait = this.#env.turn();
    if (wait === 0) begin();
    else this.#next = this.#env.clock.timer(wait, begin);
  }

  async #look(wanted: () => boolean): Promise<void> {
    const { path, reach } = this.#options;
    const { layer } = this.#env;
    const connection = await reach();
    if (!wanted()) return;
    if (connection === undefined) return this.#again();
    const branch = layer.newBranch();
    const [name, value] = acceptLine;
    const bytes = path().request('OPTIONS', branch, { headers: [{ name, value }] });
    layer.request(connection, branch, bytes, outcome => {
      if (wanted()) this.#judge(outcome, connection);
    });
  }

  #judge(outcome: RequestOutcome, connection: Connection): void {
    const { found, over } = this.#options;
    if (typeof outcome === 'string' || !connection.open) return this.#again();
    // RFC 3261 section 12.2.1.2: the dialogue is over.
    if (outcome.status === 481 || outcome.status === 408)
      return over('hangup', ending('connection-lost', 'the peer does not know the call any more'));
    this.#foundAt = this.#env.clock.now();
    found(connection);
  }
}
