/** Every limit of one conversation with ElevenLabs, with its default. */
export interface AgentLimits {
  /** Largest message taken from the agent, bytes. ElevenLabs' own client allows 16 MiB; 1.45 MB has been seen. */
  readonly maxMessageBytes: number;
  /** Most frames that one message may be cut into. */
  readonly maxFragments: number;
  /** Most pieces of TCP data held for one unfinished message. */
  readonly maxBufferedChunks: number;
  /** How long TCP, TLS and the upgrade may take together, ms. */
  readonly handshakeMs: number;
  /** How long our close frame waits for the agent's before the connection is cut, ms. */
  readonly closeMs: number;
  /** Messages that are not the protocol (bad JSON, wrong shape, binary) borne before the conversation is ended. */
  readonly badMessages: number;
  /** Characters kept of one turn of the transcript. */
  readonly turnCharacters: number;
  /** How long the close may be away after the agent reported an error, ms. */
  readonly errorGraceMs: number;
  /** How long after the agent ended the call its last sentence may still begin to come, ms; its close cuts that short. */
  readonly farewellMs: number;
  /** Caller sound waits here instead of in the socket once the socket holds more than this, bytes. */
  readonly callerBufferedBytes: number;
  /** Caller sound kept while the socket is full; the oldest is dropped above it, ms. */
  readonly callerBacklogMs: number;
  /** A socket that has been full for longer than this is a lost connection, ms. */
  readonly stallMs: number;
}

export const agentLimits: AgentLimits = {
  maxMessageBytes: 16 * 1024 * 1024,
  maxFragments: 4096,
  maxBufferedChunks: 32_768,
  handshakeMs: 10_000,
  closeMs: 2_000,
  badMessages: 20,
  turnCharacters: 16_384,
  errorGraceMs: 2_000,
  farewellMs: 1_000,
  callerBufferedBytes: 64 * 1024,
  callerBacklogMs: 1_000,
  stallMs: 10_000,
};
