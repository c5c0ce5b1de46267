import type { Source } from '../../signalling.ts';

/** What a wire tells its connection. `closed` comes exactly once, whoever closed it; nothing comes after it. */
export interface WireListener {
  data(chunk: Buffer): void;
  closed(): void;
}

/** A reliable stream of bytes to one peer: a TCP or TLS socket, or a test. None of its members throws. */
export interface Wire {
  readonly source: Source;
  /** Bytes that were written and that the peer has not taken yet. */
  readonly backlog: number;
  /** Why TLS has ended, where it was that. */
  readonly fault?: string | undefined;
  listen(listener: WireListener): void;
  write(bytes: Buffer): void;
  /** While held no more is read from the peer, who then cannot send more either. */
  hold(on: boolean): void;
  /** Sends what was written, then closes. */
  end(): void;
  /** Closes at once; what was not sent yet is lost. */
  destroy(): void;
}
