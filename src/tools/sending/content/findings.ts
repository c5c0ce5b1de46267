import type { GateDecision } from '../../../core/tool-facts.ts';
import type { FindingKind, FindingPolicy, FindingRules } from '../policy.ts';
import { alphanumericsOf } from './alphanumerics.ts';
import { hasCard } from './cards.ts';
import { hasCode } from './codes.ts';
import { digitRuns, withSpelledDigits } from './digits.ts';
import { hasIban } from './ibans.ts';
import { hasLink, isAllowed } from './links.ts';
import { hasNationalId } from './national-ids.ts';
import { longestText, scan } from './scanned-text.ts';
import { hasSecret } from './secrets.ts';

/** What is looked at, and the domains that links may go to. */
export interface Content {
  readonly text: string;
  readonly media?: readonly string[];
}

/** What is found in what is to leave, each kind once. A text that is too long to be looked at counts as a secret. */
export function findingsIn(
  { text: raw, media = [] }: Content,
  allowedDomains: readonly string[],
): FindingKind[] {
  if (raw.length > longestText) return ['secret'];
  const scanned = scan(raw);
  const digits = withSpelledDigits(scanned.text);
  const runs = digitRuns(digits);
  const plain = alphanumericsOf(digits);
  const found: Readonly<Record<FindingKind, boolean>> = {
    card: hasCard(runs),
    iban: hasIban(plain),
    national_id: hasNationalId(digits, runs, plain),
    secret: hasSecret(scanned.text),
    code: hasCode(digits, runs),
    link: hasLink(scanned, raw, allowedDomains) || media.some(link => !isAllowed(link, allowedDomains)),
  };
  return (Object.keys(found) as FindingKind[]).filter(kind => found[kind]);
}

const decisions = { allow: 'pass', flag: 'flag', hold: 'hold', block: 'refuse' } as const;
const severity: readonly FindingPolicy[] = ['allow', 'flag', 'hold', 'block'];

/** What is done about it: the strictest policy of all that was found. */
export function contentDecision(found: readonly FindingKind[], rules: FindingRules): GateDecision {
  const worst = found
    .map(kind => rules[kind])
    .reduce<FindingPolicy>(
      (one, other) => (severity.indexOf(other) > severity.indexOf(one) ? other : one),
      'allow',
    );
  const because = found.filter(kind => rules[kind] === worst);
  return {
    gate: 'content',
    decision: decisions[worst],
    ...(because.length === 0 ? {} : { detail: because.join('+') }),
  };
}
