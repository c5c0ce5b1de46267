import { toE164 } from '../core/e164.ts';
import type { ToolContext } from './tool.ts';

/** The caller's number in E.164 where the network vouches for it; undefined where nobody does, or it is no number. */
export function callerNumber(facts: ToolContext['facts'], country: string | undefined): string | undefined {
  if (!facts.callerTrusted) return undefined;
  const own = toE164(facts.callerId, facts.country ?? country);
  return own.ok ? own.value : undefined;
}
