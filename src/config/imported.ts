import { fail, ok, type Result } from '../core/errors.ts';
import type { NumberConfig } from '../trunks/trunk.ts';
import type { Config, ConfiguredTrunk } from './config.ts';
import { Secrets } from './secrets.ts';
import { sectionKeys, sipLimitsKey } from './settings.ts';
import { Sources } from './sources.ts';
import { readTrunks } from './trunks.ts';

/** Numbers, and trunks of their own, that came over the API. */
export interface ImportedNumbers {
  readonly numbers: readonly NumberConfig[];
  readonly trunks: readonly ConfiguredTrunk[];
  /** By the names of the trunks, as in `secrets.trunkPasswords`. */
  readonly passwords: ReadonlyMap<string, string>;
}

export const noImports: ImportedNumbers = { numbers: [], trunks: [], passwords: new Map() };

/** The id of an imported number, by which its trunk is named too. */
export const importedId = /^phnum_[0-9a-f]{24}$/;

/** Entries of `transfers` whose trunk came with an imported number and is not there, or cannot be called over. */
export function lostTransfers({
  transfers,
  trunks,
}: Pick<Config, 'transfers' | 'trunks'>): readonly string[] {
  const ways = new Set(trunks.flatMap(({ name, outbound }) => (outbound === undefined ? [] : [name])));
  return transfers.flatMap(({ name, trunk }) => (trunk === undefined || ways.has(trunk) ? [] : [name]));
}

/** Digits without plus: how two spellings of one number are compared. */
const plain = (number: string) => number.replace(/^\+/, '');

/** Whether an entry of `numbers` in the file is for this very number. */
export function isConfigured({ numbers }: Pick<Config, 'numbers'>, number: string): boolean {
  return numbers.some(({ pattern }) => pattern.kind === 'number' && plain(pattern.number) === plain(number));
}

/** The configuration with what was imported. A number that is in the file too is the file's: the imported one has no effect. */
export function withImported(config: Config, { numbers, trunks, passwords }: ImportedNumbers): Config {
  if (numbers.length === 0 && trunks.length === 0) return config;
  const others = numbers.filter(
    ({ pattern }) => pattern.kind !== 'number' || !isConfigured(config, pattern.number),
  );
  const names = new Set(config.trunks.map(({ name }) => name));
  return {
    ...config,
    numbers: [...config.numbers, ...others],
    trunks: [...config.trunks, ...trunks.filter(({ name }) => !names.has(name))],
    secrets: new Secrets({
      ...config.secrets,
      trunkPasswords: new Map([...passwords, ...config.secrets.trunkPasswords]),
    }),
  };
}

/**
 * Reads the trunk of an imported number, by the same rules as the file's: nothing is expanded, for no variable and no file
 * is there. Fails with one sentence.
 */
export function readImportedTrunk(
  name: string,
  { inbound, outbound }: { readonly inbound?: unknown; readonly outbound?: unknown },
): Result<Pick<ImportedNumbers, 'trunks' | 'passwords'>, string> {
  if (inbound === undefined && outbound === undefined) return ok({ trunks: [], passwords: new Map() });
  const request = JSON.stringify({
    [sectionKeys.trunks]: [{ name, inbound_trunk_config: inbound, outbound_trunk_config: outbound }],
  });
  const sources = new Sources({}, path => {
    if (path === '') return request;
    throw new Error('files are not read here');
  });
  sources.load('', [], sipLimitsKey, [sectionKeys.trunks]);
  const { trunks, passwords } = readTrunks(sources, 'allowed');
  const [problem] = sources.problems;
  if (problem !== undefined) {
    const key = /(in|out)bound_trunk_config[\w.[\]]*/.exec(problem.where)?.[0];
    return fail(key === undefined ? `The trunk ${problem.what}.` : `${key} ${problem.what}.`);
  }
  return ok({ trunks: trunks.map(trunk => ({ ...trunk, imported: true })), passwords });
}
