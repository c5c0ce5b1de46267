import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskArguments, maskNumber, toolName } from '../../../src/core/mask.ts';
import { sightings } from '../../support/leak.ts';

const digitWords = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const wide = (digit: string) => String.fromCodePoint(0xff10 + Number(digit));

/** Ways in which an agent may write digits. */
const writings: readonly ((digits: string) => string)[] = [
  digits => digits,
  digits => [...digits].join(' '),
  digits => [...digits].join('-'),
  digits => [...digits].map(wide).join(''),
  digits => [...digits].map(digit => digitWords[Number(digit)]).join('-'),
  digits => [...digits].map(digit => digitWords[Number(digit)]).join(''),
  digits => `my code is ${digits}.`,
  digits => Buffer.from(digits).toString('base64'),
  digits => encodeURIComponent(`To=${digits}`),
];

const digitsOf = (from: number, to: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: from, maxLength: to }).map(digits => digits.join(''));
const written = (digits: string) => fc.constantFrom(...writings).map(write => write(digits));
const names = fc.constantFrom('To', 'Channel', 'Code', 'note', '__proto__', 'constructor');

/** The secret somewhere among the parameters: as a value, as a name, deep within, or as all of them. */
const holding = (digits: string): fc.Arbitrary<unknown> =>
  written(digits).chain(text =>
    names.chain(name =>
      fc.constantFrom<unknown>(
        { [name]: text },
        { [name]: Number(digits) },
        { [name]: [text] },
        { [name]: [...digits] },
        { [name]: { [name]: text } },
        { [text]: true },
        { [text]: text },
        { Channel: 'sms', [name]: text, last: null },
        [text],
        [...digits],
        text,
        Number(digits),
      ),
    ),
  );

describe('the parameters of a tool as records show them', () => {
  it('never hold a code, wherever and however the agent wrote it', () => {
    fc.assert(
      fc.property(
        digitsOf(4, 10).chain(code => fc.tuple(fc.constant(code), holding(code))),
        ([code, parameters]) => {
          const shown = [{ where: 'record', text: JSON.stringify(maskArguments(parameters)) }];
          expect(sightings(shown, [{ what: 'code', digits: code }])).toEqual([]);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('never hold a telephone number, wherever and however the agent wrote it', () => {
    fc.assert(
      fc.property(
        digitsOf(11, 15).chain(number =>
          fc.tuple(fc.constant(number), fc.oneof(holding(number), fc.constant({ To: `+${number}` }))),
        ),
        ([digits, parameters]) => {
          const shown = [{ where: 'record', text: JSON.stringify(maskArguments(parameters)) }];
          expect(sightings(shown, [{ what: 'number', digits }])).toEqual([]);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('show of what may be a code as little as one that is hidden', () => {
    fc.assert(
      fc.property(digitsOf(4, 10), code => {
        expect(JSON.stringify(maskArguments({ note: code }))).not.toMatch(/\d{2}/);
      }),
    );
  });

  it('do show what helps: words that choose something, and numbers masked', () => {
    expect(maskArguments({ To: '+14155550123', Channel: 'sms', Code: '123456', urgent: true })).toEqual({
      To: '+141******23',
      Channel: 'sms',
      Code: '[hidden]',
      urgent: 'true',
    });
    expect(maskArguments({ reason: 'wants to cancel', department: 'front_desk', n: 3 })).toEqual({
      reason: '[text of 15 characters]',
      department: 'front_desk',
      n: '[number]',
    });
    expect(maskArguments(undefined)).toEqual({});
  });

  it('are bounded however many there are', () => {
    const many = Object.fromEntries(
      Array.from({ length: 500 }, (_, index) => [`p${index}`, 'x'.repeat(9_999)]),
    );
    expect(JSON.stringify(maskArguments(many)).length).toBeLessThan(1_000);
  });
});

describe('the name of a tool that an agent asks for', () => {
  it('is shown when it is one, and never when it spells a code or a number', () => {
    expect(toolName('send_SMS_verification')).toBe('send_SMS_verification');
    expect(toolName('transfer_to_number')).toBe('transfer_to_number');
    for (const name of ['code_123456', 'seven-four-two-nine', 'seventwofour', 'a b']) {
      expect(toolName(name), name).toBe('other');
    }
  });
});

describe('a masked number', () => {
  it('keeps its country and its last two digits, and of six digits or fewer nothing', () => {
    expect(maskNumber('+14155550123')).toBe('+141******23');
    expect(maskNumber('123456')).toBe('******');
  });
});
