import type { Tree } from './file.ts';
import { nearest } from './nearest.ts';
import type { Raw, Reader } from './readers.ts';
import { fileOf, type Sources } from './sources.ts';

/** Reads one map of a list of maps: key by key, each problem told with its place, unknown keys at the end. */
export class Section {
  readonly where: string;
  readonly #sources: Sources;
  readonly #fields: ReadonlyMap<string, Tree>;
  readonly #asked = new Set<string>();

  private constructor(where: string, fields: ReadonlyMap<string, Tree>, sources: Sources) {
    this.where = where;
    this.#fields = fields;
    this.#sources = sources;
  }

  /** The maps of a section of the file; whatever is not a map is a problem. */
  static all(sources: Sources, key: string): Section[] {
    const tree = sources.tree(key);
    if (tree === undefined || (tree.kind === 'value' && tree.raw === null)) return [];
    if (tree.kind !== 'list') {
      sources.problems.push({ where: tree.where, what: 'must be a list: begin each entry with a dash' });
      return [];
    }
    return tree.items.flatMap(item => {
      if (item.kind === 'map') return [new Section(item.where, item.fields, sources)];
      sources.problems.push({ where: item.where, what: 'must be a map of keys and values' });
      return [];
    });
  }

  has(key: string): boolean {
    const field = this.#fields.get(key);
    return field !== undefined && !(field.kind === 'value' && field.raw === null);
  }

  isMap(key: string): boolean {
    return this.#fields.get(key)?.kind === 'map';
  }

  /** A value; undefined when it is not there or was a problem. */
  value<T>(key: string, reader: Reader<T>): T | undefined {
    const field = this.#take(key);
    const raw = field === undefined ? undefined : rawOf(field);
    if (field === undefined) return undefined;
    if (raw === undefined)
      return this.#problem(field.where, 'must be text, a number, true, false, or a list of those');
    const expanded = this.#sources.expand(raw, field.where);
    if (expanded === undefined) return undefined;
    const read = reader(expanded);
    return read.ok ? read.value : this.#problem(field.where, read.failure);
  }

  /** PEM text, or the path of a file with it. */
  pem(key: string, reader: Reader<string>): { readonly text: string; readonly path?: string } | undefined {
    const given = this.value(key, raw => ({ ok: true, value: String(raw) }));
    if (given === undefined) return undefined;
    const field = this.#fields.get(key);
    const path = field?.kind === 'value' ? fileOf(field.raw) : undefined;
    const where = this.at(key);
    const pem = this.#sources.pem({ raw: given, where, ...(path === undefined ? {} : { path }) });
    if (pem === undefined) return undefined;
    const read = reader(pem.text);
    return read.ok ? { ...pem, text: read.value } : this.#problem(where, read.failure);
  }

  /** Whatever is there, as JSON has it; undefined when it is not there or was a problem. */
  plain(key: string): unknown {
    const field = this.#take(key);
    const before = this.#sources.problems.length;
    const value = field === undefined ? undefined : plainOf(field, this.#sources);
    return this.#sources.problems.length > before ? undefined : value;
  }

  /** A map inside this one. Absent it reads as an empty one. */
  inner(key: string): Section {
    const field = this.#take(key);
    if (field?.kind === 'map') return new Section(field.where, field.fields, this.#sources);
    if (field !== undefined) this.#problem(field.where, 'must be a map of keys and values');
    return new Section(`${this.where}.${key}`, new Map(), this.#sources);
  }

  /** The maps of a list inside this one. */
  items(key: string): Section[] {
    const field = this.#take(key);
    if (field === undefined) return [];
    const items = field.kind === 'list' ? field.items : [field];
    return items.flatMap(item => {
      if (item.kind === 'map' && field.kind === 'list')
        return [new Section(item.where, item.fields, this.#sources)];
      this.#problem(item.where, 'must be a list of maps of keys and values');
      return [];
    });
  }

  /** Every key with its value, for maps whose keys are the operator's own. */
  pairs(
    key: (text: string) => string | undefined,
    value: (text: string) => string | undefined,
  ): Record<string, string> {
    const found: Record<string, string> = {};
    for (const name of this.#fields.keys()) {
      const wrong = key(name);
      if (wrong !== undefined) this.#problem(this.at(name), wrong);
      const text = this.value(name, raw => {
        const problem = Array.isArray(raw) ? 'must be text' : value(String(raw));
        return problem === undefined ? { ok: true, value: String(raw) } : { ok: false, failure: problem };
      });
      if (wrong === undefined && text !== undefined) found[name] = text;
    }
    return found;
  }

  /** Tells a problem of a key, or of the whole map. */
  complain(what: string, key?: string): void {
    this.#problem(key === undefined ? this.where : this.at(key), what);
  }

  /** Tells every key that nobody asked for. */
  finish(): void {
    for (const [key, { where }] of this.#fields) {
      if (this.#asked.has(key)) continue;
      const meant = nearest(key, this.#asked);
      this.#problem(
        where,
        meant === undefined
          ? `is not a key; known are ${[...this.#asked].join(', ')}`
          : `is not a key; did you mean ${meant}?`,
      );
    }
  }

  at(key: string): string {
    return this.#fields.get(key)?.where ?? this.where;
  }

  #take(key: string): Tree | undefined {
    this.#asked.add(key);
    return this.has(key) ? this.#fields.get(key) : undefined;
  }

  #problem(where: string, what: string): undefined {
    this.#sources.problems.push({ where, what });
    return undefined;
  }
}

/** The tree as JSON has it, its texts expanded. */
function plainOf(tree: Tree, sources: Sources): unknown {
  if (tree.kind === 'list') return tree.items.map(item => plainOf(item, sources));
  if (tree.kind === 'value') {
    return typeof tree.raw === 'string' ? sources.expand(tree.raw, tree.where) : tree.raw;
  }
  return Object.fromEntries([...tree.fields].map(([key, field]) => [key, plainOf(field, sources)]));
}

/** A scalar, or a list of scalars. */
function rawOf(tree: Tree): Raw | undefined {
  if (tree.kind === 'list') {
    const items = tree.items.map(rawOf);
    return items.every(item => typeof item === 'string' || typeof item === 'number') ? items : undefined;
  }
  if (tree.kind === 'map') return undefined;
  const { raw } = tree;
  return typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean' ? raw : undefined;
}
