/** Every limit of the verification tools, with the value it has unless the options say otherwise. */
export const verifyLimits = {
  /** Checks that Verify allows for one verification. */
  checks: 5,
  /** Time a code lives, ms; Verify's default. */
  codeLifeMs: 600_000,
  /** A send that is repeated within this time (same call, number and channel) does not send again, ms. */
  repeatMs: 15_000,
  /** Time during which a number counts as verified in its call, ms. */
  verifiedMs: 900_000,
  /** Time after which a verification is forgotten here, ms; Verify's own longest life is a day. */
  keepMs: 3_600_000,
  /** Verifications that are remembered; above it the oldest is forgotten. */
  kept: 10_000,
} as const;

export type VerifyLimits = { readonly [Name in keyof typeof verifyLimits]: number };
