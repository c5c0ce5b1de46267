import type { AudioSink } from '../core/audio.ts';
import type { Prompt } from '../core/prompt.ts';
import type { MediaPlan } from '../sdp/plan.ts';
import type { LocalMedia, PlayTime } from '../worker/legs.ts';
import type { Histogram } from './histogram.ts';
import type { Mix } from './outbound/mix.ts';
import type { PacedStream } from './outbound/pacer.ts';
import type { VoiceSource } from './outbound/voice.ts';
import type { WireTap } from './wire-tap.ts';

/** The way in of one leg: whatever came from the peer becomes sound for the agent. */
export interface WayIn {
  /** Where the peer's sound goes from now on; undefined: nowhere. */
  setSink(sink: AudioSink | undefined): void;
  /** Secure mode: keys are taken out of the sound before anybody gets that. */
  shield(on: boolean): void;
  /** Whether keys are looked for in the sound. */
  listenForTones(on: boolean): void;
  setTap(tap: WireTap | undefined): void;
  /** Called every `tickMs` of the wire at least, and as often as there is something to pass on. */
  tick(nowMs: number, deadlineMs: number): void;
  /**
   * Whether sound is passed on as it comes. Whoever listens in real time needs it at an even pace, held back for as long as
   * the network is uneven; an agent does not.
   */
  eager(on: boolean): void;
  /** Whether the next 20 ms are there, and may be passed on before their time. */
  ready(nowMs: number): boolean;
  /** How long after 20 ms were passed on, and 20 ms more, the next of them may still come, ms. */
  readonly patienceMs: number;
  readonly packetsReceived: number;
  readonly lost: number;
  readonly late: number;
  readonly strangers: number;
  readonly framesConcealed: number;
  readonly jitterMs: number;
  readonly bufferDelayMs: number;
  /** Undefined before the first packet. */
  readonly lastPacketMs: number | undefined;
  toString(): string;
}

/** The way out: sends what `mix` makes, at its time. */
export interface WayOut extends PacedStream {
  readonly mix: Mix;
  readonly packets: number;
  /** Undefined where nothing is due at a time, and so nothing is late. */
  readonly lateness: Histogram | undefined;
  setTap(tap: WireTap | undefined): void;
  /** The event, and all before it, is not heard any more. True when there was something to cut off. */
  interrupt(eventId: number, nowMs: number): boolean;
  /** Sound of another leg: beside the agent's, which goes before it, or alone. Undefined ends it. */
  listen(line: VoiceSource | undefined, alone: boolean, nowMs: number): void;
  /** Plays a sound of ours once; `done` is called when the peer has been sent its end, or has played that. False when too many wait. */
  prompt(sound: Prompt, when: PlayTime, done?: () => void): boolean;
  /** Tells how much was heard of what is through by now. */
  tellHeard(nowMs: number): void;
  /** Whether all sound that came was played, and the peer has had the time to hear the end of it. */
  finished(nowMs: number): boolean;
  /** The end: what waits will not be heard. */
  close(nowMs: number): void;
  toString(): string;
}

/** What carries the sound of one leg: RTP, or a media stream of Twilio. */
export interface Wire {
  readonly local: LocalMedia;
  /** How often its session looks at it and at its own times, ms: where sound has to be fetched, as often as the agent is given it. */
  readonly tickMs: number;
  /** Whether its packets leave by the clock, one each packet time. Else it sends by itself, as the peer's sound comes. */
  readonly paced: boolean;
  readonly inbound: WayIn;
  readonly outbound: WayOut;
  /** Suite of SRTP, `none` where the wire has no such thing. */
  readonly encryption: string;
  readonly unauthentic: number;
  readonly replayed: number;
  /** Takes what was settled with the peer, at the answer and at every change of it. */
  apply(plan: MediaPlan, nowMs: number): void;
  /** Called every `tickMs`. */
  tick(nowMs: number): void;
  /** Says goodbye; nothing is sent any more, but what was said is counted yet. */
  bye(nowMs: number): void;
  /** Gives everything back. */
  close(): void;
}

/** What a wire tells its session. */
export interface WireListener {
  key(key: string, way: 'event' | 'tone'): void;
  /** Sound of the peer has come; `passed`: and 20 ms of it have gone on already. */
  came(nowMs: number, passed: boolean): void;
  heard(eventId: number, heardMs: number, unheardMs: number): void;
  failed(error: unknown): void;
}
