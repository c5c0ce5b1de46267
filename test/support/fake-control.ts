import type { CallControl, KeyTaker, TransferWay } from '../../src/call/control.ts';
import type { PartyFacts, TransferTarget } from '../../src/call/party.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Ending } from '../../src/core/ending.ts';
import { type Failure, ok, type Result } from '../../src/core/errors.ts';
import { newCallKey } from '../../src/core/ids.ts';
import { silentLogger } from '../../src/core/logger.ts';
import type { ToolRunFacts } from '../../src/core/tool-facts.ts';
import { VerifiedNumbers } from '../../src/core/verified.ts';
import type { ToolContext } from '../../src/tools/tool.ts';
import type { KeyForm } from '../../src/worker/legs.ts';
import { someFacts } from './fake-call.ts';

/** Call control that writes down what was asked of it; a transfer goes on until the test settles it. */
export class FakeControl implements CallControl {
  readonly asked: string[] = [];
  /** What was noted of runs of tools. */
  readonly noted: ToolRunFacts[] = [];
  readonly transfers: { readonly target: TransferTarget; readonly way: TransferWay }[] = [];
  /** What `digits` and `hold` come to. */
  outcome: Result<void, Failure> = ok(undefined);
  #settle: (result: Result<void, Ending>) => void = () => undefined;

  transfer(target: TransferTarget, way: TransferWay): Promise<Result<void, Ending>> {
    this.transfers.push({ target, way });
    return new Promise(resolve => {
      this.#settle = resolve;
    });
  }

  /** What the transfer has come to. */
  transferred(result: Result<void, Ending>): void {
    this.#settle(result);
  }

  async digits(keys: string, form: KeyForm): Promise<Result<void>> {
    this.asked.push(`digits ${form} ${keys}`);
    return this.outcome;
  }

  /** What `secure` was last given, and what it comes to. */
  taker: KeyTaker | undefined;
  securing: Promise<boolean> = Promise.resolve(true);

  secure(taker: KeyTaker | undefined): Promise<boolean> {
    this.taker = taker;
    this.asked.push(`secure ${taker !== undefined}`);
    return this.securing;
  }

  async hold(on: boolean): Promise<Result<void>> {
    this.asked.push(`hold ${on}`);
    return this.outcome;
  }

  tell(text: string, how: 'turn' | 'context'): void {
    this.asked.push(`tell ${how} ${text}`);
  }

  withhold(on: boolean): void {
    this.asked.push(`withhold ${on}`);
  }

  retract(): void {
    this.asked.push('retract');
  }
}

/** The context of a tool in a call of its own. */
export function toolContext(
  clock: Clock,
  control: FakeControl = new FakeControl(),
  facts: Partial<PartyFacts> = {},
): ToolContext {
  return {
    call: newCallKey(),
    agentId: 'agent_1',
    facts: { ...someFacts, ...facts },
    verified: new VerifiedNumbers(clock),
    clock,
    log: silentLogger,
    control,
    note: facts => void control.noted.push(facts),
  };
}
