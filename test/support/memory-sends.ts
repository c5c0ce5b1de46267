import { randomBytes } from 'node:crypto';
import type { Clock } from '../../src/core/clock.ts';
import { Sealer } from '../../src/core/seal.ts';
import { DurableActionKeys } from '../../src/store/action-keys.ts';
import { migrate, openSqlite } from '../../src/store/database.ts';
import { DurableExecutions } from '../../src/store/executions.ts';
import { DurableHeldSends } from '../../src/store/held-sends.ts';
import { DurableInboundMessages } from '../../src/store/inbound-messages.ts';
import { DurableOptOuts } from '../../src/store/opt-outs.ts';
import { DurablePending } from '../../src/store/pending.ts';

/** Held sends, opt-outs, runs and keys of actions in a database of their own that goes with the process; opened when it is first asked. */
export function memorySends(clock: Clock, up: () => void) {
  const sealer = new Sealer([randomBytes(32)], 'records');
  let opening: ReturnType<typeof open> | undefined;
  const open = async () => {
    const database = openSqlite(':memory:');
    await migrate(database);
    return database;
  };
  const db = async () => {
    up();
    opening ??= open();
    return (await opening).db;
  };
  return {
    heldSends: new DurableHeldSends({ db, clock, sealer, node: 'node-1' }),
    optOuts: new DurableOptOuts({ db, clock, sealer }),
    inboundMessages: new DurableInboundMessages({ db, reads: db, clock, sealer }),
    executions: new DurableExecutions({ db, reads: db }),
    actionKeys: new DurableActionKeys({ db, clock, sealer }),
    pending: new DurablePending({ db, clock, sealer, node: 'node-1' }),
    close: async () => (await opening)?.close(),
  };
}
