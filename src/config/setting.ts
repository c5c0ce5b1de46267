import type { Reader } from './readers.ts';

/** One thing that can be configured: read by `reader`, documented by the rest. */
export interface Setting<T = unknown> {
  readonly reader: Reader<T>;
  /** One sentence: what it does, with its unit. */
  readonly meaning: string;
  /** Name of the environment variable, where it has one. */
  readonly env?: string;
  /** What holds when nothing is configured, written as in the file. Absent: the setting stays unset. */
  readonly fallback?: string;
  /** Present when there must be a value: what to do when there is none. */
  readonly required?: string;
  /** Section of the file whose presence lifts `required`. */
  readonly unless?: string;
  /** Never shown; may also come from the file that `<env>_FILE` names. */
  readonly secret?: true;
  /** The value may also be the path of a PEM file, whose text is then read in its place. */
  readonly pem?: true;
}

/** A value that is there for sure: it has a fallback or is required. */
export type Definite<T> = Setting<T> & ({ readonly fallback: string } | { readonly required: string });

export const setting = <T, const S extends Omit<Setting<T>, 'reader'>>(
  reader: Reader<T>,
  rest: S,
): { readonly reader: Reader<T> } & S => ({
  reader,
  ...rest,
});

/** What a table of settings gives once it is read. */
export type Values<Table extends Record<string, Setting>> = {
  readonly [K in keyof Table]: Table[K] extends { readonly reader: Reader<infer T> }
    ? Table[K] extends { readonly unless: string }
      ? T | undefined
      : Table[K] extends { readonly fallback: string } | { readonly required: string }
        ? T
        : T | undefined
    : never;
};
