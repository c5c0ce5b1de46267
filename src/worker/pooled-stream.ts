import type { Ending } from '../core/ending.ts';
import type { LegId } from '../core/ids.ts';
import type { LegStream, StreamDoor, StreamTicket } from './legs.ts';
import type { ToWorker } from './messages.ts';

/** The main thread's handle on the media stream of a leg. */
export class PooledStream implements LegStream {
  readonly port: number;
  readonly pass: string;
  readonly worker?: number;
  readonly started: Promise<string>;
  readonly ended: Promise<Ending>;
  readonly #leg: LegId;
  readonly #post: (message: ToWorker) => void;
  #start: (streamSid: string) => void = () => undefined;
  #end: (end: Ending) => void = () => undefined;

  constructor(door: StreamDoor, leg: LegId, post: (message: ToWorker) => void) {
    this.port = door.port;
    this.pass = door.pass;
    if (door.worker !== undefined) this.worker = door.worker;
    this.#leg = leg;
    this.#post = post;
    this.started = new Promise(resolve => {
      this.#start = resolve;
    });
    this.ended = new Promise(resolve => {
      this.#end = resolve;
    });
  }

  expect(ticket: StreamTicket): void {
    this.#post({ type: 'expect-stream', leg: this.#leg, ticket });
  }

  hasStarted(streamSid: string): void {
    this.#start(streamSid);
  }

  hasEnded(end: Ending): void {
    this.#end(end);
  }
}
