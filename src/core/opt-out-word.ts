const stop: ReadonlySet<string> = new Set([
  'stop',
  'stopall',
  'unsubscribe',
  'cancel',
  'end',
  'quit',
  'revoke',
  'optout',
]);
const start: ReadonlySet<string> = new Set(['start', 'unstop', 'yes']);

/** Longest text that is looked at: the words stand alone. */
const longest = 32;

/**
 * What an inbound message says of further ones, by the words that Twilio goes by: it has to be the whole message, in any
 * case, with or without a dot or blanks around it.
 */
export function optOutWord(text: string): 'stop' | 'start' | undefined {
  if (text.length > longest) return undefined;
  const word = text.toLowerCase().replace(/[^a-z]/g, '');
  if (stop.has(word)) return 'stop';
  return start.has(word) ? 'start' : undefined;
}
