import type { AudioFormat } from '../../core/audio.ts';
import type { Prompt } from '../../core/prompt.ts';
import type { CodecName } from '../../sdp/plan.ts';
import type { KeyForm, PlayTime } from '../../worker/legs.ts';
import { mediaLimits } from '../limits.ts';
import type { MediaMeters } from '../meters.ts';
import { bytesPerMs, createEncoder, type Encoder } from './encoder.ts';
import { Keypad } from './keypad.ts';
import type { TellHeard } from './ledger.ts';
import { Playout } from './playout.ts';
import { Prompts } from './prompts.ts';
import { createVoice, type Voice, type VoiceSource } from './voice.ts';

export interface MixOptions {
  readonly meters: MediaMeters;
  /** Told how much of each event of the agent was heard. */
  readonly heard?: TellHeard | undefined;
  /** Whether sound that is cut off fades out; not where what waits at the peer is thrown away as well. */
  readonly fades: boolean;
}

/** Whose sound a payload is. */
export type MixSource = 'agent' | 'own' | 'line' | 'silence';

/**
 * What the peer hears: keys that we press, sounds of ours, the agent, another leg, in this order, one payload at a time
 * and in the peer's codec. How it travels is no matter here.
 */
export class Mix {
  readonly #options: MixOptions;
  /** Keys that are being pressed. Where the peer takes telephone-events, who sends them asks it first. */
  readonly keypad = new Keypad();
  /** Whether keys can go as telephone-events. */
  keyEvents = false;
  /** Whose the last payload was. */
  source: MixSource = 'silence';
  /** The last payload was silence, and so will be all until something comes; see `still`. */
  #still = false;
  /** Sound of another leg, and whether it takes the place of the agent's. */
  #line: VoiceSource | undefined;
  #lineVoice: Voice | undefined;
  #lineAlone = false;
  #codec: CodecName | undefined;
  #encoder: Encoder | undefined;
  #playout: Playout | undefined;
  #voice: Voice | undefined;
  /** What a conversation that was lost had still to say: it is heard before the next one's. */
  #rest: { readonly playout: Playout; voice: Voice } | undefined;
  readonly #prompts = new Prompts();
  /** Sound of the agent has come since the one in the background began. */
  #spoken = false;
  readonly #tone = new Int16Array(16 * mediaLimits.longestPacketMs);
  #opened = false;
  #talking = false;
  /** When the peer stopped listening, ms; NaN while it listens. */
  #heldMs = Number.NaN;
  #cutMs = Number.NaN;
  #firstSoundMs = Number.NaN;
  #firstAudioMs: number | undefined;
  #lastHeardMs = Number.NaN;
  #unheardBefore = 0;
  #overflowBefore = 0;

  constructor(options: MixOptions) {
    this.#options = options;
  }

  /** Agent sound that waits to be played, ms. */
  get queuedMs(): number {
    return (this.#playout?.queuedMs ?? 0) + (this.#rest?.playout.queuedMs ?? 0);
  }

  /** The highest event that the agent's sound has come for. */
  get newestEvent(): number {
    return this.#playout?.newestEvent ?? Number.NEGATIVE_INFINITY;
  }

  /** Agent sound that was not and will not be heard, ms; without what still waits. */
  get unheardMs(): number {
    return this.#unheardBefore + (this.#playout?.unheardMs ?? 0) + (this.#rest?.playout.unheardMs ?? 0);
  }

  /** Of it, what found the queue full. */
  get overflowMs(): number {
    return this.#overflowBefore + (this.#playout?.overflowMs ?? 0) + (this.#rest?.playout.overflowMs ?? 0);
  }

  /** First agent sound received to its first packet sent, ms. */
  get firstAudioMs(): number | undefined {
    return this.#firstAudioMs;
  }

  get onHold(): boolean {
    return !Number.isNaN(this.#heldMs);
  }

  /** Whether the last payload had sound of the agent. */
  get talking(): boolean {
    return this.#talking;
  }

  /** Whether the peer listens, and the next payload would be silence as the last one was: it need not be made. */
  get still(): boolean {
    return this.#still && this.#line === undefined;
  }

  /** Whether sound of another leg is heard: it comes in real time, and goes out so. */
  get joined(): boolean {
    return this.#line !== undefined;
  }

  /** The codec that payloads are in from now on. */
  tune(codec: CodecName): Encoder {
    if (codec === this.#codec && this.#encoder !== undefined) return this.#encoder;
    const encoder = createEncoder(codec);
    this.#codec = codec;
    this.#encoder = encoder;
    this.#prompts.tune(encoder.rate);
    if (this.#playout !== undefined) this.#voice = createVoice(this.#playout, encoder);
    if (this.#rest !== undefined) this.#rest.voice = createVoice(this.#rest.playout, encoder);
    if (this.#line !== undefined) this.#lineVoice = createVoice(this.#line, encoder);
    return encoder;
  }

  /** The peer does not listen; what was queued waits for it. */
  hold(nowMs: number): void {
    if (this.onHold) return;
    this.#still = false;
    this.#heldMs = nowMs;
    this.#cutMs = Number.NaN;
    this.#talking = false;
  }

  /** The peer listens again. */
  unhold(): void {
    this.#heldMs = Number.NaN;
  }

  /** From now on agent sound is played; before, it waits. */
  open(): void {
    this.#still = false;
    this.#opened = true;
  }

  /**
   * A sound that is heard when nobody says anything, until the next sound of the agent comes. Ringback stands for a
   * conversation that failed as it began: what is left of that is not heard any more.
   */
  background(sound: Prompt | undefined): void {
    this.#still = false;
    if (sound === 'ringback') {
      this.#dropRest();
      this.#voice?.cut(false);
      this.#playout?.interrupt(this.#playout.newestEvent);
    }
    this.#spoken = false;
    this.#prompts.loop(sound);
  }

  /** Plays a sound once; what the agent says waits. False when too many wait. */
  prompt(sound: Prompt, when: PlayTime, done?: () => void): boolean {
    this.#still = false;
    return this.#prompts.play(sound, when, done);
  }

  /** Presses keys; false when too many wait. Without telephone-events at the peer they are tones, whatever is wished. */
  press(keys: string, form: KeyForm, done?: () => void): boolean {
    this.#still = false;
    const events = form === 'events' && this.keyEvents;
    return this.keypad.press(keys, events ? 'events' : 'tones', this.#encoder?.rate ?? 8000, done);
  }

  /** Sound of another leg: beside the agent, who goes before it, or alone. Undefined ends it. */
  listen(line: VoiceSource | undefined, alone: boolean): void {
    this.#still = false;
    this.#line = line;
    this.#lineAlone = alone;
    this.#lineVoice = line && this.#encoder && createVoice(line, this.#encoder);
  }

  /**
   * A conversation begins: its sound comes in `format`, and its event ids count from anew. A sentence of the one before it
   * that is being heard is heard to its end.
   */
  begin(format: AudioFormat): void {
    this.#still = false;
    this.#keepRest();
    this.#playout = new Playout(format);
    if (this.#encoder !== undefined) this.#voice = createVoice(this.#playout, this.#encoder);
  }

  push(eventId: number, bytes: Buffer, nowMs: number): void {
    const playout = this.#playout;
    if (playout === undefined) return;
    if (nowMs - this.#heldMs > mediaLimits.holdGraceMs) {
      playout.refuse(eventId, bytes);
      return;
    }
    if (!playout.push(eventId, bytes)) return;
    this.#still = false;
    this.#spoken = true;
    if (Number.isNaN(this.#firstSoundMs)) this.#firstSoundMs = nowMs;
  }

  /** Sound of an event that was interrupted came late: it is counted, and not heard. */
  late(eventId: number, bytes: number): void {
    this.#playout?.miss(eventId, bytes);
  }

  /** Tells how much was heard of what is through by now. */
  tellHeard(): void {
    const { heard } = this.#options;
    if (heard !== undefined) this.#playout?.ledger.tell(heard);
  }

  /**
   * The event, and all before it, is not heard any more: the next packet carries the end of a 5 ms fade and silence.
   * True when there was something to cut off.
   */
  interrupt(eventId: number, nowMs: number): boolean {
    const playout = this.#playout;
    if (playout === undefined) return false;
    const cut = this.#talking || !playout.empty;
    // The fade is that of what is being heard.
    if (this.#rest !== undefined && this.#talking) return this.#cutRest(playout, eventId, nowMs);
    if (this.#talking) this.#cutMs = nowMs;
    this.#voice?.cut(this.#talking && this.#options.fades);
    playout.interrupt(eventId);
    return cut;
  }

  /** What is being heard is what a lost conversation had said: it fades out, and of the new one nothing was heard yet. */
  #cutRest(playout: Playout, eventId: number, nowMs: number): boolean {
    const rest = this.#rest!;
    this.#cutMs = nowMs;
    rest.voice.cut(this.#options.fades);
    rest.playout.interrupt(rest.playout.newestEvent);
    this.#voice?.cut(false);
    playout.interrupt(eventId);
    return true;
  }

  /** Whether all sound that came was played, and the peer has had the time to hear the end of it. */
  finished(nowMs: number): boolean {
    if (this.queuedMs > 0 || this.#prompts.playing) return false;
    return !this.#talking && !(nowMs - this.#lastHeardMs < mediaLimits.drainTailMs);
  }

  /** The last `ms` of the agent that were taken never reach the peer's ear. */
  takeBack(ms: number): void {
    this.#playout?.takeBack(ms);
  }

  /** What goes out is no sound: a key that is told as an event. */
  quiet(): void {
    this.#talking = false;
  }

  toString(): string {
    return this.#playout === undefined
      ? 'silence'
      : `agent(${this.#playout.format}) -> playout -> ${this.#voice}`;
  }

  /** The end: what waits will not be heard. */
  close(): void {
    this.#dropRest();
    this.#retire();
  }

  /** Whether sound of the agent is being played, or could be. */
  get #waitingToSpeak(): boolean {
    return this.#talking || (this.#opened && !this.#lineAlone && this.queuedMs > 0);
  }

  /** Fills `bytes` of payload at `at`: true when it is sound of the agent. */
  fill(packet: Uint8Array, at: number, bytes: number, encoder: Encoder): boolean {
    this.source = 'own';
    if (this.keypad.busy || this.keypad.tone !== undefined) {
      this.#fillKey(packet, at, bytes, encoder);
      return false;
    }
    const samples = (bytes * encoder.rate) / (1000 * bytesPerMs);
    const prompts = this.#prompts;
    if (prompts.playing && prompts.once(this.#tone, samples, this.#waitingToSpeak)) {
      encoder.encode(this.#tone, packet, at, bytes);
      return false;
    }
    if (!this.#lineAlone && this.#opened && this.#renderAgent(packet, at, bytes)) {
      this.source = 'agent';
      return true;
    }
    if (this.#lineVoice?.render(packet, at, bytes)) {
      this.#prompts.drop();
      this.source = 'line';
      return false;
    }
    if (this.#prompts.background(this.#tone, samples)) {
      encoder.encode(this.#tone, packet, at, bytes);
    } else {
      this.source = 'silence';
      // A sound of ours may wait for the agent to be through, which it is only now.
      this.#still = !prompts.playing;
      encoder.silence(packet, at, bytes);
    }
    return false;
  }

  #renderAgent(packet: Uint8Array, at: number, bytes: number): boolean {
    if (this.#renderRest(packet, at, bytes)) return true;
    if (this.#voice?.render(packet, at, bytes) !== true) return false;
    if (this.#spoken) this.#prompts.drop();
    return true;
  }

  #renderRest(packet: Uint8Array, at: number, bytes: number): boolean {
    const rest = this.#rest;
    if (rest === undefined) return false;
    if (rest.voice.render(packet, at, bytes)) return true;
    this.#dropRest();
    return false;
  }

  /** Only what was let out and has begun to be heard: what waits before the answer belongs to a start that failed. */
  #keepRest(): void {
    const playout = this.#playout;
    const voice = this.#voice;
    if (!this.#talking || playout === undefined || voice === undefined || this.#rest !== undefined) {
      return this.#retire();
    }
    playout.ledger.assume();
    this.tellHeard();
    this.#rest = { playout, voice };
  }

  #dropRest(): void {
    const rest = this.#rest;
    if (rest === undefined) return;
    rest.voice.cut(false);
    this.#unheardBefore += rest.playout.unheardMs + rest.playout.queuedMs;
    this.#overflowBefore += rest.playout.overflowMs;
    this.#rest = undefined;
  }

  #fillKey(packet: Uint8Array, at: number, bytes: number, encoder: Encoder): void {
    const { tone } = this.keypad;
    if (tone === undefined) return encoder.silence(packet, at, bytes);
    tone.generate(this.#tone, 0, (bytes * encoder.rate) / (1000 * bytesPerMs));
    encoder.encode(this.#tone, packet, at, bytes);
  }

  /** The payload goes out. */
  note(heard: boolean, nowMs: number): void {
    this.#talking = heard;
    if (!Number.isNaN(this.#cutMs)) {
      this.#options.meters.bargeIn.record(nowMs - this.#cutMs + (heard ? mediaLimits.fadeMs : 0));
      this.#cutMs = Number.NaN;
    }
    if (!heard) return;
    this.#lastHeardMs = nowMs;
    if (this.#firstAudioMs === undefined) this.#firstAudioMs = nowMs - this.#firstSoundMs;
  }

  #retire(): void {
    const playout = this.#playout;
    if (playout === undefined) return;
    this.#voice?.cut(false);
    playout.ledger.cut();
    this.tellHeard();
    this.#unheardBefore += playout.unheardMs + playout.queuedMs;
    this.#overflowBefore += playout.overflowMs;
    this.#playout = undefined;
    this.#voice = undefined;
  }
}
