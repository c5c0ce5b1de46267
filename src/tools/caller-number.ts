import { toE164 } from '../core/e164.ts';
import type { ToolContext } from './tool.ts';

/** Digits below which a caller without a country code is an extension, though some countries have numbers as short. */
const shortestNumber = 7;

/**
 * The caller's number in E.164 where the network vouches for it; undefined where nobody does, or it is no number. An
 * extension is none: in Germany 2071 could be read as +49 2071, which is somebody else's or nobody's.
 */
export function callerNumber(facts: ToolContext['facts'], country: string | undefined): string | undefined {
  const { callerId, callerTrusted } = facts;
  if (!callerTrusted) return undefined;
  if (!callerId.startsWith('+') && callerId.replace(/\D/g, '').length < shortestNumber) return undefined;
  const own = toE164(callerId, facts.country ?? country);
  return own.ok ? own.value : undefined;
}
