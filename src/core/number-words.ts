/** Digits as words, in the languages that phone agents speak most. */
const numberWords: ReadonlySet<string> = new Set(
  (
    'zero oh one two three four five six seven eight nine ' +
    'null eins zwei zwo drei vier fünf sechs sieben acht neun ' +
    'cero uno dos tres cuatro cinco seis siete ocho nueve ' +
    'zéro un deux trois quatre cinq sept huit neuf ' +
    'due tre quattro cinque sei sette otto nove ' +
    'um dois três quatro seis oito ' +
    'nul een twee drie vijf zes zeven negen'
  ).split(' '),
);

const anyNumberWord = new RegExp([...numberWords].sort((a, b) => b.length - a.length).join('|'), 'gi');

/** Fewer digits or number words than this are no code and no recognisable part of one. */
export const fewestDigits = 3;

/** Whether a text spells digits enough for a code, also with nothing between them ("fourseventwo"). Rather too often. */
export const spellsDigits = (text: string): boolean =>
  (text.match(anyNumberWord)?.length ?? 0) >= fewestDigits;
