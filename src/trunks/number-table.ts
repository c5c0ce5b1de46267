import type { NumberConfig } from './trunk.ts';

/**
 * A number as it is compared: digits without `+` or `00`, so that both spellings of E.164 are one; anything that is
 * no number (an extension's name) in lower case.
 */
export function numberKey(number: string): string {
  const plain = number.replace(/^(?:\+|00)(?=\d)/, '');
  return plain.toLowerCase();
}

const isDigits = (text: string) => text.length > 0 && text.length <= 20 && /^\d+$/.test(text);

/** Finds the entry that fits a called number best: the number itself, the smallest range, the longest prefix, any. */
export class NumberTable {
  readonly #exact = new Map<string, NumberConfig[]>();
  readonly #ranges: { readonly first: string; readonly last: string; readonly entry: NumberConfig }[] = [];
  readonly #prefixes: { readonly prefix: string; readonly entry: NumberConfig }[] = [];
  readonly #any: NumberConfig[] = [];

  /** `spellings` are those of a single number on top of the one that is written down. */
  constructor(
    entries: readonly NumberConfig[],
    spellings: (number: string, entry: NumberConfig) => readonly string[] = () => [],
  ) {
    for (const entry of entries) this.#add(entry, spellings);
    const size = ({ first, last }: { first: string; last: string }) => BigInt(last) - BigInt(first);
    this.#ranges.sort((a, b) => Number(size(a) - size(b)));
    this.#prefixes.sort((a, b) => b.prefix.length - a.prefix.length);
  }

  /** The entry for a number called over a trunk. Of equals the one that names the trunk counts. */
  find(trunk: string, calledNumber: string): NumberConfig | undefined {
    const key = numberKey(calledNumber);
    const digits = isDigits(key) ? key : undefined;
    return (
      best(trunk, this.#exact.get(key) ?? []) ??
      (digits === undefined ? undefined : (this.#inRange(trunk, digits) ?? this.#byPrefix(trunk, digits))) ??
      best(trunk, this.#any)
    );
  }

  #add(entry: NumberConfig, spellings: (number: string, entry: NumberConfig) => readonly string[]): void {
    const { pattern } = entry;
    switch (pattern.kind) {
      case 'number': {
        const { number } = pattern;
        for (const key of new Set([number, ...spellings(number, entry)].map(numberKey)))
          this.#exact.set(key, [...(this.#exact.get(key) ?? []), entry]);
        return;
      }
      case 'range':
        this.#ranges.push({ first: pattern.first, last: pattern.last, entry });
        return;
      case 'prefix':
        this.#prefixes.push({ prefix: pattern.prefix, entry });
        return;
      case 'any':
        this.#any.push(entry);
    }
  }

  /** Numbers of the same length compare as text. */
  #inRange(trunk: string, digits: string): NumberConfig | undefined {
    const holding = this.#ranges.filter(
      ({ first, last }) => first.length === digits.length && first <= digits && digits <= last,
    );
    return best(
      trunk,
      holding.map(({ entry }) => entry),
      'in order',
    );
  }

  #byPrefix(trunk: string, digits: string): NumberConfig | undefined {
    const holding = this.#prefixes.filter(({ prefix }) => digits.startsWith(prefix));
    return best(
      trunk,
      holding.map(({ entry }) => entry),
      'in order',
    );
  }
}

/** The first entry for this trunk, else the first for all; `in order` where a better fit beats a named trunk. */
function best(trunk: string, entries: readonly NumberConfig[], how?: 'in order'): NumberConfig | undefined {
  const usable = entries.filter(entry => entry.trunk === undefined || entry.trunk === trunk);
  if (how === 'in order') {
    const [first] = usable;
    const rival = usable.find(entry => entry.trunk === trunk);
    return rival !== undefined && first !== undefined && sameFit(rival, first) ? rival : first;
  }
  return usable.find(entry => entry.trunk === trunk) ?? usable[0];
}

function sameFit({ pattern: a }: NumberConfig, { pattern: b }: NumberConfig): boolean {
  if (a.kind === 'range' && b.kind === 'range') return a.first === b.first && a.last === b.last;
  return a.kind === 'prefix' && b.kind === 'prefix' && a.prefix === b.prefix;
}

/** Numbers that callers must have: each the number itself, or with a `*` behind it all that begin so. */
export class CallerList {
  readonly #exact = new Set<string>();
  readonly #prefixes: string[] = [];

  constructor(numbers: readonly string[]) {
    for (const number of numbers) {
      if (number.endsWith('*')) this.#prefixes.push(numberKey(number.slice(0, -1)));
      else this.#exact.add(numberKey(number));
    }
  }

  /** True when everybody may call, or this caller is in the list. */
  allows(caller: string): boolean {
    if (this.#exact.size === 0 && this.#prefixes.length === 0) return true;
    const key = numberKey(caller);
    return this.#exact.has(key) || (key !== '' && this.#prefixes.some(prefix => key.startsWith(prefix)));
  }
}
