import type { ActionOutcome } from '../../core/action-outcome.ts';
import { messageOf } from '../../core/errors.ts';
import type { GateDecision, Money, ToolRunFacts } from '../../core/tool-facts.ts';
import type { ActionKeys, OptOuts } from '../../store/sends.ts';
import type { Counters } from '../../store/store.ts';
import type { TwilioCaller } from '../../twilio/client.ts';
import type { TwilioConnection } from '../../twilio/connection.ts';
import type { Gates } from '../gates.ts';
import { complaint } from '../parameters.ts';
import { answerOf } from '../sending/answers.ts';
import { giveBack, takeOf } from '../sending/budget.ts';
import type { SendingPolicy } from '../sending/policy.ts';
import type { RealPrices } from '../sending/real-prices.ts';
import { type RecipientPolicy, recipientDecision } from '../sending/recipients.ts';
import { type Action, no, type Prepared, type Refused, type Written, withoutAgents } from './action.ts';
import { ActionLog, type ActionLogParts } from './action-log.ts';
import { type CallParts, callStatus, placeCall } from './call.ts';
import { type MessageParts, sendSms } from './message.ts';
import { once } from './once.ts';
import type { ActionPolicy } from './policy.ts';
import { actionBudgets, actionMoney, overBudget } from './spending.ts';

export interface OperatorActionParts extends MessageParts, CallParts, ActionLogParts {
  readonly twilio: TwilioConnection;
  readonly gates: Gates;
  readonly optOuts: Pick<OptOuts, 'has' | 'add'>;
  readonly keys: ActionKeys;
  readonly counters: Pick<Counters, 'take' | 'giveBack'>;
  /** Asked for each action: a reload gives another. */
  readonly policy: () => ActionPolicy;
  /** What of the rules of agents' sends holds here as well. */
  readonly sending: () => OperatorRules;
  /** Learns what was done has really cost. */
  readonly prices: Pick<RealPrices, 'note'>;
}

/** Whom nothing goes to, what things cost, and whether anything goes at all. */
export type OperatorRules = RecipientPolicy & Pick<SendingPolicy, 'costs' | 'currency' | 'dryRun'>;

/** Who asks, and under which key of theirs, where they want it done once. */
export interface ActionAsker {
  /** Who holds the API key. */
  readonly by: string;
  readonly key?: string | undefined;
}

/** What is written down of a run. */
interface Facts extends Pick<ToolRunFacts, 'requestId' | 'cost'> {
  gates?: readonly GateDecision[];
  requestId?: string;
  cost?: Money;
}

/** What may leave, and what it has taken of the budgets. */
interface Allowed {
  readonly prepared: Prepared;
  readonly receipt: string;
  readonly cost: Money;
}

/**
 * What the operator's own programs may have done with the Twilio account. Nothing of it is a tool: no agent is told of it, and
 * no call leads here. What protects others and the account holds as it does for agents: the kill switch, opt-outs, recipients, dry
 * runs, and budgets of their own. What keeps agents in check does not: `allow_autonomous_sends`, tiers, quiet hours, contents.
 */
export class OperatorActions {
  readonly #parts: OperatorActionParts;
  readonly #log: ActionLog;
  readonly #actions: ReadonlyMap<string, Action>;

  constructor(parts: OperatorActionParts) {
    this.#parts = parts;
    this.#log = new ActionLog(parts);
    this.#actions = new Map<string, Action>([
      ['sendSMS', sendSms(parts)],
      ['makeCall', placeCall(parts)],
      ['getCallStatus', callStatus],
    ]);
  }

  /** Never rejects. */
  async run(name: string, given: unknown, { by, key }: ActionAsker): Promise<ActionOutcome> {
    const action = this.#actions.get(name);
    if (action === undefined) {
      return no('unknown_action', `There are the actions ${[...this.#actions.keys()].join(', ')}.`);
    }
    const over = this.#log.begin({ action: name, by, given });
    const facts: Facts = {};
    const keyed = key === undefined ? undefined : { key: JSON.stringify([by, key]), name };
    const outcome = await this.#perform(action, given, keyed, facts);
    const status = outcome.replayed ? 'repeated' : outcome.ok ? 'done' : outcome.status;
    await over(status, !outcome.ok, facts);
    return outcome;
  }

  async #perform(
    action: Action,
    given: unknown,
    keyed: { readonly key: string; readonly name: string } | undefined,
    facts: Facts,
  ): Promise<ActionOutcome> {
    const input = action.input.safeParse(given ?? {});
    if (!input.success) {
      const words = complaint(input.error, given).replaceAll('Parameter ', 'Argument ');
      return no('invalid_arguments', words.replace('The parameters', 'The arguments'));
    }
    const connected = this.#parts.twilio.client();
    if (!connected.ok) return no('not_configured', connected.failure.message);
    const client = connected.value.traced(id => {
      facts.requestId = id;
    });
    if (action.kind === 'read') return action.run(input.data as never, client);
    const write = () => this.#write(() => action.prepare(input.data as never), client, facts);
    if (keyed === undefined) return (await write()).outcome;
    const request = JSON.stringify([keyed.name, input.data]);
    const { keys, log } = this.#parts;
    try {
      return await once({ keys, log }, { key: keyed.key, request }, write);
    } catch {
      return storeDown;
    }
  }

  /** Never rejects: what is not known to have been kept from leaving has perhaps left. */
  async #write(prepare: () => Prepared | Refused, client: TwilioCaller, facts: Facts): Promise<Written> {
    let allowed: Allowed | Refused;
    try {
      allowed = await this.#allowed(prepare, facts);
    } catch {
      allowed = storeDown;
    }
    if ('ok' in allowed) return { outcome: allowed, done: 'unprocessed' };
    const { prepared, receipt, cost } = allowed;
    const written = await this.#left(prepared, client);
    const { done, sid } = written;
    if (done === 'sent' || done === 'unknown') facts.cost = cost;
    if (done === 'sent' && sid !== undefined) {
      const { what } = prepared;
      const { requestId } = facts;
      this.#parts.prices.note({ what, sid, receipt, counters: actionMoney, estimate: cost, requestId });
    }
    if (done === 'unprocessed' || done === 'opted-out') await giveBack(this.#parts.counters, receipt);
    if (done === 'opted-out') await this.#optOut(prepared);
    return written;
  }

  /** Switch, opt-outs, recipients, budgets and dry runs, in the order of docs/sending.md. Rejects when the store is down. */
  async #allowed(prepare: () => Prepared | Refused, facts: Facts): Promise<Allowed | Refused> {
    const { gates, optOuts, counters, policy } = this.#parts;
    const rules = this.#parts.sending();
    const said: GateDecision[] = [];
    facts.gates = said;
    const { killSwitch } = await gates.read();
    said.push({ gate: 'kill_switch', ...(killSwitch ? { decision: 'refuse', detail: 'on' } : passed) });
    if (killSwitch) return no('switched_off', 'All sending is switched off (kill_switch).');
    const prepared = prepare();
    if ('ok' in prepared) return prepared;
    const { what, to, pair } = prepared;
    if (pair !== undefined) {
      const optedOut = await optOuts.has(pair);
      said.push({ gate: 'opt_out', ...(optedOut ? { decision: 'refuse', detail: 'listed' } : passed) });
      if (optedOut) return no('opted_out', 'The recipient wants no messages of this sender (STOP).');
    }
    const recipient = recipientDecision(to, rules);
    said.push(recipient);
    if (recipient.decision === 'refuse') return refusedBy(recipient);
    const cost = prepared.cost(rules);
    const taken = await takeOf(counters, actionBudgets(what, cost, policy()));
    said.push(taken.decision);
    if (taken.receipt === undefined) return overBudget(taken.decision.detail, taken.retryAfterMs);
    if (!rules.dryRun) return { prepared, receipt: taken.receipt, cost };
    said.push({ gate: 'dry_run', decision: 'refuse', detail: 'late' });
    await giveBack(counters, taken.receipt);
    return dryRun;
  }

  async #left(prepared: Prepared, client: TwilioCaller): Promise<Written> {
    try {
      return await prepared.perform(client);
    } catch (error) {
      this.#parts.log.error('an action of the operator threw', {
        error: error instanceof Error ? error.name : typeof error,
      });
      return { outcome: no('unavailable', 'It is not known whether this was done.'), done: 'unknown' };
    }
  }

  async #optOut({ pair }: Prepared): Promise<void> {
    if (pair === undefined) return;
    try {
      await this.#parts.optOuts.add(pair, 'refused');
    } catch (error) {
      // Twilio remembers it as well.
      this.#parts.log.warn('an opt-out cannot be kept', { error: messageOf(error) });
    }
  }
}

/** What a program is told of a gate that it shares with agents. */
function refusedBy(decision: GateDecision): Refused {
  const { status, message } = answerOf(decision);
  return no(status, withoutAgents(message));
}

const passed = { decision: 'pass' } as const;
const dryRun = no('dry_run', 'This is a dry run: nothing was sent (sending.dry_run).');
const storeDown = no('store_unavailable', 'The database cannot be used at present, so nothing was sent.');
