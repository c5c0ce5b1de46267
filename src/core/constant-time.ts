import { timingSafeEqual } from 'node:crypto';

/** Whether what was shown is the secret; how long it takes tells nothing but whether the lengths are the same. */
export function sameSecret(secret: string, shown: string): boolean {
  const [wanted, given] = [Buffer.from(secret), Buffer.from(shown)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
