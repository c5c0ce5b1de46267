/** Every limit of sending that is no setting. Times in ms. */
export const sendingLimits = {
  /** How long a held send waits for a person. */
  heldMs: 900_000,
  /** How long a send that a person has approved may take. */
  performMs: 30_000,
  /** How often it is looked what became of the held sends of calls that are up. */
  watchMs: 2_000,
  /** How long after its time was over one is still watched: it may be at its sending. */
  watchOverMs: 180_000,
} as const;
