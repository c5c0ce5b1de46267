/** What kinds of documents there are. */
export type DocumentKind = 'twilio-connection' | 'phone-number';

/** Something that an operator handed over while the daemon runs. */
export interface StoredDocument {
  readonly id: string;
  /** Undefined: no key of `DATA_KEY` opens it. */
  readonly text: string | undefined;
}

export interface DocumentAuthor {
  /** Name of the API key, or of the command. */
  readonly who: string;
  readonly why: string;
}

export interface DocumentChange extends DocumentAuthor {
  readonly id: string;
  /** In a word, such as `rotated`. */
  readonly what: string;
  readonly at: number;
}

export interface NewDocument {
  readonly id: string;
  /** What no other document of the kind may have, for instance its number; only its HMAC is stored. */
  readonly name: string;
  /** Kept sealed. */
  readonly text: string;
}

/**
 * What operators hand over while the daemon runs and every node has to know: kept sealed, with who changed what. Rejects
 * when the store is down.
 */
export interface Documents {
  /** Rises with each change of the kind, on whatever node; 0 while there never was one. */
  revision(kind: DocumentKind): Promise<number>;
  /** In the order of their ids, at most `storeLimits.documents`. */
  list(kind: DocumentKind): Promise<readonly StoredDocument[]>;
  /**
   * Makes or replaces one. `taken`: another one has the name; `full`: there are as many as there may be; `stale`: it
   * has been changed since `revision` was read.
   */
  put(
    kind: DocumentKind,
    document: NewDocument,
    change: DocumentAuthor & { readonly what: string },
    revision?: number,
  ): Promise<'kept' | 'taken' | 'full' | 'stale'>;
  /** False: there is none of that id. */
  remove(
    kind: DocumentKind,
    id: string,
    change: DocumentAuthor & { readonly what: string },
  ): Promise<boolean>;
  /** Newest first, at most `storeLimits.pageRows`. */
  history(kind: DocumentKind, size: number): Promise<readonly DocumentChange[]>;
}
