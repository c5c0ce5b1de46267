import fc from 'fast-check';

/** How many cases each property gets; a run before a release sets FUZZ_RUNS far higher. */
export const runs = Number(process.env['FUZZ_RUNS'] ?? (process.env['CI'] ? 20_000 : 3_000));
export const settings = { numRuns: runs, seed: Number(process.env['FUZZ_SEED'] ?? 3261) };

interface Edit {
  readonly kind: 'cut' | 'copy' | 'insert' | 'octet';
  readonly at: number;
  readonly length: number;
  readonly piece: string;
  readonly octet: number;
}

function applied(text: Buffer, edit: Edit): Buffer {
  const at = edit.at % (text.length + 1);
  const before = text.subarray(0, at);
  const behind = text.subarray(at);
  if (edit.kind === 'cut') return Buffer.concat([before, behind.subarray(edit.length)]);
  if (edit.kind === 'copy') return Buffer.concat([before, behind.subarray(0, edit.length), behind]);
  if (edit.kind === 'insert') return Buffer.concat([before, Buffer.from(edit.piece), behind]);
  return Buffer.concat([before, Buffer.from([edit.octet]), behind.subarray(1)]);
}

/** One of `corpus` after up to six edits; `dictionary` holds pieces that mean something in the language at hand. */
export function mutated(corpus: readonly string[], dictionary: readonly string[]): fc.Arbitrary<Buffer> {
  const edit = fc.record<Edit>({
    kind: fc.constantFrom('cut', 'copy', 'insert', 'insert', 'octet'),
    at: fc.nat(2_000),
    length: fc.integer({ min: 1, max: 60 }),
    piece: fc.constantFrom(...dictionary),
    octet: fc.nat(255),
  });
  return fc
    .tuple(fc.constantFrom(...corpus), fc.array(edit, { maxLength: 6 }))
    .map(([text, edits]) => edits.reduce(applied, Buffer.from(text)));
}
