import { describe, expect, it } from 'vitest';
import { median } from '../../../src/sim/load/figures.ts';
import { madeTable, markdown, readText, writeTable, writing } from './document.ts';

interface Run {
  readonly bridge: {
    readonly calls: number;
    readonly cpu: { readonly perCall: number };
    readonly memory: { readonly perCall: number };
    readonly wire: { readonly lost: number; readonly lateness: { readonly p99: number } };
  };
  readonly ratio: { readonly cpu: number };
}

interface Part {
  readonly name: string;
  readonly title: string;
  readonly machine: { readonly cores: number; readonly cpu: string; readonly node: string };
  readonly results: readonly [{ readonly runs: readonly Run[] }];
}

/** Parts of a release's measurement whose runs are pairs of the bridge and the floor. */
const shown = ['pcmu', 'workers', 'wss', 'g722'];

const { version } = JSON.parse(readText('package.json')) as { readonly version: string };
const { parts } = JSON.parse(readText(`docs/bench/${version}.json`)) as { readonly parts: readonly Part[] };

function rows({ title, results }: Part): string[][] {
  const { runs } = results[0];
  return [...new Set(runs.map(({ bridge }) => bridge.calls))].map(calls => {
    const of = runs.filter(({ bridge }) => bridge.calls === calls);
    const middle = (value: (run: Run) => number, digits: number) => median(of.map(value)).toFixed(digits);
    return [
      title,
      String(calls),
      middle(({ bridge }) => bridge.cpu.perCall, 2),
      middle(({ ratio }) => ratio.cpu, 2),
      middle(({ bridge }) => bridge.memory.perCall, 2),
      String(of.reduce((sum, { bridge }) => sum + bridge.wire.lost, 0)),
      middle(({ bridge }) => bridge.wire.lateness.p99, 1),
    ];
  });
}

const capacityTable = (): string =>
  markdown(
    [
      'calls',
      'how many',
      '% of a core a call',
      'times the floor',
      'MB a call',
      'packets lost',
      'send lateness p99, ms',
    ],
    shown.flatMap(name => rows(parts.find(part => part.name === name)!)),
  );

describe('what README.md says that it carries', () => {
  it('is what the stored measurement of this version has', () => {
    if (writing) writeTable('README.md', 'capacity', capacityTable());
    expect(madeTable('README.md', 'capacity')).toBe(capacityTable());
  });

  it('names the machine of each figure', () => {
    const machines = parts.filter(({ name }) => shown.includes(name)).map(({ machine }) => machine);
    const told = new Set(
      machines.map(({ cpu, cores, node }) => `${cpu}, ${cores} cores, Node ${node.slice(1)}`),
    );
    expect(told.size).toBe(1);
    for (const machine of told) expect(readText('README.md')).toContain(machine);
  });
});
