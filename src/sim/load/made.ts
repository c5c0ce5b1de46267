/** How a stand-in is made: by a program compiled in place, or in Node and why. */
export type Made =
  | { readonly by: 'compiled'; readonly pid: number }
  | { readonly by: 'node'; readonly why: string };

export const inWords = (made: Made): string =>
  made.by === 'compiled' ? 'compiled' : `in Node (${made.why})`;

/** The processes of a stand-in: the one that starts it, and its program. */
export const pidsOf = (starter: number, made: Made): readonly number[] =>
  made.by === 'compiled' ? [starter, made.pid] : [starter];
