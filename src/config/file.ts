import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import type { Problem } from './problem.ts';
import type { Raw } from './readers.ts';

/** Limits on the configuration file. */
export const fileLimits = {
  /** Longest file, characters. */
  characters: 1024 * 1024,
  /** Deepest nesting of keys. */
  depth: 6,
} as const;

/** One value of the file. */
export interface FileEntry {
  /** Dotted key: `agent.settle_ms`. */
  readonly key: string;
  readonly raw: Raw;
  /** `trunkbridge.yaml:7 agent.settle_ms` */
  readonly where: string;
}

export interface FileContent {
  readonly entries: readonly FileEntry[];
  readonly problems: readonly Problem[];
}

/** Reads YAML into flat entries with their lines. Keys without a value count as not there. */
export function parseFile(name: string, text: string): FileContent {
  if (text.length > fileLimits.characters) {
    return {
      entries: [],
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
    return { entries: [], problems };
  }
  const entries: FileEntry[] = [];
  const problems: Problem[] = [];
  const place = (node: unknown, key: string) => {
    const offset = (node as Node | null)?.range?.[0] ?? 0;
    return `${name}:${lines.linePos(offset).line} ${key}`;
  };
  const resolve = (node: unknown) => (isAlias(node) ? node.resolve(document) : node);

  const walk = (map: YAMLMap, path: string, depth: number): void => {
    for (const pair of map.items) {
      const key = `${path}${String(isScalar(pair.key) ? pair.key.value : pair.key)}`;
      const where = place(pair.key, key);
      const value = resolve(pair.value);
      if (isMap(value)) {
        if (depth >= fileLimits.depth) problems.push({ where, what: 'is nested too deeply' });
        else walk(value, `${key}.`, depth + 1);
        continue;
      }
      const raw = isSeq(value) ? value.items.map(item => scalar(resolve(item))) : scalar(value);
      if (raw === null) continue;
      if (isRaw(raw)) entries.push({ key, raw, where });
      else problems.push({ where, what: 'must be text, a number, true, false, or a list of those' });
    }
  };
  if (isMap(document.contents)) walk(document.contents, '', 1);
  else if (document.contents !== null)
    problems.push({ where: name, what: 'must be a map of keys and values' });
  return { entries, problems };
}

function scalar(node: unknown): unknown {
  return isScalar(node) ? node.value : node;
}

const isPlain = (value: unknown): value is string | number =>
  typeof value === 'string' || typeof value === 'number';

function isRaw(value: unknown): value is Raw {
  return Array.isArray(value) ? value.every(isPlain) : isPlain(value) || typeof value === 'boolean';
}
