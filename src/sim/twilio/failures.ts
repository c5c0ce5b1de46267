import type { ServerResponse } from 'node:http';
import type { Clock } from '../../core/clock.ts';
import { type SimErrorCode, simError } from './errors.ts';

/** One thing that goes wrong with one request. The request is not carried out, unless it is only `delayMs` or `lost`. */
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
  /** `request`: the connection dies before an answer; `answer`: after half of it; `silence`: no answer ever. */
  readonly drop?: 'request' | 'answer' | 'silence';
  /** The request is carried out, and the connection dies before its answer. */
  readonly lost?: true;
  /** Raw text instead of JSON, such as a proxy's HTML page; `status` goes with it. */
  readonly raw?: string;
  /** The JSON to answer, true or a lie; `status` goes with it. */
  readonly body?: unknown;
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
