/**
 * A failure that came from outside (a peer, the network, the configuration): it is expected, it is a value that
 * callers branch on by `code`, and `message` says what, where and what to do about it. It never holds a secret, a
 * full number or a code. Broken invariants are plain `Error`s instead: they end the call they happened in.
 *
 * It has no stack: several are made and thrown away in every call, and the stack was most of what they cost.
 */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
  }
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether a system error says that this process, or its machine, has as many files and sockets open as it may. */
export const outOfDescriptors = (code: unknown): boolean => code === 'EMFILE' || code === 'ENFILE';

/** Outcome of something that may fail for reasons outside of this process. */
export type Result<T, F = Failure> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: F };

export const ok = <T>(value: T): Result<T, never> => ({ ok: true, value });
export const fail = <F>(failure: F): Result<never, F> => ({ ok: false, failure });
