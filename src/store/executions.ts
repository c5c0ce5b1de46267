import { randomInt } from 'node:crypto';
import type { CallerTier, GateDecision } from '../core/tool-facts.ts';
import { storeLimits } from './limits.ts';
import { paged, placeAt } from './pages.ts';
import { toolRow } from './rows.ts';
import type { Db, ToolRunTable } from './schema.ts';
import type { Execution, ExecutionFilter, Executions, KnownCost, SendsPage } from './sends.ts';

export interface ExecutionParts {
  readonly db: () => Promise<Db>;
  /** For lists. */
  readonly reads: () => Promise<Db>;
}

/** Runs of tools, read from where calls wrote them. */
export class DurableExecutions implements Executions {
  readonly #parts: ExecutionParts;

  constructor(parts: ExecutionParts) {
    this.#parts = parts;
  }

  async list(filter: ExecutionFilter, { size, cursor }: SendsPage) {
    const db = await this.#parts.reads();
    const most = Math.max(1, Math.min(size, storeLimits.pageRows - 1));
    const { tool, status, call, agentId, tier, from, to } = filter;
    let query = db.selectFrom('tool_runs').selectAll().where('at', '>=', from).where('at', '<=', to);
    if (tool !== undefined) query = query.where('tool', '=', tool);
    if (status !== undefined) query = query.where('status', '=', status);
    if (call !== undefined) query = query.where('call', '=', call);
    if (agentId !== undefined) query = query.where('agent', '=', agentId);
    if (tier !== undefined) query = query.where('tier', '=', tier);
    const place = placeAt(cursor, 2);
    if (place !== undefined) {
      const [key = '', number = ''] = place.names;
      query = query.where(eb =>
        eb.or([
          eb('at', '<', place.at),
          eb.and([eb('at', '=', place.at), eb('call', '<', key)]),
          eb.and([eb('at', '=', place.at), eb('call', '=', key), eb('place', '<', Number(number) || 0)]),
        ]),
      );
    }
    const rows = await query
      .orderBy('at', 'desc')
      .orderBy('call', 'desc')
      .orderBy('place', 'desc')
      .limit(most + 1)
      .execute();
    const page = paged(rows, most, row => ({ at: row.at, names: [row.call, String(row.place)] }));
    const executions = page.rows.map(executionOf);
    return { executions, ...(page.next === undefined ? {} : { next: page.next }) };
  }

  /** Below 0: the journal of a call numbers its own from 0 upwards. */
  async add(run: Execution): Promise<void> {
    const db = await this.#parts.db();
    const place = -randomInt(1, 2 ** 31);
    await db
      .insertInto('tool_runs')
      .values(toolRow({ key: run.call, agentId: run.agentId }, place, run))
      .execute();
  }

  async priced({ requestId, at, cost: { micros, currency } }: KnownCost): Promise<void> {
    const db = await this.#parts.db();
    await db
      .updateTable('tool_runs')
      .set({ cost: micros, currency, cost_known: 1 })
      // Runs are found by their time.
      .where('at', '>=', Math.round(at - storeLimits.pricedWithinMs))
      .where('at', '<=', Math.round(at + storeLimits.pricedWithinMs))
      .where('request_id', '=', requestId)
      .execute();
  }
}

function executionOf(row: ToolRunTable): Execution {
  const { action, tier, gate, gates, request_id: requestId, cost, currency } = row;
  return {
    call: row.call,
    agentId: row.agent,
    tool: row.tool,
    at: row.at,
    ms: row.ms,
    status: row.status,
    isError: row.is_error === 1,
    arguments: JSON.parse(row.arguments) as Record<string, string>,
    ...(action === null ? {} : { action }),
    ...(tier === null ? {} : { tier: tier as CallerTier }),
    ...(gate === null ? {} : { gate }),
    ...(gates === null ? {} : { gates: JSON.parse(gates) as GateDecision[] }),
    ...(requestId === null ? {} : { requestId }),
    ...(cost === null || currency === null ? {} : { cost: { micros: cost, currency } }),
    ...(row.cost_known === 1 ? { costKnown: true } : {}),
  };
}
