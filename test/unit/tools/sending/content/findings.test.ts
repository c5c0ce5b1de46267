import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCard, luhn } from '../../../../../src/tools/sending/content/cards.ts';
import { contentDecision, findingsIn } from '../../../../../src/tools/sending/content/findings.ts';
import { longestText } from '../../../../../src/tools/sending/content/scanned-text.ts';
import { defaultSendingPolicy, type FindingKind } from '../../../../../src/tools/sending/policy.ts';

const found = (text: string, domains: readonly string[] = ['example.com']) => findingsIn({ text }, domains);

const full = (text: string) =>
  [...text].map(c => (c > ' ' && c <= '~' ? String.fromCodePoint(c.charCodeAt(0) + 0xfee0) : c)).join('');

/** Each row: what is found in a text, and nothing else. */
const table: readonly (readonly [FindingKind, string])[] = [
  ['card', 'card 4111 1111 1111 1111, thanks'],
  ['card', 'card 4111-1111-1111-1111'],
  ['card', '4111111111111111'],
  ['card', '378282246310005'],
  ['card', 'it is 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1'],
  ['card', 'x5555.5555.5555.4444'],
  ['card', '2223 0031 2200 3222'],
  ['card', '6011000990139424'],
  ['card', '30569309025904'],
  ['card', '3530111333300000'],
  ['card', 'ref 004111111111111111'],
  ['card', 'four one one one one one one one one one one one one one one one'],
  ['card', 'vier eins eins eins eins eins eins eins eins eins eins eins eins eins eins eins'],
  ['card', '٤١١١ ١١١١ ١١١١ ١١١١'],
  ['card', '④①①①①①①①①①①①①①①①'],
  ['card', '➍➊➊➊➊➊➊➊➊➊➊➊➊➊➊➊'],
  ['card', '4️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣'],
  ['card', '𝟒𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏'],
  ['card', '4l11 1111 1I11 1111'],
  ['iban', 'IBAN DE89 3704 0044 0532 0130 00'],
  ['iban', 'GB82WEST12345698765432'],
  ['iban', 'fr14 2004 1010 0505 0001 3m02 606'],
  ['iban', 'D\u200bE8937040044053201\u20603000'],
  ['national_id', 'my SSN is 078-05-1120'],
  ['national_id', 'social security 078051120'],
  ['national_id', 'Steuer-ID 86 095 742 719'],
  ['national_id', 'dni 12345678Z'],
  ['national_id', 'NIE X1234567L'],
  ['national_id', 'NINO QQ123456C'.replace('QQ', 'AB')],
  ['national_id', 'NIR 2 55 08 14 168 025 38'],
  ['national_id', 'codice RSSMRA85T10A562S'],
  ['secret', 'key sk_live_4eC39HqLyjWDarjtT1zdp7dc'],
  ['secret', 'AKIAIOSFODNN7EXAMPLE'],
  ['secret', '-----BEGIN RSA PRIVATE KEY-----'],
  ['secret', 'Authorization: Bearer abcdef0123456789'],
  ['secret', 'your password is Tr0ub4dor&3'],
  ['secret', 'Passwort: sommer'],
  ['secret', 'mot de passe : soleil'],
  ['secret', 'pаssword: hunter'],
  ['secret', 'token 0123456789abcdef0123456789abcdef'],
  ['secret', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc'],
  ['secret', full('password: hunter')],
  ['code', 'Your code is 482913'],
  ['code', 'Ihr Einmalcode lautet 48 29 13'],
  ['code', 'Su código es 4829'],
  ['code', 'OTP: ４８２９１３'],
  ['code', 'G-482913 is your verification number'],
  ['code', '482913'],
  ['code', 'the pin four eight two nine'],
  ['link', 'see https://evil.test/x'],
  ['link', 'see evil.com'],
  ['link', 'see HXXPS://evil.org'],
  ['link', 'see www.evil.example'],
  ['link', 'see evil[.]com'],
  ['link', 'see ｅｖｉｌ．ｃｏｍ'],
  ['link', 'see evil。com'],
  ['link', 'see https://example.com@evil.org/'],
  ['link', 'see https://evil.org\\@example.com'],
  ['link', 'see https://example.com.evil.org'],
  ['link', 'see https://notexample.com'],
  ['link', 'see https://exаmple.com'],
  ['link', 'see https://exa\u200bmple.com'],
  ['link', 'see ev\u200bil.com'],
  ['link', 'see http://10.0.0.1/'],
  ['link', 'see bit.ly/3xYz'],
];

describe('what is found in a text that is to leave', () => {
  it.each(table)('is a %s: %s', (kind, text) => expect(found(text)).toEqual([kind]));

  it.each([
    'Your table for 4 is booked for 19:30 on 24.12.2026.',
    'Call us at +1 415 555 0123 or (415) 555-0199.',
    'Order 20261129-4711 has left. It weighs 12.5 kg, e.g. as a parcel.',
    'The total is EUR 1,234.56 for 2 nights.',
    'See https://example.com/a?b=1, www.example.com and shop.example.com.',
    'Write to info@evil.org.',
    'Our zip code 94105 is near.',
    'I will send the password reset tomorrow.',
    'one two three go',
    '',
  ])('is nothing: %s', text => expect(found(text)).toEqual([]));

  it('is a link when a picture comes from elsewhere', () => {
    const media = ['https://example.com/a.png'];
    expect(findingsIn({ text: '', media }, ['example.com'])).toEqual([]);
    expect(findingsIn({ text: '', media }, [])).toEqual(['link']);
  });

  it('is taken for a secret when it is too long to be looked at', () => {
    expect(found('a'.repeat(longestText + 1))).toEqual(['secret']);
  });
});

/** What may stand between two digits without changing what a person reads. */
const noise = fc.constantFrom(
  '',
  '',
  ' ',
  '-',
  '.',
  '\u200b',
  '\u200d',
  '\u00ad',
  ' - ',
  '\u2009',
  '·',
  '/',
  '\u2060',
  '_',
  ',',
  '👍',
  '\n',
);
const digitForms = ['0', '\uff10', '\u0660', '\u06f0', '\u0966', '\u{1d7ce}', '\u{1d7d8}', '\u1bb0'];
const digitForm = fc.constantFrom(...digitForms);

function checked(digits: string): string {
  for (let last = 0; last < 10; last += 1) if (luhn(digits + last)) return digits + last;
  throw new Error('one of ten always fits');
}

const issued = fc.oneof(
  fc.tuple(fc.constant('4'), fc.constant(16)),
  fc.tuple(fc.constantFrom('51', '55', '2221', '2720'), fc.constant(16)),
  fc.tuple(fc.constantFrom('34', '37'), fc.constant(15)),
  fc.tuple(fc.constantFrom('6011', '65', '62'), fc.constant(16)),
);
const card = fc
  .tuple(issued, fc.stringMatching(/^[0-9]{16}$/))
  .map(([[prefix, length], rest]) => checked((prefix + rest).slice(0, length - 1)));

const dressed = (value: fc.Arbitrary<string>) =>
  value.chain(text =>
    fc
      .tuple(...[...text].map(c => fc.tuple(fc.constant(c), digitForm, noise)))
      .map(parts =>
        parts
          .map(
            ([c, form, between]) =>
              (c >= '0' && c <= '9' ? String.fromCodePoint((form.codePointAt(0) ?? 48) + Number(c)) : c) +
              between,
          )
          .join(''),
      ),
  );

/** Words without digits or dots: they can neither be nor undo a finding. */
const words = fc
  .array(fc.constantFrom('please', 'take', 'this', 'thanks', 'für', 'мир', '你好'), { maxLength: 6 })
  .map(all => all.join(' '));

describe('disguises', () => {
  it('hide no card: other digits, signs and invisible characters between them', () => {
    fc.assert(
      fc.property(dressed(card), words, words, (number, before, after) => {
        expect(found(`${before} ${number} ${after}`)).toContain('card');
      }),
      { numRuns: 500 },
    );
  });

  it('hide no IBAN', () => {
    const iban = fc.stringMatching(/^[0-9]{18}$/).map(account => {
      const rest = Number(BigInt(`${account}131400`) % 97n);
      return `DE${String(98 - rest).padStart(2, '0')}${account}`;
    });
    fc.assert(
      fc.property(dressed(iban), words, (number, before) => {
        expect(found(`${before} ${number}`)).toContain('iban');
      }),
      { numRuns: 300 },
    );
  });

  it('hide no code of six digits by a word for it', () => {
    fc.assert(
      fc.property(
        dressed(fc.stringMatching(/^[0-9]{6}$/)),
        fc.constantFrom('Your code: ', 'ＯＴＰ ', 'P\u200bIN ', 'Código '),
        (code, name) => {
          expect(found(`${name}${code}`)).toContain('code');
        },
      ),
      { numRuns: 300 },
    );
  });

  it('hide no link, and make none to an allowed domain of one that is not', () => {
    const invisible = fc.constantFrom('', '', '\u200b', '\u2060', '\u00ad', '\ufeff');
    const link = fc.constantFrom('https://evil.org/x', 'evil.org', 'https://example.com.evil.org');
    const hidden = link.chain(text =>
      fc
        .tuple(
          ...[...text].map(c =>
            fc.tuple(fc.boolean(), invisible).map(([wide, gap]) => (wide ? full(c) : c) + gap),
          ),
        )
        .map(parts => parts.join('')),
    );
    fc.assert(
      fc.property(hidden, words, (written, before) => {
        expect(found(`${before} ${written}`)).toContain('link');
      }),
      { numRuns: 300 },
    );
  });

  it('see a card where there is none as seldom as chance has it', () => {
    const wrong = card.map(number => number.slice(0, -1) + ((Number(number.at(-1)) + 1) % 10));
    fc.assert(fc.property(wrong, number => !isCard(number)));
  });
});

describe('the time that looking takes', () => {
  it.each([
    ['digits', '1'],
    ['digits with blanks', '4 '],
    ['letters and digits', 'a1'],
    ['dashes', '-'],
    ['dots', 'a.'],
    ['slashes', 'http://'],
    ['equals signs', 'password='],
    ['number words', 'one '],
    ['begins of keys', '-----BEGIN '],
    ['base64', 'eyJ'],
    ['capitals', 'DE89'],
    ['ligatures', 'ﷺ'],
    ['marks', 'e\u0301'],
  ])('is short for 1,600 characters of %s', (_title, piece) => {
    const text = piece.repeat(Math.ceil(1_600 / piece.length)).slice(0, 1_600);
    const begun = performance.now();
    found(text);
    // Alone it takes milliseconds; a pattern that tries all ways would take hours.
    expect(performance.now() - begun).toBeLessThan(2_000);
  });

  it('grows with the length and not with its square', () => {
    const took = (length: number) => {
      const text = '4 1-'.repeat(length / 4);
      const runs = [1, 2, 3].map(() => {
        const begun = performance.now();
        found(text);
        return performance.now() - begun;
      });
      return Math.min(...runs);
    };
    took(1_600);
    expect(took(6_400)).toBeLessThan(Math.max(50, took(1_600) * 12));
  });
});

describe('what is done about findings', () => {
  const { findings } = defaultSendingPolicy;
  it.each([
    [[], 'pass', undefined],
    [['link'], 'hold', 'link'],
    [['card'], 'refuse', 'card'],
    [['link', 'card', 'code'], 'refuse', 'card'],
    [['link', 'code'], 'hold', 'link+code'],
  ] as const)('goes by the strictest: %j', (kinds, decision, detail) => {
    expect(contentDecision(kinds, findings)).toEqual({
      gate: 'content',
      decision,
      ...(detail && { detail }),
    });
  });

  it('is a flag or nothing where the operator has said so', () => {
    expect(contentDecision(['link'], { ...findings, link: 'flag' })).toMatchObject({ decision: 'flag' });
    expect(contentDecision(['link'], { ...findings, link: 'allow' })).toMatchObject({ decision: 'pass' });
  });
});
