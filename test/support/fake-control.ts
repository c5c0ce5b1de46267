import type { CallControl, TransferWay } from '../../src/call/control.ts';
import type { TransferTarget } from '../../src/call/party.ts';
import type { Ending } from '../../src/core/ending.ts';
import { type Failure, ok, type Result } from '../../src/core/errors.ts';
import type { KeyForm } from '../../src/worker/legs.ts';

/** Call control that writes down what was asked of it; a transfer goes on until the test settles it. */
export class FakeControl implements CallControl {
  readonly asked: string[] = [];
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

  async hold(on: boolean): Promise<Result<void>> {
    this.asked.push(`hold ${on}`);
    return this.outcome;
  }

  tell(text: string, how: 'turn' | 'context'): void {
    this.asked.push(`tell ${how} ${text}`);
  }
}
