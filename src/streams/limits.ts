/** Every limit of Twilio's media streams, in one place. Times in ms. */
export const streamLimits = {
  /** Longest message that is taken, bytes. Twilio's have some 400. */
  messageBytes: 64 * 1024,
  /** From the webhook to its TwiML: Twilio itself gives up after 15 s. */
  answerMs: 8_000,
  /** From the TwiML to the stream: for as long its ticket is good. */
  ticketMs: 10_000,
  /** From the upgrade to `start`. */
  startMs: 5_000,
  /** Connections that nobody has let in yet, at each listener of a worker. */
  outside: 256,
  /** How often those are looked through for one that asks for nothing. */
  checkMs: 1_000,
  /** Streams that were let in and have not said yet whose they are. */
  strangers: 64,
  /** Messages that make no sense, after which a stream is closed. */
  malformed: 20,
  /** How long a closed WebSocket may take to go. */
  closeMs: 2_000,
  /** Sound in one message of ours, ms. */
  longestMessageMs: 300,
} as const;

/** Name of the `<Parameter>` that carries the ticket of a stream. */
export const ticketParameter = 'ticket';
