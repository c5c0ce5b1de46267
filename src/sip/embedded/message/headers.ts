import type { HeaderField } from '../../signalling.ts';
import { splitList } from './list.ts';

/** Compact forms (RFC 3261 section 7.3.3 and the registry of later RFCs). */
const compact: ReadonlyMap<string, string> = new Map([
  ['a', 'Accept-Contact'],
  ['b', 'Referred-By'],
  ['c', 'Content-Type'],
  ['d', 'Request-Disposition'],
  ['e', 'Content-Encoding'],
  ['f', 'From'],
  ['i', 'Call-ID'],
  ['j', 'Reject-Contact'],
  ['k', 'Supported'],
  ['l', 'Content-Length'],
  ['m', 'Contact'],
  ['n', 'Identity-Info'],
  ['o', 'Event'],
  ['r', 'Refer-To'],
  ['s', 'Subject'],
  ['t', 'To'],
  ['u', 'Allow-Events'],
  ['v', 'Via'],
  ['x', 'Session-Expires'],
  ['y', 'Identity'],
]);

/**
 * Lower-case keys of the names that nearly every message has, by the spellings that nearly every peer uses: one look-up
 * in the place of a new string. Other names and spellings take the long way to the same key.
 */
const usualKeys: ReadonlyMap<string, string> = new Map(
  [
    ...compact.values(),
    ...[
      'Via',
      'Max-Forwards',
      'CSeq',
      'Route',
      'Record-Route',
      'Authorization',
      'Proxy-Authorization',
      'Require',
    ],
    ...[
      'Allow',
      'Accept',
      'User-Agent',
      'Date',
      'Expires',
      'Min-SE',
      'P-Asserted-Identity',
      'Privacy',
      'Reason',
    ],
    ...['Proxy-Require', 'Diversion', 'Timestamp', 'Warning', 'Content-Disposition'],
  ].map(name => [name, name.toLowerCase()]),
);

/** Header fields of one message in wire order. Names compare without case; compact names are written out on entry. */
export class Headers implements Iterable<HeaderField> {
  #fields: HeaderField[] = [];
  /** Lower-case name of each field, index for index. */
  #keys: string[] = [];

  get size(): number {
    return this.#fields.length;
  }

  /** Adds a field behind all others. */
  add(name: string, value: string): this {
    const field = { name: longName(name), value };
    this.#fields.push(field);
    this.#keys.push(keyOf(field.name));
    return this;
  }

  /** Adds a field before all others: a Via or Route of our own. */
  prepend(name: string, value: string): this {
    const field = { name: longName(name), value };
    this.#fields.unshift(field);
    this.#keys.unshift(keyOf(field.name));
    return this;
  }

  /** Replaces every field of that name by one, in the place of the first. */
  set(name: string, value: string): this {
    const key = keyOf(name);
    const at = this.#keys.indexOf(key);
    if (at < 0) return this.add(name, value);
    const field = { name: this.#fields[at]?.name ?? name, value };
    this.delete(name);
    this.#fields.splice(at, 0, field);
    this.#keys.splice(at, 0, key);
    return this;
  }

  /** Replaces the value of the first field of that name and leaves the others; adds one when there is none. */
  setFirst(name: string, value: string): this {
    const at = this.#keys.indexOf(keyOf(name));
    if (at < 0) return this.add(name, value);
    this.#fields[at] = { name: this.#fields[at]?.name ?? name, value };
    return this;
  }

  /** Removes every field of that name. */
  delete(name: string): this {
    const key = keyOf(name);
    if (!this.#keys.includes(key)) return this;
    this.#fields = this.#fields.filter((_, i) => this.#keys[i] !== key);
    this.#keys = this.#keys.filter(each => each !== key);
    return this;
  }

  /** Value of the first field of that name. */
  get(name: string): string | undefined {
    const at = this.#keys.indexOf(keyOf(name));
    return at < 0 ? undefined : this.#fields[at]?.value;
  }

  /** Values of all fields of that name, in order; a comma list stays one value. */
  all(name: string): string[] {
    const key = keyOf(name);
    const values: string[] = [];
    for (let at = this.#keys.indexOf(key); at >= 0; at = this.#keys.indexOf(key, at + 1)) {
      values.push(this.#fields[at]!.value);
    }
    return values;
  }

  /** Elements of the comma lists of all fields of that name, in order: for Require, Supported, Allow and their like. */
  list(name: string): string[] {
    return this.all(name).flatMap(splitList);
  }

  has(name: string): boolean {
    return this.#keys.includes(keyOf(name));
  }

  [Symbol.iterator](): Iterator<HeaderField> {
    return this.#fields[Symbol.iterator]();
  }
}

export function longName(name: string): string {
  return name.length === 1 ? (compact.get(name.toLowerCase()) ?? name) : name;
}

function keyOf(name: string): string {
  return usualKeys.get(name) ?? longName(name).toLowerCase();
}
