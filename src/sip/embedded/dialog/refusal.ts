import type { RejectOptions } from '../../signalling.ts';
import type { Answer } from '../transaction/server.ts';

/** A final refusal with what goes along with it. */
export function refusal(status: number, options: RejectOptions = {}, reason?: string): Answer {
  const headers: [string, string][] = [];
  if (options.retryAfter !== undefined) headers.push(['Retry-After', String(options.retryAfter)]);
  if (options.warning !== undefined) {
    // RFC 3261 section 20.43: code, agent, quoted text.
    const text = options.warning.replace(/["\\]/g, '\\$&');
    headers.push(['Warning', `${options.warningCode ?? 399} trunkbridge "${text}"`]);
  }
  return { status, headers, ...(reason === undefined ? {} : { reason }) };
}
