import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { GateDecision } from '../../core/tool-facts.ts';
import type { Counters } from '../../store/store.ts';
import type { Gates } from '../gates.ts';
import type { ToolContext } from '../tool.ts';
import { accessDecision, tierOf } from './access.ts';
import { answerOf } from './answers.ts';
import { agentBudgets, giveBack, takeOf } from './budget.ts';
import { priceOf } from './costs.ts';
import { refusalIn } from './decisions.ts';
import type { ReadAnswer, Reading } from './gate.ts';
import type { SendingPolicy } from './policy.ts';

export interface ReadingParts {
  readonly gates: Gates;
  readonly policy: () => SendingPolicy;
  readonly counters: Pick<Counters, 'take' | 'giveBack'>;
  readonly log: Logger;
  readonly country: string | undefined;
}

/** Whether a tool may look: who is calling, and where it costs something the kill switch and the money. Never rejects. */
export async function mayRead(
  { gates, policy: current, counters, log, country }: ReadingParts,
  { tool, action, numbers = [], charges = [] }: Reading,
  context: ToolContext,
): Promise<ReadAnswer> {
  const policy = current();
  const tier = tierOf(context, policy, country);
  context.note({ tier, ...(action === undefined ? {} : { action }) });
  const decisions = [accessDecision({ tool, numbers }, context, tier, policy.access, country)];
  const refuse = (decision: GateDecision, retryAfterMs?: number): ReadAnswer => {
    context.note({ gates: [...decisions.filter(each => each !== decision), decision] });
    return { go: false, result: answerOf(decision, retryAfterMs) };
  };
  const denied = refusalIn(decisions);
  if (denied !== undefined) return refuse(denied);
  context.note({ gates: decisions });
  if (charges.length === 0) return { go: true, giveBack: async () => undefined };
  try {
    const { killSwitch } = await gates.read();
    if (killSwitch) return refuse({ gate: 'kill_switch', decision: 'refuse', detail: 'on' });
    const micros = charges.reduce((sum, item) => sum + priceOf(item, numbers[0] ?? '', policy.costs), 0);
    const cost = { micros, currency: policy.currency };
    const taken = await takeOf(counters, agentBudgets({ call: context.call, cost }, policy));
    if (taken.receipt === undefined) return refuse(taken.decision, taken.retryAfterMs);
    context.note({ gates: [...decisions, taken.decision], cost });
    const { receipt } = taken;
    return { go: true, giveBack: () => giveBack(counters, receipt) };
  } catch (error) {
    log.error('what may be looked up is not known', { error: messageOf(error) });
    return refuse({ gate: 'store', decision: 'refuse', detail: 'down' });
  }
}
