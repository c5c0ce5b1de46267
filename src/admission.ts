import { randomInt } from 'node:crypto';
import type { Clock } from './core/clock.ts';
import { type Ending, ending, sentence } from './core/ending.ts';
import type { BridgeEvent, EventSink } from './core/events.ts';
import type { CallKey } from './core/ids.ts';
import { LoopLag } from './core/loop-lag.ts';
import type { OverloadLimits } from './core/overload.ts';
import type { Admission, RequestFacts } from './sip/signalling.ts';

export interface OverloadParts {
  readonly limits: OverloadLimits;
  readonly clock: Clock;
  /** How late each worker is with its work, ms. */
  readonly workers: () => readonly { readonly worker: number; readonly ms: number }[];
}

/**
 * Turns new calls away while this process is late with its work. They get their 503 before anything is made for them, which
 * costs a tenth of a call; and they get it at once, so that a phone system takes its next route.
 */
export class OverloadGuard implements EventSink {
  /** Calls that are being set up, and over which trunk; how many over each. */
  readonly #settingUp = new Map<CallKey, string>();
  readonly #perTrunk = new Map<string, number>();
  readonly #parts: OverloadParts;
  readonly #main: LoopLag;

  constructor(parts: OverloadParts) {
    this.#parts = parts;
    const { lagEveryMs, lagWindowMs, lagRestMs } = parts.limits;
    this.#main = new LoopLag(parts.clock, lagEveryMs, lagWindowMs, lagRestMs);
  }

  /** How late each thread is, ms. */
  get lags(): readonly { readonly thread: string; readonly ms: number }[] {
    const workers = this.#parts.workers().map(({ worker, ms }) => ({ thread: `worker ${worker}`, ms }));
    return [{ thread: 'main', ms: this.#main.standing() }, ...workers];
  }

  emit(event: BridgeEvent): void {
    if (event.type === 'call-arrived' || event.type === 'call-placed') {
      this.#settingUp.set(event.call, event.trunk);
      this.#count(event.trunk, 1);
    } else if (event.type === 'call-answered' || event.type === 'call-ended') {
      const trunk = this.#settingUp.get(event.call);
      if (trunk !== undefined) this.#count(trunk, -1);
      this.#settingUp.delete(event.call);
    }
  }

  #count(trunk: string, change: 1 | -1): void {
    const now = (this.#perTrunk.get(trunk) ?? 0) + change;
    if (now === 0) this.#perTrunk.delete(trunk);
    else this.#perTrunk.set(trunk, now);
  }

  stop(): void {
    this.#main.stop();
  }

  /**
   * Why a new call over a trunk may not begin now; `behindMs` is for how long its connection has not been read to its end.
   * A trunk that asks for little is let in whatever others do: somebody who floods us must not shut it out.
   */
  objection(trunk: string, behindMs = 0): Ending | undefined {
    const { mainLagMs, workerLagMs, connectionLagMs, setupsAlways } = this.#parts.limits;
    this.#main.hurry();
    if ((this.#perTrunk.get(trunk) ?? 0) < setupsAlways) return undefined;
    const main = this.#main.standing();
    if (main > mainLagMs) return late('the main thread is', main, 'mainLagMs', mainLagMs);
    // The one that is the least late gets the next call; where none runs, a call ends with another reason.
    const lags = this.#parts.workers().map(({ ms }) => ms);
    const workers = lags.length === 0 ? 0 : Math.min(...lags);
    if (workers > workerLagMs) return late('the media workers are', workers, 'workerLagMs', workerLagMs);
    if (behindMs > connectionLagMs)
      return late('the connection is read', behindMs, 'connectionLagMs', connectionLagMs);
    return undefined;
  }

  /** What becomes of a request that the gate has let in. Only what begins a call can be too much. */
  screen(request: RequestFacts, admission: Admission): Admission {
    if (admission.verdict !== 'pass' || request.method !== 'INVITE' || belongsToCall(request))
      return admission;
    const end = this.objection(admission.trunk ?? '', request.behindMs);
    if (end === undefined) return admission;
    const { overloadRetryLeastSeconds: least, overloadRetryMostSeconds: most } = this.#parts.limits;
    const headers = [
      ['Retry-After', String(randomInt(least, Math.max(least, most) + 1))],
      ['Warning', `399 trunkbridge "${sentence(end)}"`],
    ] as const;
    return { verdict: 'refuse', status: 503, end, headers };
  }
}

/** A re-INVITE, or one that takes the place of a call that is up (RFC 3891). */
function belongsToCall(request: RequestFacts): boolean {
  return (request.header('To')[0] ?? '').includes(';tag=') || request.header('Replaces').length > 0;
}

function late(who: string, ms: number, limit: string, bound: number): Ending {
  return ending('overloaded', `${who} ${Math.round(ms)} ms late, and the limit ${limit} is ${bound}`);
}
