import type { Clock, Timer } from '../../core/clock.ts';
import { Failure, fail, ok, type Result } from '../../core/errors.ts';
import { reasonPhrase } from '../embedded/message/reason.ts';
import type { Answer } from '../embedded/transaction/server.ts';
import type { SrfContent, SrfDialog, SrfResponse } from './srf.ts';

type Line = readonly [name: string, value: string];

/** Gives an answer to the server. `done` hears once whether it went out, unless the link breaks meanwhile. */
export function reply(
  response: SrfResponse,
  answer: Answer,
  done: (failure: Failure | undefined, raw?: string) => void = () => undefined,
): void {
  const { status, reason, headers = [], body } = answer;
  const lines: Line[] = body === undefined ? [...headers] : [...headers, ['Content-Type', body.type]];
  response.send(status, reason ?? reasonPhrase(status), contentOf(lines, body?.text), (error, sent) => {
    if (error) done(notSent(error));
    else done(undefined, sent?.raw);
  });
}

/** Shows the 200 that `createUAS` sends, which the package keeps to itself. */
export function overhear(response: SrfResponse, onSent: (raw: string) => void): void {
  const send = response.send.bind(response) as (...all: unknown[]) => void;
  response.send = (...all: unknown[]) => {
    const done = all.at(-1);
    if (typeof done !== 'function') return send(...all);
    send(...all.slice(0, -1), (error: unknown, sent?: { readonly raw: string }) => {
      if (sent !== undefined) onSent(sent.raw);
      done(error, sent);
    });
  };
}

/** Whatever the package failed with: an error, a plain string, or nothing at all. */
export function notSent(error: unknown): Failure {
  const text = error instanceof Error ? error.message : String(error);
  return new Failure('not-sent', `the drachtio-server did not send it: ${text}`);
}

/** The package wants one value for each name: those of one name become a list (RFC 3261 section 7.3.1). */
export function contentOf(lines: readonly Line[], body?: string): SrfContent {
  const names = new Map<string, string>();
  const headers: Record<string, string> = {};
  for (const [name, value] of lines) {
    const known = names.get(name.toLowerCase());
    if (known === undefined) names.set(name.toLowerCase(), name);
    const key = known ?? name;
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  return body === undefined ? { headers } : { headers, body };
}

export interface RequestOptions {
  readonly method: string;
  readonly lines: readonly Line[];
  readonly body?: string;
  readonly clock: Clock;
  readonly limitMs: number;
}

/**
 * Sends a request inside a dialogue; `done` hears once of the final response, or of `not-sent` or `no-answer`. The timer
 * that is given back is the wait for it: when that is cancelled nobody hears of anything.
 */
export function ask(
  dialog: SrfDialog,
  options: RequestOptions,
  done: (outcome: Result<SrfResponse>) => void,
): Timer {
  const { method, lines, body, clock, limitMs } = options;
  let waiting = true;
  const finish = (outcome: Result<SrfResponse>) => {
    if (waiting) done(outcome);
    waiting = false;
  };
  // What was sent when the link broke is never heard of again.
  const limit = clock.timer(limitMs, () =>
    finish(fail(new Failure('no-answer', 'nothing came back in time'))),
  );
  dialog.request({ method, ...contentOf(lines, body) }, (error, response) => {
    if (response !== undefined && response.status < 200) return;
    limit.cancel();
    finish(response === undefined ? fail(notSent(error)) : ok(response));
  });
  return {
    cancel: () => {
      waiting = false;
      limit.cancel();
    },
  };
}
