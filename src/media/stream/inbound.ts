import { ulawToLinear } from '../../../codecs/g711.ts';
import { type AudioSink, sampleRate } from '../../core/audio.ts';
import { copyBytes } from '../../core/copy-bytes.ts';
import { KeyShield } from '../inbound/key-shield.ts';
import { SinkFeed } from '../inbound/sink-feed.ts';
import type { WayIn } from '../wire.ts';
import type { WireTap } from '../wire-tap.ts';

/** Sound is passed on in pieces of 20 ms, as RTP has it: what looks for keys in it counts in those. */
const tickMs = 20;
const rate = 8000;
const tickSamples = (rate / 1000) * tickMs;
/** Of one piece, which is passed on in one go: all streams of a thread share it. */
const samples = new Int16Array(tickSamples);
/** How long the sound of a key that was told may still be on its way, ms. */
const keySoundMs = 100;

/**
 * The way in of a media stream. Its messages come in order over TCP and none is missing, so nothing is held back or made up:
 * each is passed on as it comes, byte for byte where the agent takes mu-law.
 */
export class StreamInbound implements WayIn {
  // What every message touches comes first, so that it lies together.
  packetsReceived = 0;
  /** In whole ms, for which V8 makes no box. */
  lastPacketMs: number | undefined;
  #lastChunk = -1;
  #filled = 0;
  /** Where the piece that is being filled begins in the stream, ms. */
  #placeMs = 0;
  /** Who gets sound from where it lies, because nobody needs its samples. */
  #straight: AudioSink | undefined;
  /** Messages that Twilio dropped because we were too slow (31930), by the gaps in their numbers. */
  lost = 0;
  readonly late = 0;
  readonly strangers = 0;
  readonly framesConcealed = 0;
  readonly jitterMs = 0;
  readonly bufferDelayMs = 0;
  readonly patienceMs = 0;
  readonly #shield = new KeyShield();
  readonly #onTone: (key: string) => void;
  readonly #codes = new Uint8Array(tickSamples);
  #sink: AudioSink | undefined;
  #feed: SinkFeed | undefined;
  #tap: WireTap | undefined;
  #listening = false;
  /** When the first sound of the stream was, by the clock here. */
  #originMs = 0;

  /** `onTone` is told of keys that are found in the sound. */
  constructor(onTone: (key: string) => void) {
    this.#onTone = onTone;
  }

  setSink(sink: AudioSink | undefined): void {
    this.#sink = sink;
    this.#feed = sink && new SinkFeed(sink, rate, tickSamples);
    this.#settle();
  }

  shield(on: boolean): void {
    if (on) this.#shield.raise();
    else this.#shield.lower();
    this.#settle();
  }

  listenForTones(on: boolean): void {
    this.#listening = on;
    this.#shield.listen(on);
    this.#settle();
  }

  setTap(tap: WireTap | undefined): void {
    this.#tap = tap;
    this.#settle();
  }

  /** A key was told: its sound is near. */
  key(): void {
    this.#shield.event(keySoundMs);
  }

  /** Mu-law, which is borrowed, with its place in the stream and its number, -1 where not told. */
  take(sound: Uint8Array, timestampMs: number, chunk: number, nowMs: number): void {
    const first = this.lastPacketMs === undefined;
    this.packetsReceived++;
    this.lastPacketMs = Math.floor(nowMs);
    if (chunk > 0 && this.#lastChunk > 0 && chunk > this.#lastChunk + 1)
      this.lost += chunk - this.#lastChunk - 1;
    if (chunk > 0) this.#lastChunk = chunk;
    if (first) this.#originMs = timestampMs < 0 ? nowMs : nowMs - timestampMs;
    if (timestampMs >= 0 && this.#filled === 0) this.#placeMs = timestampMs;
    if (this.#straight === undefined || this.#filled > 0 || sound.length !== tickSamples)
      return this.#cut(sound);
    this.#straight.write(sound);
    this.#placeMs += tickMs;
  }

  /** Sound comes when it comes: a tick has nothing to do. */
  tick(): void {
    return undefined;
  }

  eager(): void {
    return undefined;
  }

  ready(): boolean {
    return false;
  }

  toString(): string {
    const sink = this.#sink;
    if (sink === undefined) return 'stream -> pcmu(decode) -> nowhere';
    if (sink.format === 'ulaw_8000') return `stream -> pcmu(pass) -> ${sink}`;
    const wanted = sampleRate(sink.format);
    return `stream -> pcmu(decode) -> ${wanted === rate ? '' : `${rate}>${wanted} -> `}${sink}`;
  }

  /** Whether sound can go on from where it lies. */
  #settle(): void {
    const sink = this.#sink;
    const wanted = this.#tap !== undefined || this.#shield.attends || sink?.format !== 'ulaw_8000';
    this.#straight = wanted ? undefined : sink;
  }

  /** Makes pieces of 20 ms of sound of any length. */
  #cut(sound: Uint8Array): void {
    for (let at = 0; at < sound.length; ) {
      const filled = this.#filled;
      const count = Math.min(sound.length - at, tickSamples - filled);
      copyBytes(sound, at, at + count, this.#codes, filled);
      at += count;
      this.#filled = filled + count;
      if (this.#filled < tickSamples) return;
      this.#filled = 0;
      this.#pass();
    }
  }

  #pass(): void {
    const tap = this.#tap;
    // In variables, for V8 would fetch a field anew for every byte.
    const codes = this.#codes;
    const shielded = this.#shield.up;
    const linear = shielded || this.#listening || tap !== undefined || this.#sink?.format !== 'ulaw_8000';
    if (linear) for (let i = 0; i < tickSamples; i++) samples[i] = ulawToLinear[codes[i]!]!;
    const sound = linear ? this.#shield.pass(samples, tickSamples, rate) : samples;
    if (shielded || this.#sink?.format !== 'ulaw_8000') this.#feed?.write(sound, tickSamples);
    else this.#feed?.writeCodes(codes, tickSamples);
    tap?.heard(this.#originMs + this.#placeMs, samples, tickSamples, rate);
    this.#placeMs += tickMs;
    if (linear && this.#shield.begun !== '') this.#onTone(this.#shield.begun);
    // It goes down by itself.
    if (shielded && !this.#shield.up) this.#settle();
  }
}
