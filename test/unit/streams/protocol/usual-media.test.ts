import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { JsonScan } from '../../../../src/core/json-scan.ts';
import { StreamReader } from '../../../../src/streams/protocol/reader.ts';

const sid = 'MZ00000000000000000000000000000001';
const payload = Buffer.from(Array.from({ length: 160 }, (_, i) => (i * 7) & 0xff)).toString('base64');

/** A message as Twilio writes it, in the pieces that may be changed in it. */
const usual = [
  '{"event":',
  '"media"',
  ',"sequenceNumber":',
  '"3"',
  ',"media":{',
  '"track":"inbound"',
  ',"chunk":',
  '"2"',
  ',"timestamp":',
  '"40"',
  ',"payload":',
  `"${payload}"`,
  '}',
  ',"streamSid":',
  `"${sid}"`,
  '}',
];
const others = fc.constantFrom(
  ...usual,
  '',
  ' ',
  '\n',
  ',',
  '{',
  '"',
  '\\',
  '"02"',
  '"-1"',
  '""',
  '"1e3"',
  '"9007199254740993"',
  '40',
  '"AAAA"',
  '"AA=="',
  '"AAA"',
  '"A"',
  '"AA*A"',
  '"AAAA\\"',
  '"outbound"',
  '"track":"outbound"',
  '"start"',
  '"é"',
);

const fast = new StreamReader();
const slow = new StreamReader();

/** What the fast way takes as sound is the same sound to the slow one; tells whether it took it. */
function same(data: Buffer, from = 0, to = data.length): boolean {
  const taken = fast.quick(data, from, to);
  const message = slow.read(data.subarray(from, to));
  if (taken) {
    expect(message).toEqual({ event: 'media' });
    expect(Buffer.from(fast.sound)).toEqual(Buffer.from(slow.sound));
    expect([fast.timestampMs, fast.chunk]).toEqual([slow.timestampMs, slow.chunk]);
  }
  return taken;
}

describe('sound as Twilio writes it', () => {
  it('is taken wherever it lies, and nothing around it is looked at', () => {
    const text = Buffer.from(usual.join(''));
    for (const [before, behind] of [
      ['', ''],
      ['{"', '"}'],
      ['x', ' '],
    ] as const) {
      const data = Buffer.concat([Buffer.from(before), text, Buffer.from(behind)]);
      expect(same(data, before.length, before.length + text.length)).toBe(true);
      expect([fast.timestampMs, fast.chunk, fast.sound.length]).toEqual([40, 2, 160]);
    }
  });

  it('is taken without looking for its keys, which any other order is looked through for', () => {
    const keys = vi.spyOn(JsonScan.prototype, 'key');
    expect(fast.quick(Buffer.from(usual.join('')), 0, usual.join('').length)).toBe(true);
    expect(keys).not.toHaveBeenCalled();
    const { event, ...others } = JSON.parse(usual.join('')) as { event: string };
    expect(same(Buffer.from(JSON.stringify({ ...others, event })))).toBe(true);
    expect(keys).toHaveBeenCalled();
    keys.mockRestore();
  });

  it('is not taken before all of it is there', () => {
    const text = Buffer.from(usual.join(''));
    for (let to = 0; to < text.length; to++) expect(same(text, 0, to)).toBe(false);
  });

  it('is the same as read slowly when its parts are others, double, or not there', () => {
    const edit = fc.record({ at: fc.nat(usual.length - 1), part: others, more: fc.boolean() });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 3 }), edits => {
        const parts = [...usual];
        for (const { at, part, more } of edits) parts[at] = more ? `${parts[at]}${part}` : part;
        same(Buffer.from(parts.join('')));
      }),
      { numRuns: 3000 },
    );
  });

  it('is the same as read slowly when any of its bytes is another', () => {
    const text = Buffer.from(usual.join(''));
    const values = ['"', '\\', '=', 'A', '0', ' ', '}', '\0', 'ÿ'].map(each => each.charCodeAt(0));
    for (let at = 0; at < text.length; at++) {
      for (const value of values) {
        const data = Buffer.from(text);
        data[at] = value;
        same(data);
      }
    }
  });

  it('is sound of any length, one after the other', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), bytes => {
        const parts = [...usual];
        parts[11] = JSON.stringify(Buffer.from(bytes).toString('base64'));
        expect(same(Buffer.from(parts.join('')))).toBe(true);
        expect(Buffer.from(fast.sound)).toEqual(Buffer.from(bytes));
      }),
    );
  });
});
