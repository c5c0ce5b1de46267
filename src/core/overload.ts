/**
 * From when on new calls are turned away, so that those that are up do not suffer. What belongs to a call that is up always
 * goes on. Times in ms.
 */
export const overloadLimits = {
  /** How late the main thread may be with its work before new calls get 503. */
  mainLagMs: 25,
  /** How late a worker may be before it gets no new calls: what it sends is heard as late as that. */
  workerLagMs: 25,
  /** How long a connection may have more messages than are taken from it. */
  connectionLagMs: 25,
  /** While fewer calls than these are being set up over a trunk a new one comes in: not they are what makes us late. */
  setupsAlways: 8,
  /** How often a thread looks how late it is, and for how long that counts. */
  lagEveryMs: 20,
  lagWindowMs: 100,
  /** How often the main thread looks while no call comes in. */
  lagRestMs: 100,
  /** How often a worker that is late tells, and from when on it is worth telling. */
  lagTellMs: 50,
  lagToldMs: 5,
  /** Seconds for Retry-After: from the one to the other, so that those who were turned away do not come back at once. */
  overloadRetryLeastSeconds: 5,
  overloadRetryMostSeconds: 15,
} as const;

export type OverloadLimits = { readonly [Name in keyof typeof overloadLimits]: number };
