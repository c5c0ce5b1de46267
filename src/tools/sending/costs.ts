import type { Money } from '../../core/tool-facts.ts';
import type { Send } from './gate.ts';

/** What one piece costs: a segment of an SMS, one message, one lookup, one call. */
export interface Price {
  /** `sms`, `mms`, `whatsapp`, `verify`, `lookup`, `lookup_caller_name` … */
  readonly item: string;
  /** Beginning of the recipient's number; empty: everywhere else. */
  readonly prefix: string;
  /** Millionths of the currency. */
  readonly micros: number;
}
export type CostTable = readonly Price[];

/** Estimates on the high side: Twilio's prices differ by country and change. */
export const defaultCosts: CostTable = [
  { item: 'sms', prefix: '', micros: 100_000 },
  { item: 'sms', prefix: '+1', micros: 12_000 },
  { item: 'mms', prefix: '', micros: 40_000 },
  { item: 'whatsapp', prefix: '', micros: 150_000 },
  { item: 'verify', prefix: '', micros: 150_000 },
  { item: 'lookup', prefix: '', micros: 10_000 },
  // A call that a program of the operator makes, however long it gets.
  { item: 'call', prefix: '', micros: 300_000 },
  { item: 'call', prefix: '+1', micros: 50_000 },
];

/** What is taken for something that no table knows. */
const unknownMicros = 150_000;

/** What one piece costs: by the longest beginning of the number, `lookup_caller_name` else as `lookup`. */
export function priceOf(item: string, number: string, costs: CostTable): number {
  const found = costs
    .filter(price => price.item === item && number.startsWith(price.prefix))
    .sort((a, b) => b.prefix.length - a.prefix.length)[0];
  if (found !== undefined) return found.micros;
  const cut = item.lastIndexOf('_');
  return cut < 0 ? unknownMicros : priceOf(item.slice(0, cut), number, costs);
}

/** What a send is expected to cost. */
export function costOf(
  { kind, to, text }: Pick<Send, 'kind' | 'to' | 'text'>,
  { costs, currency }: { readonly costs: CostTable; readonly currency: string },
): Money {
  const pieces = kind === 'sms' ? segmentsOf(text) : 1;
  return { micros: pieces * priceOf(kind, to, costs), currency };
}

const gsm = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿' +
    'abcdefghijklmnopqrstuvwxyzäöñüà',
);
const gsmTwice = new Set('\f^{}\\[~]|€');

/** Messages that a text is cut into (3GPP TS 23.038): 160 of GSM-7 or 70 of UCS-2, fewer where they are joined. */
export function segmentsOf(text: string): number {
  let septets = 0;
  for (const character of text) {
    if (gsm.has(character)) septets += 1;
    else if (gsmTwice.has(character)) septets += 2;
    else return text.length <= 70 ? 1 : Math.ceil(text.length / 67);
  }
  return septets <= 160 ? 1 : Math.ceil(septets / 153);
}
