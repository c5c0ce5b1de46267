import { inspect } from 'node:util';
import { type Place, readings } from './leak.ts';

/** A credential, and what it is called. */
export interface Credential {
  readonly what: string;
  readonly value: string;
}

/** Where a credential was found, and how it was written there. */
export interface Found {
  readonly where: string;
  readonly what: string;
  readonly as: string;
}

/** Ways to write a text that a search for it as it is would miss. */
const decoders: Readonly<Record<string, (text: string) => string>> = {
  plain: text => text,
  percent: readings['percent'] as (text: string) => string,
  unicode: readings['unicode'] as (text: string) => string,
  base64: readings['base64'] as (text: string) => string,
  hex: readings['hex'] as (text: string) => string,
  utf16: text => text.replaceAll('\u0000', ''),
};

/** An API key or auth token as the secrets that it consists of: itself, and the Authorization header made of it. */
export function credentials(what: string, user: string, secret: string): Credential[] {
  const basic = Buffer.from(`${user}:${secret}`).toString('base64');
  return [
    { what, value: secret },
    { what: `Authorization of ${what}`, value: basic },
  ];
}

/** Every credential in every place, however it is written. */
export function findCredentials(places: readonly Place[], secrets: readonly Credential[]): Found[] {
  return places.flatMap(({ where, text }) =>
    Object.entries(decoders).flatMap(([as, decode]) => {
      const readable = decode(text);
      return secrets.filter(({ value }) => readable.includes(value)).map(({ what }) => ({ where, what, as }));
    }),
  );
}

/** Ways in which a credential could leak; each is to be found. */
export const credentialDisguises: Readonly<Record<string, (value: string) => string>> = {
  plain: value => `x=${value};`,
  percent: value =>
    encodeURIComponent(value).replace(/[a-z]/g, letter => `%${letter.charCodeAt(0).toString(16)}`),
  unicode: value =>
    [...value].map(letter => `\\u00${letter.charCodeAt(0).toString(16).padStart(2, '0')}`).join(''),
  base64: value => `Basic ${Buffer.from(`SK0:${value}`).toString('base64')}`,
  hex: value => Buffer.from(`xx${value}`).toString('hex'),
  utf16: value => Buffer.from(value, 'utf16le').toString('latin1'),
};

/** Every form in which somebody might write a value down, above all an error. */
export function dumps(value: unknown): string {
  const open = inspect(value, { depth: 12, showHidden: true, getters: false });
  const parts = value instanceof Error ? [value.stack, value.message, inspect(value.cause)] : [];
  return [open, safeJson(value), String(value), ...parts].join('\n');
}

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}
