import { readFileSync, statSync } from 'node:fs';
import { fail, messageOf, ok, type Result } from '../core/errors.ts';
import { type FileEntry, fileLimits, parseFile, type Tree } from './file.ts';
import { nearest } from './nearest.ts';
import type { Problem } from './problem.ts';
import type { Raw } from './readers.ts';
import type { Setting } from './setting.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads a whole text file; throws as `node:fs` does. */
export type ReadText = (path: string) => string;

/** A value of one setting, with where it came from. */
export interface Sourced {
  /** As written: for a PEM setting perhaps still a path. */
  readonly raw: Raw;
  readonly where: string;
  /** The file that `raw` is the text of: that of `NAME_FILE`, or of `file:`. */
  readonly path?: string;
}

/** The text of a file, refused when it is larger than any configuration, certificate or secret. */
export const readText: ReadText = path => {
  if (statSync(path).size > fileLimits.characters) throw new Error('the file is too large');
  return readFileSync(path, 'utf8');
};

/** Where the values of settings come from: the environment, which wins, and the file. */
export class Sources {
  readonly #env: Environment;
  readonly #read: ReadText;
  readonly #entries = new Map<string, FileEntry>();
  readonly problems: Problem[] = [];
  readonly #trees = new Map<string, Tree>();

  constructor(env: Environment, read: ReadText) {
    this.#env = env;
    this.#read = read;
  }

  /**
   * Takes in the file. Keys that are neither in `known` nor below `open` are problems; `sections` stay trees. A file without a word
   * in it is a problem where it is not `mayBeEmpty`.
   */
  load(
    path: string,
    known: readonly string[],
    open: string,
    sections: readonly string[] = [],
    mayBeEmpty = true,
  ): void {
    const text = this.#text(path);
    if (!text.ok) {
      this.problems.push({ where: path, what: `cannot be read (${text.failure})` });
      return;
    }
    if (!mayBeEmpty && text.value.trim() === '') {
      this.problems.push({ where: path, what: 'is empty; {} is a file without settings' });
      return;
    }
    const { entries, trees, others, problems } = parseFile(path, text.value, sections);
    this.problems.push(...problems);
    for (const [key, tree] of trees) this.#trees.set(key, tree);
    const tops = new Set(known.map(name => name.replace(/\..*/, '')));
    for (const { key, where } of others) {
      if (known.includes(key))
        this.problems.push({ where, what: 'must be text, a number, true, false, or a list of those' });
      else if (![...known, open].some(name => name === key || name.startsWith(`${key}.`)))
        this.problems.push({ where, what: unknownKey(key, [...tops, ...known, open, ...sections]) });
    }
    for (const entry of entries) {
      if (known.includes(entry.key) || entry.key.startsWith(`${open}.`)) this.#entries.set(entry.key, entry);
      else
        this.problems.push({
          where: entry.where,
          what: unknownKey(entry.key, [...known, open, ...sections]),
        });
    }
  }

  /** A section of the file that was loaded as a tree. */
  tree(key: string): Tree | undefined {
    return this.#trees.get(key);
  }

  /** A value inside a tree with its `${NAME}` and `file:` written out; undefined when that is a problem, now told. */
  expand(raw: Raw, where: string): Raw | undefined {
    const before = this.problems.length;
    const expanded = this.#expanded(raw, where);
    return this.problems.length > before ? undefined : expanded;
  }

  /** Entries of the file below a key, by the rest of their name. */
  below(key: string): { readonly name: string; readonly entry: FileEntry }[] {
    return [...this.#entries.values()]
      .filter(entry => entry.key.startsWith(`${key}.`))
      .map(entry => ({ name: entry.key.slice(key.length + 1), entry }));
  }

  /** The value of a setting as it was written down; undefined when nobody did (or what they wrote is a problem). */
  find(key: string, setting: Setting): Sourced | undefined {
    const fromEnvironment =
      setting.env === undefined ? undefined : this.#fromEnvironment(setting.env, setting);
    return fromEnvironment ?? this.#fromFile(key);
  }

  /** Text of the PEM file that a value names, or the value where it is PEM; with the file, if there is one, to read again. */
  pem({ raw, where, path }: Sourced): { readonly text: string; readonly path?: string } | undefined {
    const value = String(raw);
    if (value.includes('-----BEGIN'))
      return { text: value.replaceAll('\\n', '\n'), ...(path === undefined ? {} : { path }) };
    const text = this.#text(value);
    if (text.ok) return { text: text.value, path: value };
    this.problems.push({ where, what: `names a PEM file that cannot be read (${text.failure})` });
    return undefined;
  }

  #fromEnvironment(name: string, setting: Setting): Sourced | undefined {
    const value = this.#env[name]?.trim();
    const path = setting.secret === true ? this.#env[`${name}_FILE`]?.trim() : undefined;
    if (value && path)
      this.problems.push({ where: name, what: `is set, and ${name}_FILE too; keep one of them` });
    if (value) return { raw: value, where: name };
    if (!path) return undefined;
    const text = this.#text(path);
    if (text.ok) return { raw: text.value.trim(), where: `${name}_FILE`, path };
    this.problems.push({ where: `${name}_FILE`, what: `names a file that cannot be read (${text.failure})` });
    return undefined;
  }

  #fromFile(key: string): Sourced | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const { raw, where } = entry;
    const path = fileOf(raw);
    return { raw: this.#expanded(raw, where), where, ...(path === undefined ? {} : { path }) };
  }

  /** Text, alone or in a list; a number stays one, so that a setting can tell. */
  #expanded(raw: Raw, where: string): Raw {
    const text = <Value>(value: Value) => (typeof value === 'string' ? this.#expand(value, where) : value);
    return typeof raw === 'object' ? raw.map(text) : text(raw);
  }

  /** `${NAME}` becomes the variable, `file:/path` the text of the file. */
  #expand(value: string, where: string): string {
    const path = fileOf(value);
    if (path !== undefined) {
      const text = this.#text(path);
      if (text.ok) return text.value.trim();
      this.problems.push({ where, what: `names a file that cannot be read (${text.failure})` });
      return '';
    }
    return value.replace(/\$\{(\w+)\}/g, (_all, name: string) => {
      const found = this.#env[name];
      if (found === undefined || found === '') {
        this.problems.push({ where, what: `uses \${${name}}, and that variable is not set` });
      }
      return found ?? '';
    });
  }

  #text(path: string): Result<string, string> {
    try {
      return ok(this.#read(path));
    } catch (error) {
      return fail((error as NodeJS.ErrnoException).code ?? messageOf(error));
    }
  }
}

/** The path in `file:/path`. */
export function fileOf(raw: unknown): string | undefined {
  return typeof raw === 'string' && raw.startsWith('file:') ? raw.slice('file:'.length) : undefined;
}

/** Keys that an earlier version knew, and what is done in their place. */
const gone: Readonly<Record<string, string>> = {
  'tools.allow_autonomous_sends':
    'is not set here: it is turned by trunkbridge twilio allow-sends --confirm, which writes down who and why',
};

function unknownKey(key: string, known: readonly string[]): string {
  const instead = gone[key];
  if (instead !== undefined) return instead;
  const last = key.slice(key.lastIndexOf('.') + 1);
  const meant = known.find(name => name.endsWith(`.${last}`)) ?? nearest(key, known);
  if (known.some(name => name.startsWith(`${key}.`))) return 'is a section: put its keys below it';
  return meant === undefined
    ? 'is not a key that this version knows'
    : `is not a key; did you mean ${meant}?`;
}
