import { Failure } from '../core/errors.ts';

/** Where a page went on: the time and the names of its last row. */
export interface Place {
  readonly at: number;
  readonly names: readonly string[];
}

/** A cursor that goes on behind a row. */
export const cursorAt = ({ at, names }: Place): string =>
  Buffer.from([at, ...names].join(' ')).toString('base64url');

/**
 * The row that a cursor goes on behind. Throws a `Failure` with code `wrong-cursor` for one that is none: whoever was given the first
 * page for it would read that over and over.
 */
export function placeAt(cursor: string | undefined, names: number): Place | undefined {
  if (cursor === undefined) return undefined;
  const [at = '', ...rest] = Buffer.from(cursor, 'base64url').toString('utf8').split(' ');
  if (/^\d{1,15}$/.test(at) && rest.length === names && rest.every(name => /^[\w-]{0,64}$/.test(name)))
    return { at: Number(at), names: rest };
  throw new Failure('wrong-cursor', 'This list has not given this cursor; without one it begins anew.');
}

/** One more row than was asked for tells whether there is another page. */
export function paged<Row>(
  rows: readonly Row[],
  size: number,
  place: (row: Row) => Place,
): { readonly rows: readonly Row[]; readonly next?: string } {
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  return last === undefined || rows.length <= size
    ? { rows: shown }
    : { rows: shown, next: cursorAt(place(last)) };
}
