import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of the project. */
export const root = join(import.meta.dirname, '../../..');

export const readText = (path: string): string => readFileSync(join(root, path), 'utf8');

/** One row of a Markdown table: its cells, without the backticks around a word. */
export type Row = readonly string[];

/** Rows of the first table in a text, without its head. */
export function rowsOf(text: string): Row[] {
  const lines = text.split('\n');
  const first = lines.findIndex(line => /^\|[-|: ]+\|$/.test(line));
  if (first < 0) return [];
  const rest = lines.slice(first + 1);
  const end = rest.findIndex(line => !line.startsWith('|'));
  return rest.slice(0, end < 0 ? rest.length : end).map(cells);
}

function cells(line: string): Row {
  return line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map(cell => cell.trim().replace(/^`(.*)`$/, '$1'));
}

/** The text below a heading, up to the next heading of the same or a higher level. */
export function section(text: string, heading: string): string {
  const lines = text.split('\n');
  const first = lines.indexOf(heading);
  if (first < 0) throw new Error(`there is no heading "${heading}"`);
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const rest = lines.slice(first + 1);
  const end = rest.findIndex(line => (/^#+ /.exec(line)?.[0].length ?? 99) - 1 <= level);
  return rest.slice(0, end < 0 ? rest.length : end).join('\n');
}

const end = '<!-- end of table -->';

/** What stands between the marks of a table that is made from the sources. */
export function madeTable(path: string, name: string): string {
  const text = readText(path);
  const begin = `<!-- table: ${name} -->\n`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`${path} has no marks for a table ${name}`);
  return text.slice(from + begin.length, to);
}

/** True when tables are to be written into the documents instead of compared: TRUNKBRIDGE_WRITE_DOCS=1. */
export const writing = process.env['TRUNKBRIDGE_WRITE_DOCS'] === '1';

/** Puts a table between its marks. */
export function writeTable(path: string, name: string, table: string): void {
  const begin = `<!-- table: ${name} -->\n`;
  const old = begin + madeTable(path, name);
  writeFileSync(
    join(root, path),
    readText(path).replace(old, () => begin + table),
  );
}

/** A Markdown table. A bar inside a cell is escaped. */
export function markdown(head: Row, rows: readonly Row[]): string {
  const line = (row: Row) => `| ${row.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return `${[line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')}\n`;
}
