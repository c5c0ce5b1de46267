import type { HeaderField } from '../../signalling.ts';

/** Compact forms (RFC 3261 section 7.3.3 and the registry of later RFCs). */
const compact: Readonly<Record<string, string>> = {
  a: 'Accept-Contact',
  b: 'Referred-By',
  c: 'Content-Type',
  d: 'Request-Disposition',
  e: 'Content-Encoding',
  f: 'From',
  i: 'Call-ID',
  j: 'Reject-Contact',
  k: 'Supported',
  l: 'Content-Length',
  m: 'Contact',
  n: 'Identity-Info',
  o: 'Event',
  r: 'Refer-To',
  s: 'Subject',
  t: 'To',
  u: 'Allow-Events',
  v: 'Via',
  x: 'Session-Expires',
  y: 'Identity',
};

/** Header fields of one message in wire order. Names compare without case; compact names are written out on entry. */
export class Headers implements Iterable<HeaderField> {
  #fields: HeaderField[] = [];

  get size(): number {
    return this.#fields.length;
  }

  /** Adds a field behind all others. */
  add(name: string, value: string): this {
    this.#fields.push({ name: longName(name), value });
    return this;
  }

  /** Replaces every field of that name by one, in the place of the first. */
  set(name: string, value: string): this {
    const wanted = name.toLowerCase();
    const at = this.#fields.findIndex(field => field.name.toLowerCase() === wanted);
    if (at < 0) return this.add(name, value);
    this.#fields = this.#fields.filter((field, i) => i <= at || field.name.toLowerCase() !== wanted);
    this.#fields[at] = { name: this.#fields[at]?.name ?? name, value };
    return this;
  }

  /** Value of the first field of that name. */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase();
    return this.#fields.find(field => field.name.toLowerCase() === wanted)?.value;
  }

  /** Values of all fields of that name, in order; a comma list stays one value. */
  all(name: string): string[] {
    const wanted = name.toLowerCase();
    return this.#fields.filter(field => field.name.toLowerCase() === wanted).map(field => field.value);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  [Symbol.iterator](): Iterator<HeaderField> {
    return this.#fields[Symbol.iterator]();
  }
}

function longName(name: string): string {
  return name.length === 1 ? (compact[name.toLowerCase()] ?? name) : name;
}
