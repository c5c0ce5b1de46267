import { describe, expect, it } from 'vitest';
import { spokenDigits } from '../../../src/core/spoken-digits.ts';

describe('the digits that a text says', () => {
  it.each([
    ['456789', 6],
    ['4-5-6-7', 4],
    ['45 67 89', 6],
    ['4, 5, 6, then 7', 4],
    ['(45) 67/89', 6],
    ['４５６', 3],
    ['①②③', 3],
    ['٤٥٦', 3],
    ['four five six seven eight nine', 6],
    ['Four. Five. Six.', 3],
    ['fourfivesix', 3],
    ['four O five oh six', 5],
    ['double five, triple seven', 5],
    ['double oh seven', 3],
    ['forty-five sixty-seven eighty-nine', 6],
    ['twenty thirty forty', 6],
    ['twelve thirteen fourteen', 6],
    ['four hundred and fifty-six', 4],
    ['vier fünf sechs sieben', 4],
    ['vier fu\u0308nf sechs', 3],
    ['fünfundvierzig siebenundsechzig neunundachtzig', 6],
    ['FUENF ZWO DREISSIG', 4],
    ['dreißig, sechzehn', 4],
    ['vierhundertfünfundsechzig', 4],
    ['ein und zwanzig', 3],
    ['cuatro cinco seis siete', 4],
    ['cuarenta y cinco, sesenta y siete', 4],
    ['veintiuno, dieciséis', 4],
    ['once doce trece', 5],
    // Four digits as they are written, but nobody can tell from 4, 20, 12, 60 and 11: rather too many.
    ['quatre-vingt-douze, soixante et onze', 9],
    ['zéro un deux', 3],
    ['quarantacinque sessantotto', 4],
    ['um dois três', 3],
    ['vijfenveertig, zesentachtig', 4],
    ['jeden dwa pięć', 3],
  ])('in %s are %i', (text, digits) => {
    expect(spokenDigits(text)).toBe(digits);
  });

  it.each([
    '',
    'I have 2 questions.',
    'One moment, please, I will look that up for you once more.',
    'The code was sent to the number ending in 23.',
    'Four tries are left. Ask the caller to read the code again.',
    'Un instant, je vous envoie un code à usage unique, un message arrive.',
    'Einen Moment, ich sende Ihnen eine Nachricht mit einem Code.',
    'Un momento, le envío una clave de un solo uso.',
    'Thank you, that is everyone; someone will undo it.',
    'The rent is due often, and the tent is even tense.',
  ])('are fewer than a piece of a code has in what is said anyway: %s', text => {
    expect(spokenDigits(text)).toBeLessThan(3);
  });

  it('are found in bounded time in a word without end', () => {
    const begun = performance.now();
    spokenDigits(`${'seisseteonze'.repeat(4)} ${'un'.repeat(100_000)} ${'sei'.repeat(15)}x`);
    expect(performance.now() - begun).toBeLessThan(1000);
  });
});
