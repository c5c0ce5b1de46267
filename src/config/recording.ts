import type { CallPolicy } from '../trunks/policy.ts';
import { flag, integer, text } from './readers.ts';
import type { Section } from './section.ts';
import { setting } from './setting.ts';
import { soundOrOff } from './sounds.ts';

/** What is recorded, and how it is kept. */
export const recordingSettings = {
  'recording.enabled': setting(flag, {
    meaning: 'Whether calls are recorded whose number does not say otherwise (docs/recording.md).',
    fallback: 'false',
  }),
  'recording.consent_prompt': setting(soundOrOff, {
    meaning:
      'Sound that a caller hears before the agent, and before a recording begins: a built-in one or the path of a .wav ' +
      'file; or off.',
    fallback: 'off',
  }),
  'recording.encrypt': setting(flag, {
    meaning: 'Whether recordings are encrypted with DATA_KEY; without it they are WAV files on the disk.',
    fallback: 'true',
  }),
  'recording.folder': setting(text(), {
    meaning: 'Folder of the recordings of this node; without it `recordings` below DATA_DIR.',
  }),
  'recording.min_free_mb': setting(integer(0, 1_000_000), {
    meaning: 'Free space of its disk, in MB, below which nothing is recorded; calls go on.',
    fallback: '500',
  }),
} as const;

/** What a number has of its own. */
export function readRecording(section: Section): Pick<CallPolicy, 'record' | 'consentPrompt'> {
  if (!section.has('recording')) return {};
  const own = section.inner('recording');
  const enabled = own.value('enabled', flag);
  const consentPrompt = own.value('consent_prompt', soundOrOff);
  own.finish();
  return {
    ...(enabled === undefined ? {} : { record: enabled }),
    ...(consentPrompt === undefined ? {} : { consentPrompt }),
  };
}
