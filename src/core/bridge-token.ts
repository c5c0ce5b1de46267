import { createHmac } from 'node:crypto';
import { sameSecret } from './constant-time.ts';
import type { CallKey } from './ids.ts';

/** Variable that an agent gets its token as. `secret__` keeps it out of what a model sees. */
export const bridgeTokenVariable = 'secret__bridge_token';

const mark = (secret: string, call: string) =>
  createHmac('sha256', secret).update(`bridge token of ${call}`).digest('base64url');

/**
 * What a webhook tool says which call it is run for by: the call's key with a mark that only the holder of TOOLS_SECRET can
 * make. An agent gets it as `secret__bridge_token`, which ElevenLabs puts into headers alone and shows no model.
 */
export const bridgeToken = (secret: string, call: CallKey): string => `${call}.${mark(secret, call)}`;

/** The call that a token is for; undefined when it was not made with this secret. */
export function callOfToken(secret: string, token: string): CallKey | undefined {
  const dot = token.indexOf('.');
  if (dot < 1 || token.length > 256) return undefined;
  const call = token.slice(0, dot);
  return sameSecret(mark(secret, call), token.slice(dot + 1)) ? (call as CallKey) : undefined;
}
