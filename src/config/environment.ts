import { editDistance } from './nearest.ts';
import type { Setting } from './setting.ts';
import { fileVariable, settings } from './settings.ts';
import type { Environment } from './sources.ts';

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
    const meant =
      name.length < 8 ? undefined : [...knownVariables].find(known => editDistance(name, known) <= 2);
    if (meant !== undefined) notes.push(`${name} is set and means nothing here; did you mean ${meant}?`);
  }
  return notes;
}
