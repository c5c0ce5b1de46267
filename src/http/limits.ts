/** Limits of the HTTP server. Times in ms. */
export const httpLimits = {
  /** From a connection's first byte to the end of its headers. */
  headersMs: 10_000,
  /** From a request's first byte to its last. */
  requestMs: 30_000,
  /** How long an idle connection is kept. */
  keepAliveMs: 10_000,
  /** How long a connection may be silent in the middle of something. */
  connectionMs: 30_000,
  headerCount: 64,
  /** Longest body, bytes. */
  bodyBytes: 64 * 1024,
  connections: 256,
  requestsPerConnection: 1_000,
} as const;
