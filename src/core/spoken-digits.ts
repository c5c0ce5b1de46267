/**
 * How many digits a text says, however they are written or spoken: "456", "4-5-6", "four five six", "fünfundvierzig",
 * "double seven". For what must not be kept: what is ambiguous counts.
 */

const words = (text: string): readonly string[] => text.split(' ');

/** Words of the languages that phone agents speak most, without their accents. */
const units = words(
  'zero oh one two three four five six seven eight nine ' +
    'null eins zwei zwo drei vier funf fuenf sechs sieben acht neun ' +
    'cero uno dos tres cuatro cinco seis siete ocho nueve ' +
    'deux trois quatre cinq sept huit neuf ' +
    'tre quattro cinque sette otto nove dois duas quatro oito ' +
    'nul twee drie vijf zes zeven negen ' +
    'jeden jedna dwa dwie trzy cztery piec szesc siedem osiem dziewiec ' +
    'noll ett tva fyra fem sex sju atta nio',
);
/** They count where a number stands beside them: elsewhere they are articles and other words of some language. */
const doubtful = words('un une um uma een ein eine una due sei o');
const pairs = words(
  'ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen ' +
    'zehn elf zwolf zwoelf dreizehn vierzehn funfzehn fuenfzehn sechzehn siebzehn achtzehn neunzehn ' +
    'diez doce trece catorce quince dieciseis diecisiete dieciocho diecinueve ' +
    'dix onze douze treize quatorze quinze seize ' +
    'dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove ' +
    'dez doze quatorze quinze dezesseis dezessete dezoito dezenove ' +
    'tien elf twaalf dertien veertien vijftien zestien zeventien achttien negentien',
);
/** With a unit behind or before they are two digits with it, else two with their zero. */
const tens = words(
  'twenty thirty forty fourty fifty sixty seventy eighty ninety ' +
    'zwanzig dreissig dreizig vierzig funfzig fuenfzig sechzig siebzig achtzig neunzig ' +
    'veinte veinti treinta cuarenta cincuenta sesenta setenta ochenta noventa ' +
    'vingt vingts trente quarante cinquante soixante septante huitante nonante ' +
    'venti vent trenta trent quaranta quarant cinquanta cinquant sessanta sessant settanta settant ottanta ottant novanta novant ' +
    'vinte trinta quarenta cinquenta sessenta setenta oitenta noventa ' +
    'twintig dertig veertig vijftig zestig zeventig tachtig negentig',
);
const hundreds = words(
  'hundred hundert cien ciento cent cents cento cem honderd thousand tausend mil mille duizend',
);
const joiners = words('and und y e et en');
const repeats: ReadonlyMap<string, number> = new Map([
  ...words('double doppel doppelt doble doppio duplo dubbel').map(word => [word, 2] as const),
  ...words('triple dreifach triplo tripel').map(word => [word, 3] as const),
]);

type Kind = 'unit' | 'doubtful' | 'pair' | 'ten' | 'hundred' | 'joiner';
const kinds: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ...joiners.map(word => [word, 'joiner'] as const),
  ...doubtful.map(word => [word, 'doubtful'] as const),
  ['once', 'doubtful'],
  ...hundreds.map(word => [word, 'hundred'] as const),
  ...tens.map(word => [word, 'ten'] as const),
  ...pairs.map(word => [word, 'pair'] as const),
  ...units.map(word => [word, 'unit'] as const),
]);

const longestFirst = [...kinds.keys()].sort((a, b) => b.length - a.length);
/** Longer words than this are no numbers that anybody says. */
const longestWord = 48;

/** What stands at one place of a text: a number word, a digit, something that says the next one again, or anything else. */
type Item = Kind | 'digit' | 'other' | number;

/** Digits that a text says. */
export function spokenDigits(text: string): number {
  const items = [
    ...text
      .normalize('NFKC')
      .toLowerCase()
      .normalize('NFD')
      .replace(/\p{M}/gu, '')
      .replace(/ß/g, 'ss')
      .matchAll(/\p{L}+|\p{Nd}/gu),
  ].flatMap(([token]) => itemsOf(token));
  let digits = 0;
  let again = 1;
  items.forEach((item, at) => {
    digits += worth(items, at) * again;
    if (item !== 'joiner') again = typeof item === 'number' ? item : 1;
  });
  return digits;
}

function itemsOf(token: string): readonly Item[] {
  if (/\p{Nd}/u.test(token)) return ['digit'];
  const again = repeats.get(token);
  if (again !== undefined) return [again];
  const kind = kinds.get(token);
  return kind === undefined ? (compound(token) ?? ['other']) : [kind];
}

/** The number words that a longer one is made of ("siebenundsechzig", "fourseventwo"); undefined when anything is left over. */
function compound(token: string): Kind[] | undefined {
  if (token.length > longestWord) return undefined;
  const dead = new Set<number>();
  const from = (at: number): Kind[] | undefined => {
    if (at === token.length) return [];
    if (dead.has(at)) return undefined;
    for (const word of longestFirst) {
      if (!token.startsWith(word, at)) continue;
      const rest = from(at + word.length);
      if (rest !== undefined) return [kinds.get(word) as Kind, ...rest];
    }
    dead.add(at);
    return undefined;
  };
  const parts = from(0);
  // "een", "eye", "undo": joiners and doubtful words alone make no number.
  return parts?.some(kind => kind !== 'joiner' && kind !== 'doubtful') === true ? parts : undefined;
}

/** Digits that the item at this place adds. */
function worth(items: readonly Item[], at: number): number {
  const before = beside(items, at, -1);
  switch (items[at]) {
    case 'digit':
    case 'hundred':
      return 1;
    case 'pair':
      return 2;
    // "forty five" is two digits, and so is "fünfundvierzig".
    case 'unit':
      return before === 'ten' && !isUnitFirst(items, at + 2) && !isUnitFirst(items, at - 1) ? 0 : 1;
    case 'ten':
      return isUnitFirst(items, at) ? 1 : 2;
    case 'doubtful':
      return before !== 'ten' && (isNumber(before) || isNumber(beside(items, at, 1))) ? 1 : 0;
    default:
      return 0;
  }
}

/** Whether the ten at this place comes behind its unit, as in German and Dutch. */
const isUnitFirst = (items: readonly Item[], at: number): boolean =>
  items[at] === 'ten' && items[at - 1] === 'joiner' && items[at - 2] === 'unit';

/** The next item on that side that is no joiner. */
function beside(items: readonly Item[], at: number, step: 1 | -1): Item | undefined {
  let place = at + step;
  while (items[place] === 'joiner') place += step;
  return items[place];
}

const isNumber = (item: Item | undefined): boolean =>
  item !== undefined && item !== 'other' && item !== 'joiner';
