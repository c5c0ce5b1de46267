/** Words for the digits, by value, without accents: the languages of `core/number-words`. */
const words: readonly string[] = [
  'zero oh null cero nul',
  'one eins uno un um een une',
  'two zwei zwo dos deux due dois twee',
  'three drei tres trois tre drie',
  'four vier cuatro quatre quattro quatro',
  'five funf fuenf cinco cinq cinque vijf',
  'six sechs seis sei zes',
  'seven sieben siete sept sette sete zeven',
  'eight acht ocho huit otto oito',
  'nine neun nueve neuf nove negen',
];

export const numberWordValues: ReadonlyMap<string, string> = new Map(
  words.flatMap((line, value) => line.split(' ').map(word => [word, String(value)] as const)),
);
