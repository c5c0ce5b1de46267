import { ending } from '../../core/ending.ts';
import { acceptLine, allowed } from '../embedded/dialog/capabilities.ts';
import type { Objection } from '../embedded/dialog/screening.ts';
import type { SipRequest } from '../embedded/message/message.ts';

type Line = readonly [name: string, value: string];

/** Option tags that a peer may require: session timers are the server's, reliable provisional responses nobody's. */
const supported: readonly string[] = ['timer'];
export const supportedLine: Line = ['Supported', supported.join(', ')];
export const allowLine: Line = ['Allow', allowed.filter(method => method !== 'PRACK').join(', ')];

/** What OPTIONS asks for (RFC 3261 section 11.2). */
export const capabilityLines: readonly Line[] = [
  allowLine,
  acceptLine,
  ['Accept-Encoding', 'identity'],
  ['Accept-Language', 'en'],
  supportedLine,
];

/** Section 8.2.2.3: the server looks at no Require, and would take what it cannot do. */
export function extensionObjection({ headers }: SipRequest): Objection | undefined {
  const unknown = headers.list('Require').filter(tag => !supported.includes(tag));
  if (unknown.length === 0) return undefined;
  const lines = [['Unsupported', unknown.join(', ')]] as const;
  return { answer: { status: 420, headers: lines }, end: ending('unsupported-extension') };
}
