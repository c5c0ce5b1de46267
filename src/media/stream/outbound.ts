import type { Prompt } from '../../core/prompt.ts';
import type { PlayTime } from '../../worker/legs.ts';
import type { MediaMeters } from '../meters.ts';
import type { Encoder } from '../outbound/encoder.ts';
import type { TellHeard } from '../outbound/ledger.ts';
import { Mix } from '../outbound/mix.ts';
import type { VoiceSource } from '../outbound/voice.ts';
import type { WayOut } from '../wire.ts';
import type { WireTap } from '../wire-tap.ts';
import { streamMediaLimits as limits } from './limits.ts';
import { Playhead } from './playhead.ts';

/** Where sound goes: the WebSocket of a media stream. */
export interface StreamCarrier {
  readonly bufferedBytes: number;
  /** Sends `steps` times 20 ms of mu-law from the start of `sound`. */
  media(sound: Uint8Array, steps: number): void;
  mark(name: string): void;
  clear(): void;
  close(): void;
}

export interface StreamOutboundOptions {
  readonly meters: MediaMeters;
  readonly heard: TellHeard;
  /** Twilio has taken nothing for too long. */
  readonly lost: () => void;
}

/** One step of sound. */
const stepMs = 20;
const stepBytes = 160;
/** A message is put together and sent in one go, so all streams of a thread share the memory. */
const message = new Uint8Array(stepBytes * (limits.aheadHighMs / stepMs));

/**
 * The way out of a media stream. Twilio plays what it gets in order and without a pause, so the agent is sent a little ahead:
 * a late message is then not heard. What was sent too much is taken back by `clear`, and marks say what was heard. When
 * there is nothing to say, nothing is sent.
 */
export class StreamOutbound implements WayOut {
  /** Before this, in whole ms, enough is ahead: `send` would do nothing. */
  restsUntilMs = 0;
  readonly mix: Mix;
  readonly lateness: undefined = undefined;
  packets = 0;
  readonly #options: StreamOutboundOptions;
  readonly #playhead = new Playhead();
  readonly #encoder: Encoder;
  #carrier: StreamCarrier | undefined;
  #tap: WireTap | undefined;
  /** Where the last mark was, ms of sound. */
  #markedAt = 0;
  /** Where the sound of the agent ends, ms of sound. */
  #agentEnd = 0;
  /** Where the sound ends that was made last, ms of sound. */
  #gatheredTo = 0;
  /** Sounds of ours that were sent, and where they end, ms of sound: they are over once they were heard. */
  readonly #prompts: { readonly endsAt: number; readonly done: () => void }[] = [];
  /** Since when Twilio takes nothing, ms; NaN while it does. */
  #stalledMs = Number.NaN;

  constructor(options: StreamOutboundOptions) {
    this.#options = options;
    this.mix = new Mix({ meters: options.meters, heard: options.heard, fades: false });
    this.#encoder = this.mix.tune('PCMU');
  }

  /** The stream is there. */
  attach(carrier: StreamCarrier): void {
    this.#carrier = carrier;
  }

  setTap(tap: WireTap | undefined): void {
    this.#tap = tap;
  }

  /** A mark came back. */
  marked(name: string, nowMs: number): void {
    if (/^\d{1,9}$/.test(name)) this.#playhead.returned(Number(name), nowMs);
  }

  interrupt(eventId: number, nowMs: number): boolean {
    const unheard = this.#unheardAt(nowMs);
    const cut = this.mix.interrupt(eventId, nowMs);
    if (unheard === 0) return cut;
    this.#throwAway(unheard, nowMs);
    return true;
  }

  /** What Twilio has ahead would put off the sound of a leg that is heard alone for as long as that speaks. */
  listen(line: VoiceSource | undefined, alone: boolean, nowMs: number): void {
    this.mix.listen(line, alone);
    if (line !== undefined && alone && this.#playhead.ahead(nowMs) > 0)
      this.#throwAway(this.#unheardAt(nowMs), nowMs);
  }

  prompt(sound: Prompt, when: PlayTime, done?: () => void): boolean {
    const made = done && (() => void this.#prompts.push({ endsAt: this.#gatheredTo, done }));
    return this.mix.prompt(sound, when, made);
  }

  /** What was sent is heard only once it was played. */
  tellHeard(nowMs: number): void {
    const playhead = this.#playhead;
    const through = playhead.through(nowMs);
    if (through) this.mix.tellHeard();
    const prompts = this.#prompts;
    while (prompts.length > 0 && (through || playhead.sentMs - playhead.unheard(nowMs) >= prompts[0]!.endsAt))
      prompts.shift()!.done();
  }

  finished(nowMs: number): boolean {
    return this.mix.finished(nowMs) && this.#playhead.through(nowMs);
  }

  close(nowMs: number): void {
    this.mix.takeBack(this.#unheardAt(nowMs));
    this.mix.close();
  }

  send(_deadlineMs: number, nowMs: number): void {
    const carrier = this.#carrier;
    if (carrier === undefined) return;
    const playhead = this.#playhead;
    const ahead = playhead.ahead(nowMs);
    if (ahead >= limits.aheadLowMs || this.#stalled(carrier, nowMs)) return;
    const steps = this.#gather(ahead, nowMs);
    if (steps > 0) {
      carrier.media(message, steps);
      this.packets++;
      this.#options.meters.packetsSent++;
      playhead.sent(steps * stepMs, nowMs);
      this.restsUntilMs = Math.floor(nowMs + playhead.ahead(nowMs) - limits.aheadLowMs);
    }
    this.#mark(carrier);
  }

  toString(): string {
    return `${this.mix} -> stream(${limits.aheadHighMs}ms ahead)`;
  }

  /** All that Twilio has ahead; `unheard` of it is the agent's, ms. */
  #throwAway(unheard: number, nowMs: number): void {
    this.#carrier?.clear();
    this.#playhead.clear(nowMs);
    this.#tap?.withdrawn(nowMs);
    this.restsUntilMs = 0;
    this.#markedAt = this.#playhead.sentMs;
    this.mix.takeBack(unheard);
    this.mix.note(false, nowMs);
  }

  /** Sound of the agent that Twilio has and has not played, ms. */
  #unheardAt(nowMs: number): number {
    return Math.max(0, this.#playhead.unheard(nowMs) - (this.#playhead.sentMs - this.#agentEnd));
  }

  /** Puts together what goes out now, in steps of 20 ms, and tells how many they are. */
  #gather(ahead: number, nowMs: number): number {
    const { mix } = this;
    if (mix.still) return 0;
    const start = nowMs + ahead;
    let steps = 0;
    for (;;) {
      if (mix.keypad.busy) mix.keypad.step(stepMs);
      const at = steps * stepBytes;
      this.#gatheredTo = this.#playhead.sentMs + (steps + 1) * stepMs;
      const heard = mix.fill(message, at, stepBytes, this.#encoder);
      mix.note(heard, nowMs);
      if (mix.source === 'silence') return steps;
      this.#tap?.sent(start + steps * stepMs, message, at, stepBytes, 'PCMU');
      steps++;
      if (heard) this.#agentEnd = this.#gatheredTo;
      if (ahead + steps * stepMs >= this.#most()) return steps;
    }
  }

  /** How far ahead the sound may go that was made last. */
  #most(): number {
    switch (this.mix.source) {
      case 'agent':
        return limits.aheadHighMs;
      case 'own':
        return limits.ownAheadMs;
      default:
        return 0;
    }
  }

  /** A mark every half second of sound, and one after its end. */
  #mark(carrier: StreamCarrier): void {
    const since = this.#playhead.sentMs - this.#markedAt;
    if (since === 0 || (since < limits.markEveryMs && this.mix.source !== 'silence')) return;
    const mark = this.#playhead.mark();
    if (mark < 0) return;
    this.#markedAt = this.#playhead.sentMs;
    carrier.mark(String(mark));
  }

  /** Nothing is sent to somebody who takes nothing: it waits in the queue, which has its bounds. */
  #stalled(carrier: StreamCarrier, nowMs: number): boolean {
    const stalled =
      carrier.bufferedBytes > limits.bufferedBytes || this.#playhead.lateness(nowMs) > limits.stallMs;
    if (!stalled) {
      this.#stalledMs = Number.NaN;
      return false;
    }
    if (Number.isNaN(this.#stalledMs)) this.#stalledMs = nowMs;
    if (nowMs - this.#stalledMs > limits.lostMs) this.#options.lost();
    return true;
  }
}
