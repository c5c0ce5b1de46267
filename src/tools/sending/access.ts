import { type CallerTier, callerTiers, type GateDecision } from '../../core/tool-facts.ts';
import { callerNumber } from '../caller-number.ts';
import type { ToolContext } from '../tool.ts';
import { numberToVerify } from '../verified-only.ts';
import { isOwnNumber } from '../verify/destination.ts';
import { lists } from './number-list.ts';

/** The least tier that a tool asks for; `nobody` has it switched off. */
export type NeededTier = CallerTier | 'nobody';

/** Who may use a tool. A field that is absent fits every call. */
export interface AccessRule {
  /** Names of tools, `*` for all. */
  readonly tools: readonly string[];
  readonly agentId?: string;
  /** The number that was called, or a beginning with a `*` behind. */
  readonly number?: string;
  readonly tier: NeededTier;
  /** Where all that is asked for is the trusted caller's own; absent: `tier`. */
  readonly ownTier?: NeededTier;
}

/**
 * What holds where no entry of `tool_access` fits. Writes have the gate before them, so their tier is everybody's. What a
 * stranger could learn of others is for the house alone; of his own number a caller may know the line, and once he has
 * proved to have it also what was sent to it.
 */
export const defaultAccess: readonly AccessRule[] = [
  {
    tools: ['twilio_send_sms', 'twilio_send_whatsapp', 'twilio_verify_phone', 'send_SMS_verification'],
    tier: 'anyone',
  },
  { tools: ['twilio_lookup_phone'], tier: 'internal', ownTier: 'anyone' },
  { tools: ['twilio_search_messages', 'twilio_manage_calls'], tier: 'internal', ownTier: 'verified' },
  { tools: ['*'], tier: 'internal' },
];

export interface AccessPolicy {
  readonly knownNumbers: readonly string[];
  readonly internalNumbers: readonly string[];
  readonly access: readonly AccessRule[];
}

/** Who is calling, as far as it is certain. A number that nobody vouches for makes nobody known. */
export function tierOf(
  context: Pick<ToolContext, 'facts' | 'verifyNumber' | 'verified'>,
  { knownNumbers, internalNumbers }: Pick<AccessPolicy, 'knownNumbers' | 'internalNumbers'>,
  country: string | undefined,
): CallerTier {
  const { callerId, callerTrusted } = context.facts;
  const named = callerNumber(context.facts, country);
  const names = callerTrusted && callerId !== '' ? [callerId, ...(named === undefined ? [] : [named])] : [];
  if (names.some(name => lists(internalNumbers, name))) return 'internal';
  const number = numberToVerify(context, country);
  if (number !== undefined && context.verified.of(number) !== undefined) return 'verified';
  return names.some(name => lists(knownNumbers, name)) ? 'known' : 'anyone';
}

/** What a tool is asked to do, as far as it matters who may ask. */
export interface Asked {
  readonly tool: string;
  /** Numbers that all of it belongs to; empty: anybody's. */
  readonly numbers: readonly string[];
}

/** Whether a caller may use a tool. */
export function accessDecision(
  { tool, numbers }: Asked,
  context: Pick<ToolContext, 'agentId' | 'facts' | 'verifyNumber'>,
  tier: CallerTier,
  rules: readonly AccessRule[],
  country: string | undefined,
): GateDecision {
  const rule = [...rules, ...defaultAccess].find(each => fits(each, tool, context));
  const own = numbers.length > 0 && numbers.every(number => isOwnNumber(context, number, country));
  const needed = (own ? rule?.ownTier : undefined) ?? rule?.tier ?? 'nobody';
  const enough = needed !== 'nobody' && callerTiers.indexOf(tier) >= callerTiers.indexOf(needed);
  return { gate: 'access', decision: enough ? 'pass' : 'refuse', detail: `needs_${needed}` };
}

function fits(
  { tools, agentId, number }: AccessRule,
  tool: string,
  { agentId: agent, facts }: Pick<ToolContext, 'agentId' | 'facts'>,
): boolean {
  if (!tools.includes('*') && !tools.includes(tool)) return false;
  if (agentId !== undefined && agentId !== agent) return false;
  return number === undefined || lists([number], facts.calledNumber);
}
