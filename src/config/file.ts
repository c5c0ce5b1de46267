import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import type { Problem } from './problem.ts';
import type { Raw } from './readers.ts';

/** Limits on the configuration file. */
export const fileLimits = {
  /** Longest file, characters. */
  characters: 1024 * 1024,
  /** Deepest nesting of keys. */
  depth: 8,
} as const;

/** One value of the file. */
export interface FileEntry {
  /** Dotted key: `agent.settle_ms`. */
  readonly key: string;
  readonly raw: Raw;
  /** `trunkbridge.yaml:7 agent.settle_ms` */
  readonly where: string;
}

/** A part of the file that is more than one value: maps and lists inside each other. */
export type Tree =
  | { readonly kind: 'map'; readonly where: string; readonly fields: ReadonlyMap<string, Tree> }
  | { readonly kind: 'list'; readonly where: string; readonly items: readonly Tree[] }
  | { readonly kind: 'value'; readonly where: string; readonly raw: unknown };

export interface FileContent {
  readonly entries: readonly FileEntry[];
  /** Sections that were asked for as trees, by their keys. */
  readonly trees: ReadonlyMap<string, Tree>;
  /** Keys whose values are no value of a setting: an empty map, or a list of maps. */
  readonly others: readonly Omit<FileEntry, 'raw'>[];
  readonly problems: readonly Problem[];
}

/**
 * Reads YAML into flat entries with their lines. Keys without a value count as not there. What is below one of
 * `sections` stays a tree.
 */
export function parseFile(name: string, text: string, sections: readonly string[] = []): FileContent {
  const trees = new Map<string, Tree>();
  const others: Omit<FileEntry, 'raw'>[] = [];
  if (text.length > fileLimits.characters) {
    return {
      entries: [],
      trees,
      others,
      problems: [{ where: name, what: `is longer than ${fileLimits.characters} characters` }],
    };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    // The library's own text may quote the line, and with it a secret: only the code and the place are told.
    const problems = document.errors.map(error => ({
      where: `${name}:${lines.linePos(error.pos[0]).line}`,
      what: `is not valid YAML (${error.code.toLowerCase().replaceAll('_', ' ')})`,
    }));
    return { entries: [], trees, others, problems };
  }
  const entries: FileEntry[] = [];
  const problems: Problem[] = [];
  const place = (node: unknown, key: string) => {
    const offset = (node as Node | null)?.range?.[0] ?? 0;
    return `${name}:${lines.linePos(offset).line} ${key}`;
  };
  const resolve = (node: unknown) => (isAlias(node) ? node.resolve(document) : node);

  const tree = (node: unknown, path: string, where: string, depth: number): Tree => {
    if (depth >= fileLimits.depth) {
      problems.push({ where, what: 'is nested too deeply' });
      return { kind: 'value', where, raw: null };
    }
    if (isSeq(node)) {
      const items = node.items.map((item, i) => {
        const value = resolve(item);
        return tree(value, `${path}[${i}]`, place(value, `${path}[${i}]`), depth + 1);
      });
      return { kind: 'list', where, items };
    }
    if (!isMap(node)) return { kind: 'value', where, raw: scalar(node) };
    const fields = new Map<string, Tree>();
    for (const pair of node.items) {
      const key = String(isScalar(pair.key) ? pair.key.value : pair.key);
      const at = place(pair.key, `${path}.${key}`);
      fields.set(key, tree(resolve(pair.value), `${path}.${key}`, at, depth + 1));
    }
    return { kind: 'map', where, fields };
  };
  const walk = (map: YAMLMap, path: string, depth: number): void => {
    for (const pair of map.items) {
      const key = `${path}${String(isScalar(pair.key) ? pair.key.value : pair.key)}`;
      const where = place(pair.key, key);
      const value = resolve(pair.value);
      if (sections.includes(key)) {
        trees.set(key, tree(value, key, where, 0));
        continue;
      }
      if (isMap(value)) {
        if (value.items.length === 0) others.push({ key, where });
        if (depth >= fileLimits.depth) problems.push({ where, what: 'is nested too deeply' });
        else walk(value, `${key}.`, depth + 1);
        continue;
      }
      const raw = isSeq(value) ? value.items.map(item => scalar(resolve(item))) : scalar(value);
      if (raw === null) continue;
      if (isRaw(raw)) entries.push({ key, raw, where });
      else others.push({ key, where });
    }
  };
  if (isMap(document.contents)) walk(document.contents, '', 1);
  else if (document.contents !== null)
    problems.push({ where: name, what: 'must be a map of keys and values' });
  return { entries, trees, others, problems };
}

/** A telephone number that stands without quotes keeps the plus or the zero that it begins with. */
function scalar(node: unknown): unknown {
  if (!isScalar(node)) return node;
  const { value, source = '' } = node;
  return typeof value === 'number' && /^(\+\d{3}|0\d)\d*$/.test(source) ? source : value;
}

const isPlain = (value: unknown): value is string | number =>
  typeof value === 'string' || typeof value === 'number';

function isRaw(value: unknown): value is Raw {
  return Array.isArray(value) ? value.every(isPlain) : isPlain(value) || typeof value === 'boolean';
}
