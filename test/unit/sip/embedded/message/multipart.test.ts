import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundaryOf, parseMultipart } from '../../../../../src/sip/embedded/message/multipart.ts';

const text = (...lines: string[]) => Buffer.from(lines.join('\r\n'));

describe('the boundary of a multipart body', () => {
  it.each([
    ['multipart/mixed;boundary=one', 'one'],
    ['multipart/mixed; charset=x; boundary="a b"', 'a b'],
    ['multipart/mixed', undefined],
    ['multipart/mixed;boundary=', undefined],
    ['multipart/mixed;boundary=""', undefined],
    [`multipart/mixed;boundary=${'x'.repeat(71)}`, undefined],
  ])('of %s is found', (type, expected) => {
    expect(boundaryOf(type)).toBe(expected);
  });
});

describe('a multipart body', () => {
  it('is taken apart octet for octet, with what stands around it left out', () => {
    const body = Buffer.concat([
      text('preamble', '--b  ', 'Content-Type: application/sdp', 'X-y:  z ', '', 'v=0', '', ''),
      text('--b', '', '\0\x01\xff--b', '--b-- epilogue'),
    ]);
    const parts = parseMultipart(body, 'b');
    expect(parts?.map(part => part.body.toString())).toEqual(['v=0\r\n', '\0\x01\xff--b']);
    expect(parts?.[0]?.headers.get('content-type')).toBe('application/sdp');
    expect(parts?.[0]?.headers.get('X-y')).toBe('z');
    expect(parts?.[1]?.headers.size).toBe(0);
  });

  it.each([
    ['is not closed', text('--b', '', 'x', '')],
    ['has no part', text('--b--')],
    ['has none of its delimiters', text('hello')],
    ['has its delimiter only inside of lines', text('x--b', '', 'y--b--')],
    ['has a header without a name', text('--b', ': x', '', '', '--b--')],
    ['has no end of its headers', text('--b', 'A: x', '--b--')],
    ['has more than eight parts', text(...Array(9).fill('--b\r\n\r\nx'), '--b--')],
    ['has too many headers', text('--b', ...Array(17).fill('A: x'), '', 'x', '--b--')],
    ['has other text behind a delimiter', text('--bc', '', 'x', '--b--')],
  ])('that %s is none', (_title, body) => {
    expect(parseMultipart(body, 'b')).toBeUndefined();
  });
});

describe('any bytes at all', () => {
  it('are a list of parts or none, and never more than what came', () => {
    const piece = fc.constantFrom('--b', '--b--', '\r\n', '\r\n\r\n', 'A: x', ':', '-', 'b', ' ', '\0');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), pieces => {
        const body = Buffer.from(pieces.join(''));
        const parts = parseMultipart(body, 'b') ?? [];
        expect(parts.length).toBeLessThanOrEqual(8);
        expect(parts.reduce((sum, part) => sum + part.body.length, 0)).toBeLessThanOrEqual(body.length);
      }),
      { numRuns: 3_000 },
    );
  });
});
