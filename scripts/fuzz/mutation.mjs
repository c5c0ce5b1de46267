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
  // What is written in lines is changed by whole lines too: a piece in the middle of one rarely means anything.
  (bytes, random, { dictionary }) =>
    inserted(bytes, lineStart(bytes, random), Buffer.from(random.pick(dictionary))),
  (bytes, random, { corpus }) => {
    const other = random.pick(corpus);
    return inserted(bytes, lineStart(bytes, random), lineAt(other, lineStart(other, random)));
  },
  (bytes, random) => {
    const at = lineStart(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + lineAt(bytes, at).length)]);
  },
];

/** Where a line begins; anywhere in what has no lines. */
function lineStart(bytes, random) {
  const from = random.below(bytes.length + 1);
  const before = bytes.lastIndexOf(10, from - 1);
  return bytes.includes(10) ? before + 1 : from;
}

/** The line that begins there, its end with it. */
function lineAt(bytes, at) {
  const end = bytes.indexOf(10, at);
  return bytes.subarray(at, end < 0 ? bytes.length : end + 1);
}

function inserted(bytes, at, piece) {
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
}

/** Those that were kept last: each half of the time one of them is changed further, for the next step begins where they are. */
const newest = 8;

function chosen({ corpus }, random) {
  const old = corpus.length - newest;
  return old > 0 && random.below(2) === 0 ? corpus[old + random.below(newest)] : random.pick(corpus);
}

/** One, two, four or eight edits of one of the corpus: most of what many edits make is refused at once. */
export function mutant(random, material) {
  let bytes = chosen(material, random);
  for (let left = 1 << random.below(4); left > 0; left--) bytes = random.pick(edits)(bytes, random, material);
  return bytes.length > longest ? bytes.subarray(0, longest) : bytes;
}
