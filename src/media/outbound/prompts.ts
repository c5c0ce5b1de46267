import type { Prompt } from '../../core/prompt.ts';
import type { PlayTime } from '../../worker/legs.ts';
import { mediaLimits } from '../limits.ts';
import { type PromptRate, samplesOf } from './built-in-sounds.ts';

interface Playing {
  readonly prompt: Prompt;
  readonly done: (() => void) | undefined;
  readonly when: PlayTime;
  samples: Int16Array;
  at: number;
}

/**
 * The sounds of this bridge on one leg: those that are played once, one after the other, and one that goes on in the
 * background. The tail after a sound that is played once is silence: the peer's jitter buffer still plays its end.
 */
export class Prompts {
  #rate: PromptRate = 8000;
  readonly #queue: Playing[] = [];
  #loop: Playing | undefined;
  readonly #fade = new Int16Array((16_000 * mediaLimits.fadeMs) / 1000);
  #faded = 0;

  /** Whether something that is played once has not been played. */
  get playing(): boolean {
    return this.#queue.length > 0;
  }

  /** Plays a sound once and calls `done` at its end. False when too many wait. */
  play(prompt: Prompt, when: PlayTime, done?: () => void): boolean {
    if (this.#queue.length >= mediaLimits.promptsQueued) return false;
    this.#queue.push({ prompt, when, done, samples: samplesOf(prompt, this.#rate, 'once'), at: 0 });
    return true;
  }

  /** Plays a sound over and over; undefined ends it, with a fade. */
  loop(prompt: Prompt | undefined): void {
    const before = this.#loop;
    this.drop();
    if (prompt === undefined) return before === undefined ? undefined : this.#fadeOut(before);
    this.#loop = {
      prompt,
      when: 'now',
      done: undefined,
      samples: samplesOf(prompt, this.#rate, 'over and over'),
      at: 0,
    };
  }

  /** The sound in the background is over: other sound goes on at once. */
  drop(): void {
    this.#loop = undefined;
    this.#faded = 0;
  }

  /** The codec takes another rate: what is being played goes on from where it was. */
  tune(rate: PromptRate): void {
    if (rate === this.#rate) return;
    const scale = rate / this.#rate;
    this.#rate = rate;
    this.#faded = 0;
    for (const each of this.#queue) retune(each, rate, scale, 'once');
    if (this.#loop !== undefined) retune(this.#loop, rate, scale, 'over and over');
  }

  /** The next samples of what is played once; false, and nothing filled, when it is not its turn yet or there is none. */
  once(dst: Int16Array, count: number, agentSpeaks: boolean): boolean {
    const playing = this.#queue[0];
    if (playing === undefined) return false;
    if (playing.at === 0 && playing.when === 'after' && agentSpeaks) return false;
    const { samples } = playing;
    const sounding = Math.max(0, Math.min(count, samples.length - playing.at));
    for (let i = 0; i < sounding; i++) dst[i] = samples[playing.at + i]!;
    dst.fill(0, sounding, count);
    playing.at += count;
    if (playing.at >= samples.length + (this.#rate * mediaLimits.drainTailMs) / 1000) {
      this.#queue.shift();
      playing.done?.();
    }
    return true;
  }

  /** The next samples of what goes on in the background, or of its fade; false when there is none. */
  background(dst: Int16Array, count: number): boolean {
    const loop = this.#loop;
    if (loop === undefined) return this.#finish(dst, count);
    const { samples } = loop;
    for (let i = 0; i < count; i++) {
      dst[i] = samples[loop.at]!;
      loop.at = loop.at + 1 === samples.length ? 0 : loop.at + 1;
    }
    return true;
  }

  #finish(dst: Int16Array, count: number): boolean {
    if (this.#faded === 0) return false;
    for (let i = 0; i < count; i++) dst[i] = i < this.#faded ? this.#fade[i]! : 0;
    this.#faded = 0;
    return true;
  }

  #fadeOut({ samples, at }: Playing): void {
    const count = (this.#rate * mediaLimits.fadeMs) / 1000;
    for (let i = 0; i < count; i++) {
      this.#fade[i] = Math.round((samples[(at + i) % samples.length]! * (count - i)) / (count + 1));
    }
    this.#faded = count;
  }
}

function retune(playing: Playing, rate: PromptRate, scale: number, over: 'once' | 'over and over'): void {
  playing.samples = samplesOf(playing.prompt, rate, over);
  playing.at = Math.round(playing.at * scale);
}
