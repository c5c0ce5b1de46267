import type { AudioFormat } from '../../core/audio.ts';

/** One thing that an agent does wrong. Times in ms after the initiation data unless the name says otherwise. */
export type Misbehaviour =
  /** Metadata comes late. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** Metadata never comes. */
  | { readonly kind: 'silent' }
  /** Closes: before the metadata, or so long after it. With `errorType` an error event goes first. */
  | {
      readonly kind: 'close';
      readonly code: number;
      readonly reason?: string;
      readonly errorType?: string;
      readonly when: 'before-metadata' | { readonly afterMetadataMs: number };
    }
  /** Cuts the TCP connection without a close frame. */
  | { readonly kind: 'drop'; readonly afterMetadataMs: number }
  /** Puts the caller in the queue; `metadata` tells whether it comes before the queue or at admission. */
  | {
      readonly kind: 'queue';
      readonly waitMs: number;
      readonly outcome: 'admitted' | 'timed_out';
      readonly metadata: 'first' | 'admission';
    }
  /** All of `seconds` of a tone at once, in messages of about `messageBytes`. */
  | { readonly kind: 'flood'; readonly seconds: number; readonly messageBytes?: number }
  /** One valid audio message of about so many bytes. */
  | { readonly kind: 'huge'; readonly bytes: number }
  /** Messages that are not the protocol, then it echoes. */
  | { readonly kind: 'garbage'; readonly what: 'json' | 'shape' | 'binary'; readonly count: number }
  /** Answers the upgrade with an HTTP status. */
  | { readonly kind: 'refuse'; readonly status: number }
  /** Names formats that nobody knows. */
  | { readonly kind: 'format'; readonly name: string }
  /** Allows no overrides: closes with 1008 when some came, else it says nothing by itself. */
  | { readonly kind: 'no-overrides' }
  /** Speaks for `speakMs`, interrupts itself at `atMs` and goes on sending sound of the interrupted event. */
  | {
      readonly kind: 'interrupt';
      readonly speakMs: number;
      readonly atMs: number;
      readonly latePieces: number;
    };

/** What an agent does. `quiet` only sends metadata: the test speaks through its `SimConversation`. */
export type SimScript = (
  | { readonly mode: 'echo' }
  | { readonly mode: 'quiet' }
  | { readonly mode: 'tone'; readonly hz: number; readonly seconds: number; readonly endCall?: boolean }
  | { readonly mode: 'otp'; readonly attempts?: number }
  | { readonly mode: 'misbehave'; readonly how: Misbehaviour }
) & {
  /** Format of the sound it takes and gives; `pcm_16000` when not given. */
  readonly inputFormat?: AudioFormat;
  readonly outputFormat?: AudioFormat;
};

export interface SimAgentOptions {
  /** 0 (default) for any free port of 127.0.0.1. */
  readonly port?: number;
  /** PEM; makes it https and wss. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** The only API key that gets a signed URL; `sim-key` when not given. */
  readonly apiKey?: string;
  /** Scripts by agent id, besides `agent_echo`, `agent_tone` and `agent_otp`. */
  readonly agents?: Readonly<Record<string, SimScript>>;
  /** For every other agent id; without it those are 404. */
  readonly otherwise?: SimScript;
  /** Caller sound kept of each conversation, bytes (default 4 MiB); what is above it is only counted. */
  readonly keepAudioBytes?: number;
  /** Conversations kept for looking at (default 1000); the oldest ended ones are forgotten first. */
  readonly keepConversations?: number;
  /** Ping interval, ms (default 2000); 0 for none. */
  readonly pingMs?: number;
  /** Caller sound that is away for longer ends the conversation (1002), ms; the real service waits 60 s. 0, the default: never. */
  readonly receiveTimeoutMs?: number;
  /** How far ahead of real time it sends its speech, ms (default 500). */
  readonly leadMs?: number;
}

/** Tones (Hz) by which the scripted OTP conversation says what it says. */
export const otpTones = { greeting: 440, prompt: 587, success: 880, failure: 330 } as const;
