import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';

/** One import statement. */
export interface Import {
  /** Path of the file that is imported, from the root of the project; a package by its name. */
  readonly target: string;
  /** True when only types come over: nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

/** Imports of every file by its path from the root. */
export type Graph = ReadonlyMap<string, readonly Import[]>;

/** What files of a group may import. */
export interface Rule {
  readonly group: string;
  /** A file belongs to the first group one of whose patterns it matches. */
  readonly files: readonly RegExp[];
  /** Groups whose values and types may be imported, besides the own one. */
  readonly values: readonly string[];
  /** Groups of which only types may be imported. */
  readonly types?: readonly string[];
  /** False: files of this group may not import each other. Default true. */
  readonly itself?: false;
}

const statement = /^(import|export)\s+(type\s+)?((?:\*|\{|[\w$])[^;'"()=]*?)\s*from\s*['"]([^'"]+)['"]/gm;
const bare = /^import\s*['"]([^'"]+)['"]/gm;
const dynamic = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;
const url = /\bnew URL\(\s*['"](\.[^'"]+\.ts)['"]\s*,\s*import\.meta\.url/g;

/** Every import of a TypeScript text: static, re-exported, dynamic, by type, and worker files by URL. */
export function importsOf(path: string, text: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean) =>
    found.push({ target: resolveTarget(path, specifier), typeOnly });
  for (const [, , type, names = '', specifier = ''] of text.matchAll(statement)) {
    add(specifier, type !== undefined || namesOnlyTypes(names));
  }
  for (const pattern of [bare, dynamic, url])
    for (const [, specifier = ''] of text.matchAll(pattern)) add(specifier, false);
  return found;
}

function namesOnlyTypes(names: string): boolean {
  const list = /^\{([\s\S]*)\}$/
    .exec(names.trim())?.[1]
    ?.split(',')
    .filter(name => name.trim() !== '');
  return list !== undefined && list.length > 0 && list.every(name => /^\s*type\s/.test(name));
}

function resolveTarget(path: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier;
}

/** Paths of all files below some folders, from the root, sorted. */
export function filesBelow(root: string, folders: readonly string[], suffix = '.ts'): string[] {
  return folders
    .flatMap(folder => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile() && entry.name.endsWith(suffix))
    .map(entry => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
}

export function readGraph(root: string, folders: readonly string[]): Graph {
  return new Map(
    filesBelow(root, folders).map(path => [path, importsOf(path, readFileSync(join(root, path), 'utf8'))]),
  );
}

export function groupOf(path: string, rules: readonly Rule[]): string | undefined {
  return rules.find(({ files }) => files.some(pattern => pattern.test(path)))?.group;
}

/** Every import that no rule allows, one sentence each, and every file that belongs to no group. */
export function forbiddenImports(graph: Graph, rules: readonly Rule[]): string[] {
  const faults: string[] = [];
  for (const [path, imports] of graph) {
    const group = groupOf(path, rules);
    const rule = rules.find(one => one.group === group);
    if (rule === undefined) {
      faults.push(`${path} belongs to no group of the rules`);
      continue;
    }
    for (const { target, typeOnly } of imports) {
      if (!/^(src|codecs|test|scripts)\//.test(target)) continue;
      const wanted = groupOf(target, rules);
      const allowed =
        wanted !== undefined &&
        ((wanted === rule.group && rule.itself !== false) ||
          rule.values.includes(wanted) ||
          (typeOnly && rule.types?.includes(wanted) === true));
      const what = typeOnly ? 'types' : 'values';
      if (!allowed)
        faults.push(`${path} (${rule.group}) must not import ${what} of ${target} (${wanted ?? 'no group'})`);
    }
  }
  return faults;
}

/** Imports of packages by files that may not have them, one sentence each. */
export function forbiddenPackages(
  graph: Graph,
  owners: Readonly<Record<string, readonly RegExp[]>>,
): string[] {
  const faults: string[] = [];
  for (const [path, imports] of graph) {
    for (const { target, typeOnly } of imports) {
      const name = Object.keys(owners).find(one => target === one || target.startsWith(`${one}/`));
      if (name === undefined || typeOnly || owners[name]?.some(pattern => pattern.test(path))) continue;
      faults.push(`${path} must not import the package ${name}`);
    }
  }
  return faults;
}

/** Every group of files that import each other in a circle, types included (Tarjan's strongly connected components). */
export function cycles(graph: Graph): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (path: string): void => {
    index.set(path, index.size);
    low.set(path, index.get(path)!);
    stack.push(path);
    for (const { target } of graph.get(path) ?? []) {
      if (!graph.has(target)) continue;
      if (!index.has(target)) visit(target);
      if (stack.includes(target)) low.set(path, Math.min(low.get(path)!, low.get(target)!));
    }
    if (low.get(path) !== index.get(path)) return;
    const component = stack.splice(stack.indexOf(path));
    if (component.length > 1 || graph.get(path)?.some(({ target }) => target === path))
      found.push(component.sort());
  };
  for (const path of graph.keys()) if (!index.has(path)) visit(path);
  return found;
}
