/** Metrics as a scrape gives them. */
export class Series {
  readonly text: string;
  readonly #rows: readonly { readonly name: string; readonly labels: string; readonly value: number }[];

  constructor(text: string) {
    this.text = text;
    this.#rows = text
      .split('\n')
      .map(line => /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line))
      .filter(match => match !== null)
      .map(([, name = '', labels = '', value = '']) => ({ name, labels, value: Number(value) }));
  }

  /** Sum of all series of that name that have these labels. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
    return this.#rows
      .filter(row => row.name === name && wanted.every(label => row.labels.split(',').includes(label)))
      .reduce((sum, row) => sum + row.value, 0);
  }
}
