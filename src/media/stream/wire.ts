import type { Clock } from '../../core/clock.ts';
import type { MediaPlan } from '../../sdp/plan.ts';
import type { LocalMedia } from '../../worker/legs.ts';
import type { MediaMeters } from '../meters.ts';
import type { Wire, WireListener } from '../wire.ts';
import { StreamInbound } from './inbound.ts';
import { streamMediaLimits as limits } from './limits.ts';
import { type StreamCarrier, StreamOutbound } from './outbound.ts';

/** What a media stream settles with its peer: nothing, because Twilio speaks one format. */
export const streamPlan: MediaPlan = {
  codec: 'PCMU',
  sendPayloadType: 0,
  receivePayloadTypes: { 0: 'PCMU' },
  receiveEventPayloadType: 101,
  packetTime: 20,
  direction: 'sendrecv',
  target: { address: '0.0.0.0', rtpPort: 0, rtcpPort: 0 },
};

export interface StreamWireParts {
  /** Where the stream is to come. */
  readonly local: LocalMedia;
  readonly clock: Clock;
  readonly meters: MediaMeters;
  /** Twilio has taken nothing for too long. */
  readonly lost: () => void;
  /** The stream is over: Twilio has said so, or its WebSocket went without a word. */
  readonly ended: (how: 'stopped' | 'closed') => void;
}

/** A media stream of Twilio as the wire of a leg. It is there before the stream is. */
export class StreamWire implements Wire {
  // What every message touches comes first, so that it lies together.
  readonly inbound: StreamInbound;
  readonly outbound: StreamOutbound;
  readonly #clock: Clock;
  readonly #meters: MediaMeters;
  readonly local: LocalMedia;
  /** Sound comes by itself: only times of seconds are looked at. */
  readonly tickMs = limits.tickMs;
  /**
   * Twilio sends every 20 ms, whoever speaks: what goes out is looked after then, when all of the call is at hand, and costs
   * the worker no turn of its own.
   */
  readonly paced = false;
  /** TLS ends in front of us, and is the proxy's matter. */
  readonly encryption = 'none';
  readonly unauthentic = 0;
  readonly replayed = 0;
  readonly #ended: StreamWireParts['ended'];
  readonly #listener: WireListener;
  #carrier: StreamCarrier | undefined;
  #closed = false;

  constructor(parts: StreamWireParts, listener: WireListener) {
    this.#clock = parts.clock;
    this.#meters = parts.meters;
    this.#ended = parts.ended;
    this.#listener = listener;
    this.local = parts.local;
    this.inbound = new StreamInbound(key => listener.key(key, 'tone'));
    this.outbound = new StreamOutbound({
      meters: parts.meters,
      heard: (eventId, heardMs, unheardMs) => listener.heard(eventId, heardMs, unheardMs),
      lost: parts.lost,
    });
  }

  /** The stream has come: sound flows from here on. */
  attach(carrier: StreamCarrier): void {
    this.#carrier = carrier;
    this.outbound.attach(carrier);
  }

  /** Sound of the caller; see `StreamInbound.take`. */
  media(sound: Uint8Array, timestampMs: number, chunk: number): void {
    try {
      this.#meters.packetsReceived++;
      const now = this.#clock.now();
      this.inbound.take(sound, timestampMs, chunk, now);
      this.#send(now);
    } catch (error) {
      this.#listener.failed(error);
    }
  }

  digit(digit: string): void {
    this.inbound.key();
    this.#listener.key(digit, 'event');
  }

  mark(name: string): void {
    this.outbound.marked(name, this.#clock.now());
  }

  ended(how: 'stopped' | 'closed'): void {
    this.#ended(how);
  }

  apply(): void {
    return undefined;
  }

  tick(nowMs: number): void {
    if (nowMs - (this.inbound.lastPacketMs ?? Number.NEGATIVE_INFINITY) >= limits.silentMs) this.#send(nowMs);
  }

  bye(): void {
    return undefined;
  }

  close(): void {
    this.#closed = true;
    this.#carrier?.close();
  }

  /** Sound of another leg goes by the clock: see `MediaSession`. */
  #send(nowMs: number): void {
    const { outbound } = this;
    if (nowMs < outbound.restsUntilMs || this.#closed || outbound.mix.joined) return;
    outbound.send(nowMs, nowMs);
  }
}
