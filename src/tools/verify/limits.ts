import { codeLifeMs } from '../../core/verified.ts';

/** Every limit of the verification tools, with the value it has unless the options say otherwise. */
export const verifyLimits = {
  /** Checks that Verify allows for one verification. */
  checks: 5,
  /** Time a code lives, ms. */
  codeLifeMs,
  /** Sends that Verify allows for one verification. */
  sends: 5,
  /** Keyed entries that wait for their check at a time. */
  keyedWaiting: 3,
  /** Time after which a verification is forgotten here, ms; Verify's own longest life is a day. */
  keepMs: 3_600_000,
  /** Verifications that are remembered; above it the oldest is forgotten. */
  kept: 10_000,
} as const;

export type VerifyLimits = { readonly [Name in keyof typeof verifyLimits]: number };
