/** How far behind each thread of the bridge was at its worst, ms, as its own `/metrics` tells it. */
export type Lags = Readonly<Record<string, number>>;

/** How late the event loop of a thread came to what was due, ms, over a window. */
export interface LoopLag {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** By the name of the thread. */
export type LoopLags = Readonly<Record<string, LoopLag>>;

/** How often a thread looks how late it is, where that is asked for, ms. Timers of Node are whole ms: less is no lag. */
export const lagLookMs = 10;
/** Seldom enough that reading /metrics is next to nothing beside what is measured. */
export const lagEveryMs = 5000;
const answerMs = 2000;

/** Every `trunkbridge_thread_lag_seconds` of a page of metrics, in ms. */
export function lagsOf(metrics: string): Lags {
  const found = metrics.matchAll(/^trunkbridge_thread_lag_seconds\{thread="([^"]+)"\} (\S+)$/gm);
  return Object.fromEntries([...found].map(([, thread = '', seconds]) => [thread, Number(seconds) * 1000]));
}

/** The worse of two looks at each thread. */
export function worstOf(one: Lags, other: Lags): Lags {
  const threads = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return Object.fromEntries(threads.map(name => [name, Math.max(one[name] ?? 0, other[name] ?? 0)]));
}

/** Looks at the bridge now and then until it is stopped; whoever does not answer in time is not waited for. */
export class LagWatch {
  readonly #url: string;
  readonly #key: string;
  readonly #timer: NodeJS.Timeout;
  #worst: Lags = {};

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
    this.#timer = setInterval(() => void this.look(), lagEveryMs);
  }

  /** Looks once more, and says what was worst. */
  async stop(): Promise<Lags> {
    clearInterval(this.#timer);
    await this.look();
    return this.#worst;
  }

  cancel(): void {
    clearInterval(this.#timer);
  }

  /** Looks now. */
  async look(): Promise<void> {
    try {
      const headers = { authorization: `Bearer ${this.#key}` };
      const answer = await fetch(this.#url, { headers, signal: AbortSignal.timeout(answerMs) });
      if (answer.ok) this.#worst = worstOf(this.#worst, lagsOf(await answer.text()));
    } catch {
      // A bridge that is too busy to say how late it is shows in every other figure.
    }
  }
}
