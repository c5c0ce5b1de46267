import { describe, expect, it } from 'vitest';
import { DigitEntry } from '../../../src/media/digit-entry.ts';

function gather(): { entry: DigitEntry; ended: string[] } {
  const ended: string[] = [];
  return { entry: new DigitEntry(digits => ended.push(Buffer.from(digits).toString())), ended };
}

describe('DigitEntry', () => {
  it('ends an entry at the # key, which is no part of it', () => {
    const { entry, ended } = gather();
    for (const key of '12*A#') entry.press(key, 0);
    expect(ended).toEqual(['12*A']);
    expect(entry.open).toBe(false);
  });

  it('ends an entry two seconds after its last digit and not before', () => {
    const { entry, ended } = gather();
    entry.press('4', 1000);
    entry.press('2', 2900);
    entry.tick(4899);
    expect(ended).toEqual([]);
    entry.tick(4900);
    expect(ended).toEqual(['42']);
    entry.tick(9000);
    expect(ended).toEqual(['42']);
  });

  it('ends an entry at its fiftieth digit and begins a new one with the next', () => {
    const { entry, ended } = gather();
    for (let i = 0; i < 51; i++) entry.press(String(i % 10), i);
    expect(ended).toEqual(['01234567890123456789012345678901234567890123456789']);
    expect(entry.open).toBe(true);
  });

  it('tells which key began an entry', () => {
    const { entry } = gather();
    expect(entry.press('1', 0)).toBe(true);
    expect(entry.press('2', 10)).toBe(false);
    entry.press('#', 20);
    expect(entry.press('3', 30)).toBe(true);
  });

  it('does nothing for a # that comes after its entry was ended by time, or for what is no key', () => {
    const { entry, ended } = gather();
    entry.press('7', 0);
    entry.tick(2000);
    expect(entry.press('#', 2100)).toBe(false);
    for (const junk of ['', '12', 'x', ' ', '\n']) expect(entry.press(junk, 2200)).toBe(false);
    expect(entry.open).toBe(false);
    expect(ended).toEqual(['7']);
  });
});
