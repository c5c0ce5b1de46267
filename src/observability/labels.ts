/** How many different values one label may take before the rest share `other`: a peer must not be able to grow memory. */
export const labelLimit = 48;

/**
 * Keeps the values of one label few and plain. Some of them were chosen by a peer (the name of a tool, for instance):
 * anything beyond `limit` values, or that is not a short word, becomes `other`.
 */
export function boundedLabel(limit: number = labelLimit): (value: string) => string {
  const seen = new Set<string>();
  return value => {
    if (seen.has(value)) return value;
    if (seen.size >= limit || !/^[\w.:-]{1,64}$/.test(value) || /\d{5,}/.test(value)) return 'other';
    seen.add(value);
    return value;
  };
}
