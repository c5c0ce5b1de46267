/** Whether a list has a number: as it is, or by a beginning with a `*` behind. */
export function lists(patterns: readonly string[], number: string): boolean {
  return patterns.some(pattern =>
    pattern.endsWith('*') ? number.startsWith(pattern.slice(0, -1)) : number === pattern,
  );
}
