import type { ServerResponse } from 'node:http';
import type { Clock } from '../../core/clock.ts';
import { type SimErrorCode, simError } from './errors.ts';

/** One thing that goes wrong with one request. The request is not carried out, unless it is only `delayMs`, `until`, `lost` or a `lie`. */
export interface SimFault {
  /** One of Twilio's error codes, in its error shape; `status` overrides the usual one. */
  readonly code?: SimErrorCode;
  readonly status?: number;
  /** What the error's text quotes, as Twilio quotes numbers and codes. */
  readonly value?: string;
  /** The Retry-After header, as it is. */
  readonly retryAfter?: string;
  /** Wait this long (ms) before doing whatever else is asked; alone: before a normal answer. */
  readonly delayMs?: number;
  /** The same until this settles. */
  readonly until?: Promise<unknown>;
  /** `request`: the connection dies before an answer; `answer`: after half of it; `silence`: no answer ever. */
  readonly drop?: 'request' | 'answer' | 'silence';
  /** The request is carried out, and the connection dies before its answer. */
  readonly lost?: true;
  /** Raw text instead of JSON, such as a proxy's HTML page; `status` goes with it. */
  readonly raw?: string;
  /** The JSON to answer, true or a lie; `status` goes with it. */
  readonly body?: unknown;
  /** The request is carried out, and these fields of its answer are not what they should be. */
  readonly lie?: Readonly<Record<string, unknown>>;
}

/** Which requests a fault is for: `POST`, or a part of the path such as `/Messages`. */
export interface SimFaultFilter {
  readonly method?: string;
  readonly path?: string;
}

interface Waiting {
  readonly fault: SimFault;
  readonly filter: SimFaultFilter;
  left: number;
}

/** Faults that wait for their request, in the order in which they were asked for. */
export class SimFaults {
  readonly #waiting: Waiting[] = [];

  /** The next `times` requests that pass the filter meet with `fault`. The function that comes back takes it back. */
  add(fault: SimFault, times: number, filter: SimFaultFilter = {}): () => void {
    const waiting = { fault, filter, left: times };
    if (times > 0) this.#waiting.push(waiting);
    return () => this.#remove(waiting);
  }

  /** What goes wrong with this request, if anything does. */
  take(method: string, path: string): SimFault | undefined {
    const found = this.#waiting.find(
      ({ filter }) =>
        (filter.method ?? method) === method && (filter.path === undefined || path.includes(filter.path)),
    );
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left <= 0) this.#remove(found);
    return found.fault;
  }

  clear(): void {
    this.#waiting.length = 0;
  }

  #remove(waiting: Waiting): void {
    const index = this.#waiting.indexOf(waiting);
    if (index >= 0) this.#waiting.splice(index, 1);
  }
}

/** True when the fault answers (or kills) the request itself, so it must not be carried out. */
export function isFinal(fault: SimFault): boolean {
  const { code, status, drop, raw, body } = fault;
  return [code, status, drop, raw, body].some(part => part !== undefined);
}

/** Plays a fault to its end on `response`. */
export function playFault(fault: SimFault, response: ServerResponse): void {
  const headers: Record<string, string> = {};
  if (fault.retryAfter !== undefined) headers['Retry-After'] = fault.retryAfter;
  if (fault.drop === 'silence') return;
  if (fault.drop === 'request') {
    response.socket?.destroy();
    return;
  }
  if (fault.drop === 'answer') {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' });
    response.write('{"sid":', () => response.socket?.destroy());
    return;
  }
  if (fault.raw !== undefined) {
    response.writeHead(fault.status ?? 503, { 'Content-Type': 'text/html', ...headers });
    response.end(fault.raw);
    return;
  }
  const answer =
    fault.code === undefined
      ? { status: fault.status ?? 200, body: fault.body ?? {} }
      : simError(fault.code, fault.value, fault.status);
  response.writeHead(answer.status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(answer.body));
}

/** Waits on the injected clock. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise(resolve => clock.timer(ms, resolve));
}
