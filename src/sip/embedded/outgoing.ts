import type { Ending } from '../../core/ending.ts';
import type { Result } from '../../core/errors.ts';
import type {
  NextHop,
  OutboundDialogue,
  OutboundOptions,
  RegisterOptions,
  Registration,
} from '../signalling.ts';
import { UacDialogue, type UacEnvironment } from './dialog/uac.ts';
import { KeptRegistration } from './registration.ts';
import type { Connection } from './transport/connection.ts';
import type { Found } from './transport/pool.ts';

export interface OutgoingOptions
  extends Pick<UacEnvironment, 'clock' | 'limits' | 'log' | 'layer' | 'contactFor' | 'reach' | 'turn'> {
  /** A connection to a hop that the configuration names. */
  readonly connect: (hop: NextHop) => Promise<Result<Found>>;
  /** A call was answered: its peer may speak. And it is over. */
  readonly onConfirmed: (dialogue: UacDialogue) => void;
  readonly onEnd: (dialogue: UacDialogue) => void;
}

/** The calls of ours, and our registrations. */
export class Outgoing {
  readonly #options: OutgoingOptions;
  readonly #calls = new Set<UacDialogue>();
  readonly #unanswered = new Set<UacDialogue>();
  readonly #registrations = new Set<KeptRegistration>();

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  /** Calls that have no dialogue yet. */
  get unanswered(): number {
    return this.#unanswered.size;
  }

  call(route: readonly NextHop[], offer: string, options: OutboundOptions): OutboundDialogue {
    const { clock, limits, log, layer, contactFor, connect, reach, turn, onConfirmed, onEnd } = this.#options;
    const call = new UacDialogue(route, offer, options, {
      clock,
      limits,
      log,
      layer,
      contactFor,
      connect,
      reach,
      turn,
      onConfirmed: confirmed => {
        this.#unanswered.delete(confirmed);
        onConfirmed(confirmed);
      },
      onEnd: ended => {
        this.#calls.delete(ended);
        this.#unanswered.delete(ended);
        onEnd(ended);
      },
    });
    this.#calls.add(call);
    this.#unanswered.add(call);
    return call;
  }

  register(route: () => Promise<readonly NextHop[]>, options: RegisterOptions): Registration {
    const { clock, log, layer, contactFor, connect } = this.#options;
    const registration = new KeptRegistration(route, options, {
      clock,
      log,
      layer,
      contactFor,
      connect,
      onEnd: ended => void this.#registrations.delete(ended),
    });
    this.#registrations.add(registration);
    return registration;
  }

  /** Gives up or hangs up everything, and takes registrations back; what there is to wait for. */
  dismiss(end: Ending): Promise<unknown>[] {
    const calls = [...this.#calls].map(call => {
      call.dismiss(end);
      return call.ended;
    });
    return [...calls, ...[...this.#registrations].map(registration => registration.stop())];
  }

  /** Ends at once what has not ended yet. */
  drop(end: Ending): void {
    for (const call of [...this.#calls]) call.drop(end);
    for (const registration of [...this.#registrations]) registration.drop();
  }

  connectionClosed(connection: Connection): void {
    for (const registration of [...this.#registrations]) registration.connectionClosed(connection);
  }
}
