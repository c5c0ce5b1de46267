/**
 * Copies the bytes of `src` from `from` up to, not including, `to` to `dst`, from `at` on. A loop, for `subarray` would make an object each
 * time: pieces of sound are short, and V8 makes this fast. A function of its own, so that it reads no field of an object.
 */
export function copyBytes(src: Uint8Array, from: number, to: number, dst: Uint8Array, at: number): void {
  for (let read = from, write = at; read < to; read++, write++) dst[write] = src[read]!;
}
