import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { CallKey } from '../../core/ids.ts';
import type { ToolResult } from '../tool.ts';
import type { Send } from './gate.ts';

interface Asked {
  readonly result: Promise<ToolResult>;
  readonly answer: (result: ToolResult) => void;
  readonly at: number;
  answered: boolean;
}

/** Sends that are remembered; above it the oldest is forgotten. */
const kept = 10_000;

/** What was asked for a moment ago: who asks for the very same in the same call gets the same answer. */
export class Repeats {
  readonly #clock: Clock;
  readonly #asked = new Map<string, Asked>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What the send was or will be answered; undefined when it is the first, which has to be ended by `end`. */
  begin(key: string, windowMs: number): Promise<ToolResult> | undefined {
    const known = this.#asked.get(key);
    const now = this.#clock.now();
    if (known !== undefined && (!known.answered || now - known.at < windowMs)) return known.result;
    this.#asked.delete(key);
    let answer: (result: ToolResult) => void = () => undefined;
    const result = new Promise<ToolResult>(resolve => {
      answer = resolve;
    });
    this.#asked.set(key, { result, answer, at: now, answered: false });
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > kept && oldest !== undefined) this.end(oldest, undefined);
    return undefined;
  }

  /** The answer, for who waits for it; `keep` for who asks again. */
  end(key: string, result: ToolResult | undefined, keep = false): void {
    const known = this.#asked.get(key);
    if (known === undefined) return;
    known.answered = true;
    if (result !== undefined) known.answer(result);
    if (!keep) this.#asked.delete(key);
  }
}

/** The same for the same message in the same call, and nothing to be read from it. */
export function repeatKey(call: CallKey, { tool, kind, to, sender, text, media, request }: Send): string {
  const said = JSON.stringify([call, tool, kind, to, sender, text, media ?? [], request]);
  return createHash('sha256').update(said).digest('base64url');
}
