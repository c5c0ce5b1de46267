import { type Ending, type EndingReason, ending, sentence } from '../../../core/ending.ts';
import type { Headers } from '../message/headers.ts';
import { parseParameters } from '../message/parameters.ts';

type Line = readonly [name: string, value: string];

/** Q.850 causes of endings that are not simply a call that is over (16) or a fault on the way (41). */
const causes: Partial<Record<EndingReason, number>> = {
  'ack-timeout': 102,
  'prack-timeout': 102,
  'session-expired': 102,
  'no-codec-in-common': 88,
  'bad-offer': 88,
  'answer-unusable': 88,
  'unsupported-transport': 88,
  'over-capacity': 34,
  'no-ports': 34,
  'no-descriptors': 34,
};

/** Why we hang up, for the peer (RFC 3326, RFC 6432): the cause and the sentence of the reason, and nothing of the call. */
export function reasonLine(end: Ending): Line {
  const cause = causes[end.reason] ?? (end.result === 'success' ? 16 : 41);
  const text = sentence(ending(end.reason)).replace(/["\\]/g, '\\$&');
  return ['Reason', `Q.850;cause=${cause};text="${text}"`];
}

/** Values of Reason that are read. */
const valuesRead = 2;

/**
 * Why the peer hung up or gave up, in words that are ours: `Q.850 cause 16`. Its own text is left out, because it may
 * hold anything. Undefined when it gave no reason that can be read.
 */
export function statedReason(headers: Headers): string | undefined {
  const read: string[] = [];
  for (const value of headers.list('Reason').slice(0, valuesRead)) {
    const semicolon = value.indexOf(';');
    const protocol = value.slice(0, Math.max(semicolon, 0)).trim();
    const cause = semicolon < 0 ? undefined : parseParameters(value, semicolon)?.get('cause');
    if (/^[A-Za-z0-9.]{1,16}$/.test(protocol) && cause !== undefined && /^\d{1,3}$/.test(cause)) {
      read.push(`${protocol} cause ${Number(cause)}`);
    }
  }
  return read.length === 0 ? undefined : read.join(', ');
}
