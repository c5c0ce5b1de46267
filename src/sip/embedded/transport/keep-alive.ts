import { randomInt } from 'node:crypto';
import type { Clock, Timer } from '../../../core/clock.ts';
import type { StackLimits } from '../limits.ts';

export interface KeepAliveOptions {
  readonly clock: Clock;
  readonly limits: Pick<StackLimits, 'pingLeastMs' | 'pingMostMs' | 'pongMs'>;
  readonly send: (ping: Buffer) => void;
  /** The peer, which has answered pings before, does not answer any more. */
  readonly dead: () => void;
}

/** RFC 5626 section 3.5.1. */
const ping = Buffer.from('\r\n\r\n');

/**
 * The client's side of keep-alive on a connection that we opened (RFC 5626 section 4.4.1): a double CRLF now and then,
 * one CRLF back. A peer that has never answered one knows nothing of it, and is left to TCP.
 */
export class KeepAlive {
  readonly #options: KeepAliveOptions;
  #timer: Timer | undefined;
  #waiting = false;
  #answers = false;

  constructor(options: KeepAliveOptions) {
    this.#options = options;
    this.#rest();
  }

  /**
   * Bytes came; `between` is false in the middle of a message. Gives what of them is for the framer: a pong is not, and
   * two of them must not pass for a ping.
   */
  heard(chunk: Buffer, between: boolean): Buffer {
    if (!this.#waiting) return chunk;
    const pong = between && chunk[0] === 13 && chunk[1] === 10;
    this.#answers ||= pong;
    this.#timer?.cancel();
    this.#rest();
    return pong ? chunk.subarray(2) : chunk;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #rest(): void {
    const { clock, limits } = this.#options;
    this.#waiting = false;
    this.#timer = clock.timer(randomInt(limits.pingLeastMs, limits.pingMostMs + 1), () => this.#ping());
  }

  #ping(): void {
    const { clock, limits, send, dead } = this.#options;
    this.#waiting = true;
    this.#timer = clock.timer(limits.pongMs, () => {
      if (this.#answers) dead();
      else this.#rest();
    });
    send(ping);
  }
}
