/** As the draft of the IETF has it (draft-ietf-httpapi-idempotency-key-header), in quotes, or without as most write it. */
const shape = /^(?:"([\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255}))$/;

/** The key under which something is to be done once; undefined where none is given, false where what is given is none. */
export function idempotencyKey(header: string | readonly string[] | undefined): string | undefined | false {
  if (header === undefined) return undefined;
  const match = shape.exec(String(header).trim());
  return match === null ? false : (match[1] ?? match[2]);
}

export const wrongIdempotencyKey =
  'Idempotency-Key has 1 to 255 printable ASCII characters without spaces and quotes, like a UUID, and comes once.';
