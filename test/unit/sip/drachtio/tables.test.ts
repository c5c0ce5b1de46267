import { describe, expect, it } from 'vitest';
import { linkTable } from '../../../../src/sip/drachtio/link-table.ts';
import { ownReoffer } from '../../../../src/sip/drachtio/own-reoffers.ts';
import { uacTable } from '../../../../src/sip/drachtio/uac-table.ts';
import { uasTable } from '../../../../src/sip/drachtio/uas-table.ts';

type Rows = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
const tables: [string, Rows, string, readonly string[]][] = [
  ['link', linkTable, 'idle', ['shut']],
  ['uas', uasTable, 'early', ['ended']],
  ['uac', uacTable, 'calling', ['ended']],
  ['own re-offer', ownReoffer, 'idle', []],
];

describe.each(tables)('the table of the %s', (_name, table, first, last) => {
  it('leads only to states that it has, and to each of them', () => {
    const reached = new Set([first]);
    for (const state of reached)
      for (const [next = ''] of Object.values(table[state] ?? {})) reached.add(next);
    expect([...reached].sort()).toEqual(Object.keys(table).sort());
  });

  it('can end from every state', () => {
    const ends = new Set(last.length === 0 ? [first] : last);
    for (let grown = true; grown; ) {
      const before = ends.size;
      for (const [state, row] of Object.entries(table)) {
        if (Object.values(row).some(([next = '']) => ends.has(next))) ends.add(state);
      }
      grown = ends.size > before;
    }
    expect([...ends].sort()).toEqual(Object.keys(table).sort());
  });
});

describe.each([
  ['uas', uasTable as Rows],
  ['uac', uacTable as Rows],
])('a call of the %s', (_name, table) => {
  it('is over with the link in every state, and ends exactly once', () => {
    for (const [state, row] of Object.entries(table)) {
      if (state === 'ended') continue;
      expect(row['linkLost']?.[0], state).toBe('ended');
      for (const [input, [next, ...actions]] of Object.entries(row)) {
        expect(actions.filter(action => action === 'end').length, `${state} ${input}`).toBe(
          next === 'ended' ? 1 : 0,
        );
      }
    }
  });
});
