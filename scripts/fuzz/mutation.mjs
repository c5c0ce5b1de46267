// Random changes to bytes, from one number that makes a whole run repeatable.

/** A random number generator of 32 bits (xorshift). */
export function randomFrom(seed) {
  let state = seed | 0 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return { below: limit => (limit > 0 ? next() % limit : 0), pick: list => list[next() % list.length] };
}

/** Longest input, bytes. */
const longest = 8_192;

const interesting = [0, 1, 9, 10, 13, 32, 34, 37, 44, 48, 57, 58, 59, 60, 62, 64, 92, 127, 128, 255];

const edits = [
  (bytes, random) => {
    const at = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(32))]);
  },
  (bytes, random) => {
    const from = random.below(bytes.length);
    const piece = bytes.subarray(from, from + 1 + random.below(64));
    return inserted(bytes, random.below(bytes.length + 1), piece);
  },
  (bytes, random) => {
    const changed = Buffer.from(bytes);
    if (changed.length > 0) changed[random.below(changed.length)] = random.below(256);
    return changed;
  },
  (bytes, random) => {
    const changed = Buffer.from(bytes);
    if (changed.length > 0) changed[random.below(changed.length)] = random.pick(interesting);
    return changed;
  },
  (bytes, random) => {
    const changed = Buffer.from(bytes);
    if (changed.length > 0) changed[random.below(changed.length)] ^= 1 << random.below(8);
    return changed;
  },
  (bytes, random, { dictionary }) =>
    inserted(bytes, random.below(bytes.length + 1), Buffer.from(random.pick(dictionary))),
  (bytes, random, { dictionary }) => {
    const piece = Buffer.from(random.pick(dictionary));
    const at = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + piece.length)]);
  },
  (bytes, random, { corpus }) => {
    const other = random.pick(corpus);
    return Buffer.concat([
      bytes.subarray(0, random.below(bytes.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ]);
  },
];

function inserted(bytes, at, piece) {
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
}

/** One to eight edits of one of the corpus. */
export function mutant(random, material) {
  let bytes = random.pick(material.corpus);
  for (let left = 1 + random.below(8); left > 0; left--) bytes = random.pick(edits)(bytes, random, material);
  return bytes.length > longest ? bytes.subarray(0, longest) : bytes;
}
