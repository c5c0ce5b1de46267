import type { Clock } from '../core/clock.ts';
import { sameSecret } from '../core/constant-time.ts';
import type { Logger } from '../core/logger.ts';
import { streamOfPath } from '../core/twilio-paths.ts';

/** One upgrade that is waited for. */
export interface ExpectedUpgrade {
  readonly name: string;
  /** Each of them is right. */
  readonly signatures: readonly string[];
  readonly forMs: number;
}

/**
 * Who is let in where a worker listens for media streams itself. The main thread tells it the signatures that are right for the
 * one URL of a call, so that the token which makes them is never here. A URL is good once, and not for long.
 */
export class DirectGate {
  readonly #worker: number;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #expected = new Map<
    string,
    { readonly signatures: readonly string[]; readonly untilMs: number }
  >();

  constructor(worker: number, clock: Clock, log: Logger) {
    this.#worker = worker;
    this.#clock = clock;
    this.#log = log;
  }

  expect({ name, signatures, forMs }: ExpectedUpgrade): void {
    this.#expected.set(name, { signatures, untilMs: this.#clock.now() + forMs });
  }

  /** The stream has come, by whichever way, or will not. */
  forget(name: string): void {
    this.#expected.delete(name);
  }

  /** Whether an upgrade is the one that is waited for under its name; then it was the only one. */
  admits(target: string, signature: string | string[] | undefined): boolean {
    const stream = streamOfPath(target);
    const expected = stream === undefined ? undefined : this.#expected.get(stream.name);
    if (stream === undefined || expected === undefined || target.includes('?'))
      return this.#refuse('a media stream came for a call that waits for none');
    if (stream.worker !== this.#worker || this.#clock.now() > expected.untilMs)
      return this.#refuse('a media stream came to another worker, or too late');
    if (typeof signature !== 'string' || !expected.signatures.some(each => sameSecret(each, signature)))
      return this.#refuse('a media stream has no good signature');
    this.#expected.delete(stream.name);
    return true;
  }

  #refuse(message: string): false {
    this.#log.warn(message);
    return false;
  }
}
