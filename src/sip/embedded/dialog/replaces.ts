import { ending } from '../../../core/ending.ts';
import type { SipRequest } from '../message/message.ts';
import { parseParameters } from '../message/parameters.ts';
import type { Answer } from '../transaction/server.ts';
import { dialogKey } from './path.ts';
import { refusal } from './refusal.ts';
import type { Objection } from './screening.ts';

/**
 * How far a dialogue is for an INVITE that wants its place: `early` has no answer yet, `unacknowledged` has one whose ACK
 * is on its way, `over` is being hung up.
 */
export type Replaceability = 'early' | 'unacknowledged' | 'up' | 'over';

/** What is asked of a dialogue that Replaces names. */
export interface NamedDialogue {
  /** Name of the trunk that its peer came in, or is reached, over. */
  readonly trunk: string | undefined;
  readonly replaceability: Replaceability;
}

/** Where dialogues are found by their keys, also those that are over since not long ago. */
export interface NamedDialogues<D extends NamedDialogue> {
  get(key: string): D | undefined;
  hadOne(key: string): boolean;
}

interface Replaces {
  readonly key: string;
  readonly earlyOnly: boolean;
}

/** Whose place an INVITE wants and may have, or why it may not; neither for an INVITE that wants nobody's. */
export interface Succession<D> {
  readonly target?: D;
  readonly objection?: Objection;
}

/**
 * Finds the dialogue whose place an INVITE wants (RFC 3891 section 3). Only the trunk of a dialogue may replace it: to others it does not exist.
 */
export function findReplaced<D extends NamedDialogue>(
  request: SipRequest,
  trunk: string | undefined,
  dialogs: NamedDialogues<D>,
): Succession<D> {
  const values = request.headers.all('Replaces');
  const [value] = values;
  if (value === undefined) return {};
  const wanted = values.length === 1 && !request.headers.has('Join') ? parseReplaces(value) : undefined;
  if (wanted === undefined || request.method !== 'INVITE') {
    return bad;
  }
  const found = dialogs.get(wanted.key);
  if (found === undefined) return dialogs.hadOne(wanted.key) ? over : nowhere;
  if (found.trunk !== trunk) return nowhere;
  switch (found.replaceability) {
    // An early dialogue that we did not begin must not be replaced.
    case 'early':
      return nowhere;
    case 'unacknowledged':
      return pending;
    case 'over':
      return over;
    case 'up':
      return wanted.earlyOnly ? answered : { target: found };
  }
}

const refused = (answer: Answer, why: string) => ({
  objection: { answer, end: ending('replaces-refused', why) },
});
const bad = { objection: { answer: { status: 400, reason: 'Bad Replaces' }, end: ending('bad-request') } };
const nowhere = { objection: { answer: { status: 481 }, end: ending('replaces-nothing') } };
const over = refused({ status: 603 }, 'the call is over');
const answered = refused({ status: 486 }, 'the call is answered, and early-only was asked for');
const pending = refused(refusal(500, { retryAfter: 1 }), 'the call is just being answered');

/** `callid;to-tag=…;from-tag=…` (section 6.1): to-tag is the tag that we gave out. */
function parseReplaces(value: string): Replaces | undefined {
  const semicolon = value.indexOf(';');
  const parameters = semicolon < 0 ? undefined : parseParameters(value, semicolon);
  const callId = value.slice(0, Math.max(0, semicolon)).trim();
  const ours = parameters?.get('to-tag');
  const theirs = parameters?.get('from-tag');
  if (parameters === undefined || ours === undefined || theirs === undefined) return undefined;
  if (callId === '' || /[\s,"<>]/.test(callId)) return undefined;
  return { key: dialogKey(callId, ours, theirs), earlyOnly: parameters.has('early-only') };
}
