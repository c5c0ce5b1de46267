import type { Clock } from '../core/clock.ts';
import { Failure } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Sealer } from '../core/seal.ts';
import { interrupted } from './draft.ts';
import { storeLimits } from './limits.ts';
import type { RecordPrivate } from './record.ts';
import { imageOf, recordOf, secretOf } from './rows.ts';
import type { CallTable, Db, NodeTable } from './schema.ts';
import type { Announce } from './store.ts';
import { writeCall } from './writer.ts';

export interface NodeParts {
  readonly db: Db;
  readonly node: string;
  /** This run of it: another one had another. */
  readonly boot: string;
  /** Whether another run of that name is known to have ended. */
  readonly isOver: (boot: string) => boolean;
  /** The database, for people. */
  readonly where: string;
  readonly clock: Clock;
  readonly sealer: Sealer;
  readonly announce: Announce;
  readonly log: Logger;
  readonly closed: (calls: number) => void;
}

/** Another node as it was last seen to live. */
interface Sighting {
  readonly boot: string;
  readonly beats: number;
  /** Looks since then that found nothing new. */
  missed: number;
}

/**
 * Which nodes live, and what becomes of the calls of those that do not. A node counts as gone when this one has looked
 * several times, at its own pace, and its beats stood still: no two clocks are compared, and a database that was away
 * for all makes nobody look gone.
 */
export class Nodes {
  readonly #parts: NodeParts;
  readonly #seen = new Map<string, Sighting>();
  #beats = 0;

  constructor(parts: NodeParts) {
    this.#parts = parts;
  }

  /**
   * Closes what an earlier run of this node left behind, and says that this one lives. Throws a `Failure` when that run
   * still beats: its calls are up, on another machine that was given the same name.
   */
  async begin(): Promise<void> {
    const { node, boot, isOver } = this.#parts;
    const before = await this.#row();
    if (before !== undefined && before.boot !== boot && !isOver(before.boot)) await this.#standsStill(before);
    await this.#closeCalls(
      query => query.where('node', '=', node).where('boot', '!=', boot),
      before?.at ?? 0,
    );
    await this.beat();
  }

  async beat(): Promise<void> {
    const { db, node, boot, clock, log } = this.#parts;
    if (this.#beats > 0) {
      const said = await this.#row();
      if (said !== undefined && said.boot !== boot) log.error(shared, { node });
    }
    this.#beats += 1;
    const row = { boot, beats: this.#beats, at: Math.round(clock.wall()) };
    await db
      .insertInto('nodes')
      .values({ node, ...row })
      .onConflict(conflict => conflict.column('node').doUpdateSet(row))
      .execute();
  }

  /** Looks at the other nodes, and closes the calls of those that are gone. */
  async look(): Promise<void> {
    const { db, node } = this.#parts;
    const others = await db
      .selectFrom('nodes')
      .selectAll()
      .where('node', '!=', node)
      .orderBy('at', 'desc')
      .limit(storeLimits.pageRows)
      .execute();
    for (const other of others) {
      const seen = this.#seen.get(other.node);
      if (seen === undefined || seen.boot !== other.boot || seen.beats !== other.beats) {
        this.#seen.set(other.node, { boot: other.boot, beats: other.beats, missed: 0 });
        continue;
      }
      seen.missed += 1;
      if (seen.missed < storeLimits.missedHeartbeats) continue;
      await this.#closeCalls(
        query => query.where('node', '=', other.node).where('boot', '=', other.boot),
        other.at,
      );
      await db
        .deleteFrom('nodes')
        .where('node', '=', other.node)
        .where('boot', '=', other.boot)
        .where('beats', '=', other.beats)
        .execute();
      this.#seen.delete(other.node);
    }
  }

  /** This node goes: nobody has to wait for its beats. */
  async end(): Promise<void> {
    const { db, node, boot } = this.#parts;
    await db.deleteFrom('nodes').where('node', '=', node).where('boot', '=', boot).execute();
  }

  /** What was last said under the name of this node, by whatever run. */
  #row(): Promise<NodeTable | undefined> {
    const { db, node } = this.#parts;
    return db.selectFrom('nodes').selectAll().where('node', '=', node).executeTakeFirst();
  }

  /** Looks at a run of this name for longer than from one beat to the next. */
  async #standsStill({ boot, beats }: NodeTable): Promise<void> {
    const { clock, node, where } = this.#parts;
    for (let looks = 0; looks < storeLimits.nameLooks; looks++) {
      await new Promise<void>(resolve => void clock.timer(storeLimits.nameLookMs, resolve));
      const now = await this.#row();
      if (now === undefined) return;
      if (now.boot === boot && now.beats === beats) continue;
      throw new Failure(
        'node-id',
        `Another trunkbridge with the name ${node} uses ${where}: give each a name of its own (NODE_ID, or node.id below DATA_DIR).`,
      );
    }
  }

  async #closeCalls(
    narrow: (query: ReturnType<typeof running>) => ReturnType<typeof running>,
    lastBeat: number,
  ): Promise<void> {
    const { db, log, closed } = this.#parts;
    let calls = 0;
    for (;;) {
      const rows = await narrow(running(db)).limit(storeLimits.batchCalls).execute();
      for (const row of rows) if (await this.#close(row, lastBeat)) calls += 1;
      if (rows.length < storeLimits.batchCalls) break;
    }
    if (calls === 0) return;
    log.warn('calls were interrupted', { calls });
    closed(calls);
  }

  async #close(row: CallTable, lastBeat: number): Promise<boolean> {
    const { db, clock, sealer, announce } = this.#parts;
    const now = clock.wall();
    // When it last lived, as far as anyone knows.
    const at = Math.min(now, Math.max(row.updated_at, lastBeat));
    const record = interrupted(recordOf(row), at);
    const secret = secretOf(row, sealer);
    const image = imageOf(record, secret ?? unreadable, {
      sealer,
      boot: row.boot,
      now,
      toolsFrom: record.tools.length,
    });
    // What cannot be opened stays as it is: the key may come back.
    const kept = secret === undefined ? { ...image, row: { ...image.row, sealed: row.sealed } } : image;
    return db.transaction().execute(tx => writeCall(tx, kept, now, { sealer, announce }));
  }
}

const shared =
  'another trunkbridge has the name of this node: give each its own (NODE_ID, or node.id below DATA_DIR)';

const unreadable: RecordPrivate = { callerId: '', calledNumber: '', variables: {}, transcript: [] };

const running = (db: Db) => db.selectFrom('calls').selectAll().where('state', '=', 'running');
