import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { type Ending, ending } from '../core/ending.ts';
import { Failure, fail, messageOf, ok, type Result } from '../core/errors.ts';
import type { LegId } from '../core/ids.ts';
import type { Logger } from '../core/logger.ts';
import type { MediaMeters } from '../media/meters.ts';
import type { MediaSession } from '../media/session.ts';
import { StreamWire, streamPlan } from '../media/stream/wire.ts';
import type { Wire, WireListener } from '../media/wire.ts';
import { ticketParameter } from '../streams/limits.ts';
import { StreamServer } from '../streams/listener.ts';
import type { StreamStart } from '../streams/protocol/reader.ts';
import type { StreamListener, StreamSocket } from '../streams/socket.ts';
import type { StreamDoor, StreamTicket } from './legs.ts';
import type { FromWorker } from './messages.ts';

export interface WorkerStreamsParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: MediaMeters;
  readonly tell: (message: FromWorker) => void;
}

/** A leg that a stream is to come to, or has come to. */
interface Expecting {
  readonly leg: LegId;
  readonly media: () => MediaSession;
  wire: StreamWire | undefined;
  ticket: StreamTicket | undefined;
  untilMs: number;
  ended: boolean;
}

/** The media streams of one worker: its listener, and which leg each stream belongs to. */
export class WorkerStreams {
  readonly #parts: WorkerStreamsParts;
  readonly #legs = new Map<LegId, Expecting>();
  #server: Promise<Result<{ door: StreamDoor; close: () => void }>> | undefined;

  constructor(parts: WorkerStreamsParts) {
    this.#parts = parts;
  }

  /** Listens, from the first leg on that needs it. */
  async door(): Promise<Result<StreamDoor>> {
    this.#server ??= this.#listen();
    const server = await this.#server;
    if (!server.ok) this.#server = undefined;
    return server.ok ? ok(server.value.door) : server;
  }

  /** Makes the wire of a leg; `media` is the session that it is for, once there is one. */
  wire(leg: LegId, door: StreamDoor, media: () => MediaSession): (listener: WireListener) => Wire {
    const expecting: Expecting = {
      leg,
      media,
      wire: undefined,
      ticket: undefined,
      untilMs: 0,
      ended: false,
    };
    this.#legs.set(leg, expecting);
    return listener => {
      const local = { rtpPort: 0, rtcpPort: 0, stream: door };
      const { clock, meters } = this.#parts;
      const lost = () => this.#end(expecting, ending('stream-stalled'));
      expecting.wire = new StreamWire({ local, clock, meters, lost }, listener);
      return expecting.wire;
    };
  }

  /** One stream that shows this ticket may come to the leg. */
  expect(leg: LegId, ticket: StreamTicket): void {
    const expecting = this.#legs.get(leg);
    if (expecting === undefined) return;
    expecting.ticket = ticket;
    expecting.untilMs = this.#parts.clock.now() + ticket.forMs;
  }

  /** The leg is closed. */
  release(leg: LegId): void {
    this.#legs.delete(leg);
  }

  stop(): void {
    void this.#server?.then(server => {
      if (server.ok) server.value.close();
    });
  }

  async #listen(): Promise<Result<{ door: StreamDoor; close: () => void }>> {
    const pass = randomBytes(32).toString('base64url');
    const { clock, log } = this.#parts;
    try {
      const claim = (start: StreamStart, socket: StreamSocket) => this.#claim(start, socket);
      const server = await StreamServer.start({ pass, claim, clock, log });
      return ok({ door: { port: server.port, pass }, close: () => server.close() });
    } catch (error) {
      const message = `media streams cannot be listened for on loopback: ${messageOf(error)}`;
      return fail(new Failure('no-ports', message));
    }
  }

  /** A ticket is good once, for its own call, and not for long. */
  #claim(start: StreamStart, socket: StreamSocket): StreamListener | undefined {
    const now = this.#parts.clock.now();
    const shown = start.parameters.get(ticketParameter) ?? '';
    const expecting = [...this.#legs.values()].find(({ ticket }) => same(ticket?.text, shown));
    const { ticket, wire } = expecting ?? {};
    if (expecting === undefined || ticket === undefined || wire === undefined) return this.#refuse('ticket');
    expecting.ticket = undefined;
    if (now > expecting.untilMs) return this.#refuse('expired');
    if (ticket.callSid !== start.callSid) return this.#refuse('another call');
    if (!start.supported) {
      this.#refuse('format');
      this.#end(expecting, ending('stream-lost', 'its sound is not mu-law of 8000 Hz'));
      return undefined;
    }
    wire.attach(socket);
    expecting.media().apply(streamPlan);
    this.#parts.tell({ type: 'stream-started', leg: expecting.leg });
    return {
      media: (sound, bytes, timestampMs, chunk) => wire.media(sound, bytes, timestampMs, chunk),
      digit: digit => wire.digit(digit),
      mark: name => wire.mark(name),
      ended: how => this.#end(expecting, ending(how === 'stopped' ? 'caller-hung-up' : 'stream-lost')),
    };
  }

  #refuse(why: string): undefined {
    this.#parts.log.warn('a media stream was refused', { why });
    return undefined;
  }

  #end(expecting: Expecting, end: Ending): void {
    if (expecting.ended) return;
    expecting.ended = true;
    this.#parts.tell({ type: 'stream-ended', leg: expecting.leg, end });
  }
}

function same(expected: string | undefined, shown: string): boolean {
  if (expected === undefined || expected.length !== shown.length) return false;
  return timingSafeEqual(Buffer.from(expected), Buffer.from(shown));
}
