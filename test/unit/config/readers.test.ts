import { describe, expect, it } from 'vitest';
import * as readers from '../../../src/config/readers.ts';

const value = <T>(reader: readers.Reader<T>, raw: readers.Raw): T | string => {
  const read = reader(raw);
  return read.ok ? read.value : `refused: ${read.failure}`;
};

describe('a base URL', () => {
  it.each([
    ['https://api.eu.residency.elevenlabs.io/', 'https://api.eu.residency.elevenlabs.io'],
    ['https://x.example/a/b/', 'https://x.example/a/b'],
    ['http://127.0.0.1:4010', 'http://127.0.0.1:4010'],
    ['http://localhost:4010/', 'http://localhost:4010'],
    ['http://[::1]:4010', 'http://[::1]:4010'],
  ])('%s is %s', (raw, expected) => {
    expect(value(readers.baseUrl(), raw)).toBe(expected);
  });

  it.each([
    'http://api.elevenlabs.io',
    'http://127.0.0.1.example',
    'http://10.0.0.1',
    'ftp://x.example',
    'ws://x.example',
    'api.elevenlabs.io',
    'https://x.example?a=b',
    'https://u:p@x.example',
    'http://2130706434x',
    '',
  ])('is not %j', raw => {
    expect(value(readers.baseUrl(), raw)).toMatch(/^refused/);
  });

  it('of a stand-in must be on loopback even with https', () => {
    expect(value(readers.baseUrl('loopback'), 'https://api.twilio.com')).toMatch(/must be on this machine/);
    expect(value(readers.baseUrl('loopback'), 'http://127.0.0.1:1')).toBe('http://127.0.0.1:1');
  });
});

describe('ports', () => {
  it.each([
    ['10000-20000', { first: 10000, last: 20000 }],
    ['1024-1027', { first: 1024, last: 1027 }],
  ])('%s', (raw, expected) => {
    expect(value(readers.portRange, raw)).toEqual(expected);
  });

  it.each(['10000', '10000-10002', '20000-10000', '1000-2000', '60000-65536', 'a-b', '10000-20000-30000'])(
    'are not %s',
    raw => {
      expect(value(readers.portRange, raw)).toMatch(/^refused/);
    },
  );
});

describe('a number of workers', () => {
  it.each([
    [1, 1],
    [2, 1],
    [8, 7],
  ])('is, for auto on %i cores, %i', (cores, expected) => {
    expect(
      value(
        readers.workerCount(() => cores),
        'auto',
      ),
    ).toBe(expected);
  });

  it('is from 1 to 256 otherwise', () => {
    const workers = readers.workerCount();
    expect([value(workers, 3), value(workers, '256')]).toEqual([3, 256]);
    for (const raw of [0, '257', '1.5', 'many', true])
      expect(value(workers, raw)).toMatch(/^refused: must be auto/);
  });
});

describe('simple values', () => {
  it.each([
    [readers.integer(1, 10), '10', 10],
    [readers.integer(1, 10), 0, 'refused: must be a whole number from 1 to 10'],
    [readers.integer(1, 10), '1e0', 'refused: must be a whole number from 1 to 10'],
    [readers.integer(1, 10), 1.5, 'refused: must be a whole number from 1 to 10'],
    [readers.integer(1, 10), '', 'refused: must be a whole number from 1 to 10'],
    [readers.flag, true, true],
    [readers.flag, 'No', false],
    [readers.flag, 'perhaps', 'refused: must be true or false'],
    [readers.choice(['a', 'b']), 'b', 'b'],
    [readers.choice(['a', 'b']), 'B', 'refused: must be one of a, b'],
    [readers.share, '0.5', 0.5],
    [readers.share, '', 'refused: must be a share above 0 and at most 1'],
    [readers.address, '2001:db8::1', '2001:db8::1'],
    [readers.address, 'pbx.example', 'refused: must be an IP address, not a host name'],
    [readers.text(), ['a'], 'refused: must be text that is not empty'],
  ] as readonly [readers.Reader<unknown>, readers.Raw, unknown][])('%# %s', (reader, raw, expected) => {
    expect(value(reader, raw)).toBe(expected);
  });

  it.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['192.0.2.1', '192.0.2.1/32'],
    ['2001:db8::1', '2001:db8::1/128'],
  ])('the network %s is %s', (raw, expected) => {
    expect(readers.cidr(raw)).toEqual({ ok: true, value: expected });
  });

  it.each(['10.0.0.0/33', '10.0.0/8', 'pbx.example', '010.0.0.1', '/8', '1.2.3.4/'])(
    '%j is no network',
    raw => {
      expect(readers.cidr(raw).ok).toBe(false);
    },
  );

  it('a list may be empty only where that means something', () => {
    expect(value(readers.list(readers.cidr), ' , ')).toBe('refused: must name at least one');
    expect(value(readers.list(readers.cidr, true), '')).toEqual([]);
  });
});
