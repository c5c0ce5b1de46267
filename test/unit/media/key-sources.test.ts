import { describe, expect, it } from 'vitest';
import { KeySources, type KeyWay } from '../../../src/media/key-sources.ts';

/** Tells keys as `[way, key, at ms]`, and gives those that count. */
function told(...keys: readonly (readonly [KeyWay, string, number])[]): string {
  const sources = new KeySources();
  return keys
    .filter(([way, key, at]) => sources.admits(way, key, at))
    .map(([, key]) => key)
    .join('');
}

describe('the ways in which keys are told', () => {
  it('each count where they are the only one', () => {
    for (const way of ['tone', 'info', 'event'] as const) {
      expect(told([way, '1', 0], [way, '1', 100], [way, '2', 200])).toBe('112');
    }
  });

  it('count one press once that a gateway leaks as a tone before its event', () => {
    expect(told(['tone', '1', 0], ['event', '1', 60], ['tone', '2', 300], ['event', '2', 310])).toBe('12');
  });

  it('count one press once that comes as tone, INFO and event', () => {
    expect(told(['tone', '1', 0], ['info', '1', 60], ['event', '1', 90], ['event', '1', 400])).toBe('11');
  });

  it('give way to a better one for good', () => {
    expect(
      told(['event', '1', 0], ['info', '2', 10_000], ['tone', '3', 20_000], ['event', '4', 30_000]),
    ).toBe('14');
  });

  it('count another key, or the same one later, as another press', () => {
    expect(told(['info', '1', 0], ['event', '2', 60])).toBe('12');
    expect(told(['info', '1', 0], ['event', '1', 600])).toBe('11');
  });
});
