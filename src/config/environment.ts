import { editDistance } from './nearest.ts';
import type { Setting } from './setting.ts';
import { fileVariable, settings } from './settings.ts';
import type { Environment } from './sources.ts';

/** Names that this project reserves for itself and does not use yet: setting one has no effect. */
const reserved = [
  'TWILIO_PHONE_NUMBER',
  'TWILIO_WHATSAPP_NUMBER',
  'TWILIO_MESSAGING_SERVICE_SID',
  'WEBHOOK_SECRET',
] as const;

const all: readonly Setting[] = Object.values(settings);

/** Every environment variable that means something here. */
export const knownVariables: ReadonlySet<string> = new Set([
  fileVariable,
  ...all.flatMap(({ env, secret }) =>
    env === undefined ? [] : secret === true ? [env, `${env}_FILE`] : [env],
  ),
]);

/** What is set and has no effect although its name says that somebody meant it to. */
export function environmentNotes(env: Environment): string[] {
  const notes: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || value === '' || knownVariables.has(name)) continue;
    if ((reserved as readonly string[]).includes(name)) {
      notes.push(`${name} is set, and nothing in this version uses it.`);
      continue;
    }
    const meant =
      name.length < 8 ? undefined : [...knownVariables].find(known => editDistance(name, known) <= 2);
    if (meant !== undefined) notes.push(`${name} is set and means nothing here; did you mean ${meant}?`);
  }
  return notes;
}
