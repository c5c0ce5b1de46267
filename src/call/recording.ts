import type { EventSink } from '../core/events.ts';
import type { CallKey } from '../core/ids.ts';
import type { Prompt } from '../core/prompt.ts';
import type { Leg, RecordingOptions } from '../worker/legs.ts';

/** Whether the calls of a number are recorded. */
export interface RecordingPolicy {
  readonly record?: boolean;
  /** Played before the agent is heard: only then does the recording begin. `off` where a number wants none. */
  readonly consentPrompt?: Prompt | 'off';
  /** Where recordings go; absent: nowhere. */
  readonly recordTo?: RecordingOptions;
}

/**
 * Records a call that is wanted recorded: from the answer on, or once the caller has heard the prompt that says so. Who
 * hangs up during that prompt is not recorded. To be called before the leg is opened, so that the prompt comes first.
 */
export async function recordCall(
  call: CallKey,
  leg: Pick<Leg, 'record' | 'play'>,
  { record, consentPrompt = 'off', recordTo }: RecordingPolicy,
  events: EventSink,
  up: () => boolean,
): Promise<void> {
  if (record !== true || recordTo === undefined) return;
  if (consentPrompt !== 'off' && !(await leg.play(consentPrompt))) return;
  if (!up()) return;
  leg.record(recordTo);
  events.emit({ type: 'recording-begun', call, encrypted: recordTo.key !== undefined });
}
