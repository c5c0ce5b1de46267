import type { Clock, Timer } from '../../../core/clock.ts';
import type { Source } from '../../signalling.ts';
import type { StackLimits } from '../limits.ts';
import { type Frame, StreamFramer } from '../message/framer.ts';
import type { MessageLimits } from '../message/limits.ts';
import type { ParseFault, SipMessage } from '../message/message.ts';
import { parseMessage } from '../message/parser.ts';
import { KeepAlive } from './keep-alive.ts';
import { RateWindow } from './rate.ts';
import type { Wire } from './wire.ts';

/** Why a connection was turned away or closed by us. */
export type RefusalCause =
  | 'source-not-allowed'
  | 'silenced'
  | 'too-many-connections'
  | 'too-many-handshakes'
  | 'handshake-failed'
  | 'message-timeout'
  | 'idle'
  | 'no-pong'
  | 'slow-reader'
  | 'too-many-pings'
  | 'too-many-bad-messages'
  | 'framing-error';

/** What a connection tells the stack. Nothing is told after `closed`. */
export interface ConnectionListener {
  message(connection: Connection, message: SipMessage): void;
  /** A message that was not taken. The connection closes itself behind this call when the fault is fatal. */
  fault(connection: Connection, fault: ParseFault): void;
  closed(connection: Connection): void;
  refused(cause: RefusalCause, address: string): void;
  /** Handling what came threw: a fault of ours. The connection closes behind this call. */
  crashed(error: unknown): void;
}

/** Sees every message: `head` with its empty line and `body`, or both in one. The buffers are its own only while called. */
export type Tap = (direction: 'in' | 'out', source: Source, head: Buffer, body?: Buffer) => void;

export interface ConnectionOptions {
  readonly clock: Clock;
  readonly limits: StackLimits;
  readonly messageLimits: MessageLimits;
  readonly listener: ConnectionListener;
  readonly tap?: Tap;
}

/** How long the others have before the next messages of one connection are taken, ms: sockets are looked at in between. */
const turnMs = 1;

/** What a socket is read at once, bytes, and how soon the rest follows, ms. */
const fullRead = 65_536;
const sameBurstMs = 20;

/** An answer to CRLFCRLF (RFC 5626 section 4.4.1). */
const pong = Buffer.from('\r\n');

/** SIP over one wire: framing, deadlines and budgets. It carries any number of transactions and dialogues. */
export class Connection {
  readonly source: Source;
  readonly #wire: Wire;
  readonly #clock: Clock;
  readonly #limits: StackLimits;
  readonly #listener: ConnectionListener;
  readonly #tap: Tap | undefined;
  readonly #framer: StreamFramer;
  readonly #parse: (head: Buffer, body: Buffer) => ReturnType<typeof parseMessage>;
  readonly #pings: RateWindow;
  readonly #bad: RateWindow;
  #open = true;
  #pins = 0;
  #reads = 0;
  #silent = false;
  #lastFrame: number;
  #deadline: Timer | undefined;
  #idle: Timer | undefined;
  /** Runs while messages wait for their turn. */
  #turn: Timer | undefined;
  /** Since when there has been more to read than was read, as far as can be seen; when all was read. */
  #behindSince: number | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #full = false;
  #keepAlive: KeepAlive | undefined;

  constructor(wire: Wire, options: ConnectionOptions) {
    this.source = wire.source;
    this.#wire = wire;
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#listener = options.listener;
    this.#tap = options.tap;
    this.#framer = new StreamFramer(options.messageLimits);
    this.#parse = (head, body) => parseMessage(head, body, options.messageLimits);
    this.#pings = new RateWindow(options.clock, 1_000);
    this.#bad = new RateWindow(options.clock, 60_000);
    this.#lastFrame = options.clock.now();
    this.#deadline = options.clock.timer(options.limits.firstMessageMs, () =>
      this.#refuse('message-timeout'),
    );
    this.#idle = options.clock.timer(options.limits.idleMs, () => this.#checkIdle());
    wire.listen({ data: chunk => this.#data(chunk), closed: () => this.#closed() });
  }

  /** Why TLS has ended, where it was that. */
  get fault(): string | undefined {
    return this.#wire.fault;
  }

  get open(): boolean {
    return this.#open;
  }

  /** How often something has come. */
  get reads(): number {
    return this.#reads;
  }

  /** A request over it was not answered in time, and nothing else has come since: its peer may be gone (RFC 3263 section 4.3). */
  get silent(): boolean {
    return this.#silent;
  }

  /** A request that was sent when there had been so many `reads` is given up. */
  unanswered(reads: number): void {
    if (reads === this.#reads) this.#silent = true;
  }

  /** For how long there has been more to read than was read: so late is what is read now. */
  get behindMs(): number {
    return this.#behindSince === undefined ? 0 : this.#clock.now() - this.#behindSince;
  }

  /** Keeps the connection from being closed for idleness until `unpin`: one for each dialogue. */
  pin(): void {
    this.#pins++;
  }

  unpin(): void {
    this.#pins--;
  }

  /** True while a dialogue is on it. */
  get pinned(): boolean {
    return this.#pins > 0;
  }

  /** Pings the peer from now on, and lets it take its time: for connections that we opened. */
  keepAlive(): void {
    if (!this.#open || this.#keepAlive !== undefined) return;
    // How long its first word may take is for the timers of our requests to say.
    this.#deadline?.cancel();
    this.#deadline = undefined;
    this.#keepAlive = new KeepAlive({
      clock: this.#clock,
      limits: this.#limits,
      send: ping => this.#wire.write(ping),
      dead: () => this.#refuse('no-pong'),
    });
  }

  /** Hands a message to the wire; false when the connection is gone or its peer does not read. */
  send(bytes: Buffer): boolean {
    if (!this.#open) return false;
    if (bytes !== pong) this.#tap?.('out', this.source, bytes);
    this.#wire.write(bytes);
    if (this.#wire.backlog <= this.#limits.backlogBytes) return true;
    this.#refuse('slow-reader');
    return false;
  }

  /** Closes after what was sent has left. */
  close(): void {
    if (!this.#open) return;
    this.#wire.end();
    this.#closed();
  }

  /** Closes at once. */
  destroy(): void {
    this.#wire.destroy();
    this.#closed();
  }

  #data(chunk: Buffer): void {
    if (!this.#open) return;
    this.#reads++;
    this.#silent = false;
    const now = this.#clock.now();
    // What fills the buffer was more than that, and the rest follows at once; else this begins anew.
    if (this.#turn === undefined && now - this.#readAt > sameBurstMs) this.#behindSince = undefined;
    this.#behindSince ??= now;
    this.#full = chunk.length >= fullRead;
    this.#framer.push(this.#keepAlive?.heard(chunk, !this.#framer.partial) ?? chunk);
    if (this.#turn === undefined) this.#take();
  }

  /** Takes what has come, up to what one turn allows; a fault of ours costs this connection and no other. */
  #take(): void {
    try {
      this.#read();
    } catch (error) {
      this.#listener.crashed(error);
      this.destroy();
    }
  }

  #read(): void {
    let left = this.#limits.messagesPerTurn;
    let frame = this.#framer.next();
    while (frame !== undefined) {
      this.#lastFrame = this.#clock.now();
      this.#deadline?.cancel();
      this.#deadline = undefined;
      this.#handle(frame);
      if (!this.#open) return;
      if (--left === 0) return this.#rest();
      frame = this.#framer.next();
    }
    this.#readAt = this.#clock.now();
    if (!this.#full) this.#behindSince = undefined;
    if (this.#framer.partial && this.#deadline === undefined) {
      this.#deadline = this.#clock.timer(this.#limits.messageMs, () => this.#refuse('message-timeout'));
    }
  }

  /** A peer that sends without end has the machine to itself otherwise: a socket is read for as long as it has bytes. */
  #rest(): void {
    this.#wire.hold(true);
    this.#turn = this.#clock.timer(turnMs, () => {
      this.#turn = undefined;
      this.#wire.hold(false);
      this.#take();
    });
  }

  #handle(frame: Frame): void {
    if (frame.type === 'keep-alive') {
      this.#ping();
      return;
    }
    if (frame.type === 'fault') {
      this.#fault(frame.fault);
      return;
    }
    this.#tap?.('in', this.source, frame.head, frame.body);
    const parsed = this.#parse(frame.head, frame.body);
    if (parsed.ok) this.#listener.message(this, parsed.value);
    else this.#fault(parsed.failure);
  }

  #ping(): void {
    const pings = this.#pings.count();
    if (pings > this.#limits.pingsPerSecond) this.#refuse('too-many-pings');
    else if (pings <= this.#limits.pongsPerSecond) this.send(pong);
  }

  #fault(fault: ParseFault): void {
    const bad = this.#bad.count();
    this.#listener.fault(this, fault);
    if (!this.#open) return;
    if (fault.fatal) {
      this.#listener.refused('framing-error', this.source.address);
      this.close();
    } else if (bad > this.#limits.badMessagesPerMinute && !this.pinned) {
      this.#refuse('too-many-bad-messages');
    }
  }

  #checkIdle(): void {
    const left = this.#lastFrame + this.#limits.idleMs - this.#clock.now();
    if (left <= 0 && !this.pinned) {
      this.#refuse('idle');
      return;
    }
    const wait = left > 0 ? left : this.#limits.idleMs;
    this.#idle = this.#clock.timer(wait, () => this.#checkIdle());
  }

  #refuse(cause: RefusalCause): void {
    if (!this.#open) return;
    this.#listener.refused(cause, this.source.address);
    this.destroy();
  }

  #closed(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#deadline?.cancel();
    this.#idle?.cancel();
    this.#turn?.cancel();
    this.#keepAlive?.stop();
    this.#listener.closed(this);
  }
}
