import type { Made } from './made.ts';
import type { GeneratorReport } from './messages.ts';
import type { Seals } from './stream.ts';

/** What the sound of all telephones gave; signalling knows the rest. */
export type SoundReport = Omit<
  GeneratorReport,
  'setup' | 'answered' | 'failed' | 'refused' | 'dropped' | 'marks'
> & { readonly marks: Omit<GeneratorReport['marks'], 'answered'> };

/** The sound of all telephones. A telephone is known by the port its peer sends from. */
export interface TelephoneSet {
  readonly made: Made;
  /** Port that a call of this number is to name in its SDP. */
  portFor(call: number): number;
  /** Begins to send to a port, and to hear it. */
  add(call: number, port: number, seals?: Seals): void;
  remove(call: number): void;
  /** The window of measurement begins. */
  mark(): void;
  /** It ends. */
  report(): Promise<SoundReport>;
  /** Settles when nothing of it is left. */
  close(): Promise<void>;
}
