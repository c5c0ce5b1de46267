/** Longest text whose result is kept. */
const longest = 512;

/**
 * A pure function of a text that remembers its last results, at least `most` and at most twice as many. For what is read
 * over and over: a message's addresses are looked at from six places, and those of a call come again with each message.
 * Results are shared, so nobody may change them.
 */
export function remembered<T>(read: (text: string) => T, most: number): (text: string) => T {
  let young = new Map<string, T>();
  let old = new Map<string, T>();
  return text => {
    if (text.length > longest) return read(text);
    const kept = young.get(text);
    if (kept !== undefined) return kept;
    const result = old.get(text) ?? read(text);
    if (young.size >= most) {
      old = young;
      young = new Map();
    }
    young.set(text, result);
    return result;
  };
}
