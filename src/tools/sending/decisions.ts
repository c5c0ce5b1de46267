import type { CallerTier, GateDecision } from '../../core/tool-facts.ts';
import type { GateState } from '../gates.ts';
import type { ToolContext, ToolResult } from '../tool.ts';
import { isEmail } from '../verify/destination.ts';
import { accessDecision } from './access.ts';
import { answerOf } from './answers.ts';
import { contentDecision, findingsIn } from './content/findings.ts';
import type { Send } from './gate.ts';
import type { SendingPolicy } from './policy.ts';
import { quietFor } from './quiet-hours.ts';
import { countryOfNumber, recipientDecision } from './recipients.ts';

/** Everything that is decided from. */
export interface Question {
  readonly send: Send;
  readonly policy: SendingPolicy;
  readonly gates: GateState;
  readonly optedOut: boolean;
  /** Wall-clock time, ms. */
  readonly now: number;
  readonly country: string | undefined;
  /** Who asks; absent for a send that a person has approved: who might ask and what it may hold was decided then. */
  readonly asker?: { readonly context: ToolContext; readonly tier: CallerTier };
}

type Gate = (question: Question) => GateDecision;

const pass = (gate: string): GateDecision => ({ gate, decision: 'pass' });
const refuse = (gate: string, detail: string): GateDecision => ({ gate, decision: 'refuse', detail });

/** The gates of a send, in their order; the first that refuses is the last that is asked. */
const gates: readonly Gate[] = [
  ({ gates: { killSwitch } }) => (killSwitch ? refuse('kill_switch', 'on') : pass('kill_switch')),
  ({ gates: { allowAutonomousSends } }) =>
    allowAutonomousSends ? pass('allow_sends') : refuse('allow_sends', 'off'),
  ({ send, policy, asker, country }) =>
    asker === undefined
      ? pass('approved')
      : accessDecision(
          { tool: send.tool, numbers: [send.to] },
          asker.context,
          asker.tier,
          policy.access,
          country,
        ),
  ({ optedOut }) => (optedOut ? refuse('opt_out', 'listed') : pass('opt_out')),
  ({ send, policy }) => recipientDecision(send.to, policy),
  quietHours,
  ({ send, policy, asker }) =>
    asker === undefined
      ? pass('content')
      : contentDecision(findingsIn(send, policy.allowedDomains), policy.findings),
];

function quietHours(question: Question): GateDecision {
  return quietMs(question) === 0 ? pass('quiet_hours') : refuse('quiet_hours', 'quiet');
}

/** How long it is quiet yet for the recipient, ms. An e-mail wakes nobody. */
export function quietMs({ send, policy: { quiet }, now }: Question): number {
  return quiet === undefined || isEmail(send.to) ? 0 : quietFor(quiet, countryOfNumber(send.to), now);
}

/** Asks one gate after the other. */
export function decide(question: Question): readonly GateDecision[] {
  const decisions: GateDecision[] = [];
  for (const gate of gates) {
    const decision = gate(question);
    decisions.push(decision);
    if (decision.decision === 'refuse') break;
  }
  return decisions;
}

export const refusalIn = (decisions: readonly GateDecision[]): GateDecision | undefined =>
  decisions.find(({ decision }) => decision === 'refuse');

/** What a person has to look at; empty: nothing. */
export const heldFor = (decisions: readonly GateDecision[]): readonly string[] =>
  decisions.flatMap(({ decision, detail }) => (decision === 'hold' ? (detail ?? '').split('+') : []));

/** What the agent is told of the gate that refused. */
export function refusalAnswer(refusal: GateDecision, question: Question): ToolResult {
  return answerOf(refusal, refusal.gate === 'quiet_hours' ? quietMs(question) : undefined);
}
