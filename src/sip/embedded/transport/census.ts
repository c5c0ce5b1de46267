import type { Socket } from 'node:net';
import type { Clock } from '../../../core/clock.ts';
import type { StackLimits } from '../limits.ts';
import type { RefusalCause } from './connection.ts';
import { RateWindow } from './rate.ts';

/** Every socket that is open, ours and theirs, and who may open one more. */
export class Census {
  readonly #clock: Clock;
  readonly #limits: StackLimits;
  readonly #sockets = new Set<Socket>();
  readonly #perSource = new Map<string, number>();
  readonly #isStranger: (address: string) => boolean;
  readonly #handshakes: RateWindow;
  readonly #strangerHandshakes: RateWindow;
  #strangers = 0;
  #handshakeSecond = 0;
  readonly #handshakesPerSource = new Map<string, number>();

  constructor(clock: Clock, limits: StackLimits, isStranger: (address: string) => boolean = () => false) {
    this.#clock = clock;
    this.#limits = limits;
    this.#isStranger = isStranger;
    this.#handshakes = new RateWindow(clock, 1_000);
    this.#strangerHandshakes = new RateWindow(clock, 1_000);
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Why a peer at `address` may not have another connection now; undefined when it may. */
  objection(address: string): RefusalCause | undefined {
    const { connections, connectionsPerSource, connectionsPerStranger, strangerConnections } = this.#limits;
    const mine = this.#perSource.get(address) ?? 0;
    const stranger = this.#isStranger(address);
    const full =
      this.#sockets.size >= connections ||
      mine >= (stranger ? connectionsPerStranger : connectionsPerSource) ||
      (stranger && this.#strangers >= strangerConnections);
    return full ? 'too-many-connections' : undefined;
  }

  /** Counts a TLS handshake of a peer; undefined when there was room for it. */
  handshake(address: string): RefusalCause | undefined {
    const second = Math.floor(this.#clock.now() / 1_000);
    if (second !== this.#handshakeSecond) {
      this.#handshakeSecond = second;
      this.#handshakesPerSource.clear();
    }
    const mine = (this.#handshakesPerSource.get(address) ?? 0) + 1;
    if (mine > this.#limits.handshakesPerSecondPerSource) return 'too-many-handshakes';
    const { handshakesPerSecond, strangerHandshakesPerSecond } = this.#limits;
    // Strangers have a share only: they must not be able to keep trunks from connecting.
    if (this.#isStranger(address) && this.#strangerHandshakes.count() > strangerHandshakesPerSecond) {
      return 'too-many-handshakes';
    }
    if (this.#handshakes.count() > handshakesPerSecond) return 'too-many-handshakes';
    this.#handshakesPerSource.set(address, mine);
    return undefined;
  }

  /** Counts a socket until it closes. */
  enter(socket: Socket, address: string): void {
    this.#sockets.add(socket);
    const stranger = this.#isStranger(address) ? 1 : 0;
    this.#strangers += stranger;
    this.#perSource.set(address, (this.#perSource.get(address) ?? 0) + 1);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#strangers -= stranger;
      const left = (this.#perSource.get(address) ?? 1) - 1;
      if (left === 0) this.#perSource.delete(address);
      else this.#perSource.set(address, left);
    });
  }

  /** Ends all there are, hard: for sockets that outlived every polite way to close. */
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Settles when no socket is left. */
  async empty(): Promise<void> {
    const closing = [...this.#sockets].map(
      socket => new Promise<void>(resolve => void socket.once('close', () => resolve())),
    );
    await Promise.all(closing);
  }
}
