import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { sameSecret } from '../core/constant-time.ts';
import { type Ending, ending } from '../core/ending.ts';
import { Failure, fail, messageOf, ok, type Result } from '../core/errors.ts';
import type { LegId } from '../core/ids.ts';
import type { Logger } from '../core/logger.ts';
import type { MediaMeters } from '../media/meters.ts';
import type { MediaSession } from '../media/session.ts';
import { StreamWire, streamPlan } from '../media/stream/wire.ts';
import type { Wire, WireListener } from '../media/wire.ts';
import { DirectGate } from '../streams/direct.ts';
import { ticketParameter } from '../streams/limits.ts';
import { StreamServer, showsPass } from '../streams/listener.ts';
import type { StreamStart } from '../streams/protocol/reader.ts';
import type { StreamListener, StreamSocket } from '../streams/socket.ts';
import type { StreamDoor, StreamTicket } from './legs.ts';
import type { FromWorker, WorkerOptions } from './messages.ts';

export interface WorkerStreamsParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: MediaMeters;
  readonly tell: (message: FromWorker) => void;
  /** Where it listens besides, for streams that come to it without the main thread. */
  readonly listen?: WorkerOptions['streams'] & {};
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
  readonly #gate: DirectGate | undefined;
  #server: Promise<Result<{ door: StreamDoor; close: () => void }>> | undefined;
  #direct: Promise<StreamServer | undefined> | undefined;
  #complained = false;

  constructor(parts: WorkerStreamsParts) {
    this.#parts = parts;
    const { listen, clock, log } = parts;
    this.#gate = listen && new DirectGate(listen.worker, clock, log);
    if (listen !== undefined) void this.#directly();
  }

  /** Listens on loopback, from the first leg on that needs it; where it listens besides, from the start. */
  async door(): Promise<Result<StreamDoor>> {
    this.#server ??= this.#listen();
    const [server, direct] = await Promise.all([this.#server, this.#directly()]);
    if (!server.ok) this.#server = undefined;
    if (!server.ok || direct === undefined) return server.ok ? ok(server.value.door) : server;
    return ok({ ...server.value.door, ...direct });
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
      const ended = (how: 'stopped' | 'closed') =>
        this.#end(expecting, ending(how === 'stopped' ? 'caller-hung-up' : 'stream-lost'));
      expecting.wire = new StreamWire({ local, clock, meters, lost, ended }, listener);
      return expecting.wire;
    };
  }

  /** One stream that shows this ticket may come to the leg. */
  expect(leg: LegId, ticket: StreamTicket): void {
    const expecting = this.#legs.get(leg);
    if (expecting === undefined) return;
    expecting.ticket = ticket;
    expecting.untilMs = this.#parts.clock.now() + ticket.forMs;
    if (ticket.direct !== undefined) this.#gate?.expect({ ...ticket.direct, forMs: ticket.forMs });
  }

  /** The leg is closed. */
  release(leg: LegId): void {
    this.#forget(this.#legs.get(leg)?.ticket);
    this.#legs.delete(leg);
  }

  stop(): void {
    void this.#server?.then(server => {
      if (server.ok) server.value.close();
    });
    void this.#direct?.then(server => server?.close());
  }

  #forget(ticket: StreamTicket | undefined): void {
    if (ticket?.direct !== undefined) this.#gate?.forget(ticket.direct.name);
  }

  /** The number that the proxy knows this worker by, while it listens; where it cannot, streams come by the main thread. */
  async #directly(): Promise<(Pick<StreamDoor, 'worker'> & {}) | undefined> {
    const { listen } = this.#parts;
    const gate = this.#gate;
    if (listen === undefined || gate === undefined) return undefined;
    this.#direct ??= this.#listenDirectly(listen, gate);
    const server = await this.#direct;
    if (server === undefined) this.#direct = undefined;
    return server && { worker: listen.worker };
  }

  async #listenDirectly(
    at: { readonly address: string; readonly port: number },
    gate: DirectGate,
  ): Promise<StreamServer | undefined> {
    const { clock, log } = this.#parts;
    try {
      return await StreamServer.start({
        at,
        admits: ({ url = '', headers }) => gate.admits(url, headers['x-twilio-signature']),
        claim: (start, socket) => this.#claim(start, socket),
        clock,
        log,
      });
    } catch (error) {
      if (!this.#complained)
        log.error(
          'this worker cannot listen for media streams itself, which now pass through the main thread: see TWILIO_STREAM_LISTEN',
          { ...at, error: messageOf(error) },
        );
      this.#complained = true;
      return undefined;
    }
  }

  async #listen(): Promise<Result<{ door: StreamDoor; close: () => void }>> {
    const pass = randomBytes(32).toString('base64url');
    const { clock, log } = this.#parts;
    try {
      const claim = (start: StreamStart, socket: StreamSocket) => this.#claim(start, socket);
      const server = await StreamServer.start({ admits: showsPass(pass), claim, clock, log });
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
    const expecting = [...this.#legs.values()].find(
      ({ ticket }) => ticket !== undefined && sameSecret(ticket.text, shown),
    );
    const { ticket, wire } = expecting ?? {};
    if (expecting === undefined || ticket === undefined || wire === undefined) return this.#refuse('ticket');
    expecting.ticket = undefined;
    this.#forget(ticket);
    if (now > expecting.untilMs) return this.#refuse('expired');
    if (ticket.callSid !== start.callSid) return this.#refuse('another call');
    if (!start.supported) {
      this.#refuse('format');
      this.#end(expecting, ending('stream-lost', 'its sound is not mu-law of 8000 Hz'));
      return undefined;
    }
    wire.attach(socket);
    expecting.media().apply(streamPlan);
    this.#parts.tell({ type: 'stream-started', leg: expecting.leg, streamSid: start.streamSid });
    return wire;
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
