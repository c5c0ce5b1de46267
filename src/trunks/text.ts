// C0, DEL, C1 and the two separators of Unicode: some reader behind us would take each of them for the end of a line.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
const unclean = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/**
 * A header's value as it may be passed on, or undefined when it may not: empty, longer than `limit` bytes, or with a
 * control character. A tab is white space (RFC 3261 section 25.1) and becomes a space.
 */
export function cleanValue(value: string, limit: number): string | undefined {
  const text = value.replaceAll('\t', ' ').trim();
  if (text === '' || unclean.test(text) || Buffer.byteLength(text) > limit) return undefined;
  return text;
}
