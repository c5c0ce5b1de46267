/** Every limit and timer of the drachtio backend; times in ms. Those of SIP itself are the drachtio-server's. */
export const drachtioLimits = {
  /** How long starting waits for the server; after that it goes on and calls come as soon as the server is there. */
  firstLinkMs: 5_000,
  /** From connecting to the server's word on our secret. */
  handshakeMs: 5_000,
  /** Waits between tries to reach the server: the first, how much longer each next is, the longest. */
  retryFirstMs: 250,
  retryGrowth: 2,
  retryMostMs: 30_000,
  /** What closing waits for, so that the server knows of it. */
  lingerMs: 500,
  /** How often the link is tried with a ping, so that a dead one is noticed. */
  pingMs: 15_000,

  /** INVITEs and calls at once. */
  dialogs: 4_096,
  /** Time from INVITE to its final response, whatever the call is doing. */
  ringMs: 180_000,
  /** How long the server may take to confirm a response or request that we gave it: it answers in a millisecond. */
  confirmMs: 10_000,
  /** Wait for the ACK to our 200 (64*T1, RFC 3261 section 13.3.1.4). The server hangs up a moment later by itself. */
  ackMs: 32_000,
  /** Wait for the answer to our BYE or CANCEL. */
  goodbyeMs: 33_000,
  /** Places that an INVITE of ours is tried at, and for how long another one is begun. */
  callHops: 3,
  callHopsMs: 10_000,
  /** Time the session may take to answer a re-INVITE or UPDATE. */
  reofferMs: 20_000,
  /** Time a peer has to answer a re-INVITE of ours. */
  ownReofferMs: 60_000,
  /** Time from a REFER of ours to its result. */
  referMs: 60_000,
  /** Requests inside one dialogue each second, BYE and ACK excepted. */
  dialogRequestsPerSecond: 20,
  /** Session intervals (RFC 4028), s: less is answered 422, more is cut down. */
  sessionLeastSeconds: 90,
  sessionMostSeconds: 86_400,
  /** Retry-After on 503, s. */
  retryAfterSeconds: 10,
} as const;

export type DrachtioLimits = { readonly [Name in keyof typeof drachtioLimits]: number };

/** Those of `sip.limits` that mean here what they mean with the embedded stack. */
const shared = [
  'ringMs',
  'callHops',
  'callHopsMs',
  'reofferMs',
  'ownReofferMs',
  'referMs',
  'dialogRequestsPerSecond',
  'sessionLeastSeconds',
  'sessionMostSeconds',
  'retryAfterSeconds',
] as const satisfies (keyof DrachtioLimits)[];

/** What of `sip.limits` this backend keeps: some of its own have names there that mean something else. */
export function limitsOf(settings: Readonly<Record<string, number>>): Partial<DrachtioLimits> {
  return Object.fromEntries(
    shared.flatMap(name => {
      const value = settings[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
