import type { Prompt } from '../core/prompt.ts';

/** What a number may have of its own: times in ms. The names are those of a call's options. */
export interface CallPolicy {
  readonly settleMs?: number;
  readonly queuePolicy?: 'busy' | 'ring' | 'answer';
  readonly queueWaitMs?: number;
  readonly ringMs?: number;
  readonly longestMs?: number;
  readonly record?: boolean;
  readonly consentPrompt?: Prompt | 'off';
  readonly refusedOverrides?: 'drop' | 'fail';
  readonly survival?:
    | {
        readonly policy?: 'reconnect' | 'transfer' | 'hangup';
        readonly reconnectMs?: number;
        readonly resumeLine?: string;
        readonly fallback?: string;
        readonly reconnectSound?: Prompt;
        readonly hangupSound?: Prompt;
      }
    | undefined;
  readonly waiting?: { readonly afterMs?: number; readonly sound?: Prompt | undefined } | undefined;
  /** Whether keys are looked for in the sound of the caller. */
  readonly tones?: KeyTones;
}

/** Whether keys are looked for in the sound: never, where the peer takes no telephone-events, or always. */
export type KeyTones = 'off' | 'auto' | 'on';

/** Whether the initiation webhook is asked for calls to a number, and what is done without a usable answer. */
export type InitiationChoice = 'off' | 'continue' | 'reject';
