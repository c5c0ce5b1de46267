import type { Timer } from '../core/clock.ts';
import { Failure, messageOf } from '../core/errors.ts';
import type { Sealer } from '../core/seal.ts';
import { DurableActionKeys } from './action-keys.ts';
import { DurableArchive } from './archive.ts';
import { DurableCounters } from './counters.ts';
import { type Database, migrate } from './database.ts';
import { DurableDocuments } from './durable-documents.ts';
import { DurableExecutions } from './executions.ts';
import { DurableHeldSends } from './held-sends.ts';
import { DurableInboundMessages } from './inbound-messages.ts';
import { WriteBehind } from './journal.ts';
import { LeftRecordings } from './left-recordings.ts';
import { storeLimits } from './limits.ts';
import { Nodes } from './nodes.ts';
import { DurableOptOuts } from './opt-outs.ts';
import type { StoreOptions } from './options.ts';
import { DurableOutbox } from './outbox.ts';
import { DurablePending } from './pending.ts';
import { Retention } from './retention.ts';
import type { CallImage } from './rows.ts';
import type { Db } from './schema.ts';
import { SpillFile } from './spill.ts';
import { storageProblem } from './storage-problem.ts';
import type { Store } from './store.ts';
import { DurableSwitches } from './switches.ts';
import { writeCall } from './writer.ts';

export interface LiveStoreParts
  extends Omit<StoreOptions, 'dataKeys' | 'dataDir' | 'nodeId' | 'databaseUrl'> {
  readonly database: Database;
  /** Where the data is, for people. */
  readonly where: string;
  readonly node: string;
  readonly boot: string;
  /** Whether another run of `node` is known to have ended; of one that is not, it is waited whether it beats. */
  readonly isOver: (boot: string) => boolean;
  readonly sealer: Sealer;
  readonly spillPath: string | undefined;
  readonly unlock: () => void;
}

/** What a seal of the keys of `DATA_KEY` is tried with. */
const keyFact = 'data-key';

/** The store over a database: SQLite or PostgreSQL. */
export class LiveStore implements Store {
  readonly journal: WriteBehind;
  readonly archive: DurableArchive;
  readonly counters: DurableCounters;
  readonly switches: DurableSwitches;
  readonly documents: DurableDocuments;
  readonly outbox: DurableOutbox;
  readonly heldSends: DurableHeldSends;
  readonly optOuts: DurableOptOuts;
  readonly inboundMessages: DurableInboundMessages;
  readonly executions: DurableExecutions;
  readonly actionKeys: DurableActionKeys;
  readonly pending: DurablePending;
  readonly #parts: LiveStoreParts;
  readonly #nodes: Nodes;
  readonly #retention: Retention;
  readonly #spill: SpillFile;
  #ready = false;
  #beginning: Promise<void> | undefined;
  #beat: Timer | undefined;
  #sweep: Timer | undefined;
  #closed = false;

  constructor(parts: LiveStoreParts) {
    this.#parts = parts;
    const { database, clock, sealer, log, node, boot, isOver, where, meters, announce } = parts;
    const { spillPath, removeRecording } = parts;
    const db = () => this.#db();
    const written = () => this.#written();
    const reads = () => this.#written('reads');
    this.outbox = new DurableOutbox({ db, clock, sealer, node });
    this.archive = new DurableArchive({ db: written, reads, sealer, node, removeRecording });
    this.counters = new DurableCounters({ db, engine: database.engine, clock, sealer });
    this.switches = new DurableSwitches({ db, clock });
    this.documents = new DurableDocuments({ db, engine: database.engine, clock, sealer });
    this.heldSends = new DurableHeldSends({ db, clock, sealer, node });
    this.optOuts = new DurableOptOuts({ db, clock, sealer });
    this.inboundMessages = new DurableInboundMessages({ db, reads, clock, sealer });
    this.executions = new DurableExecutions({ db: written, reads });
    this.actionKeys = new DurableActionKeys({ db, clock, sealer });
    this.pending = new DurablePending({ db, clock, sealer, node });
    this.#retention = new Retention({
      db,
      archive: this.archive,
      heldSends: this.heldSends,
      inboundMessages: this.inboundMessages,
      actionKeys: this.actionKeys,
      pending: this.pending,
      leftRecordings: new LeftRecordings({ db, node, removeRecording, log }),
      clock,
      log,
      keepDays: parts.keepDays,
    });
    this.#spill = new SpillFile({ path: spillPath, sealer, boot, log });
    this.#nodes = new Nodes({
      db: database.db,
      node,
      boot,
      isOver,
      where,
      clock,
      sealer,
      announce,
      log,
      closed: calls => {
        meters.interrupted(calls);
        this.outbox.queued();
      },
    });
    this.journal = new WriteBehind({
      write: async images => this.#write(await db(), images),
      spill: images => this.#keep(images),
      clock,
      sealer,
      where,
      node,
      boot,
      log,
      meters,
      limits: storeLimits,
    });
  }

  /** Makes the database ready: tables, key, and what earlier runs left. Rejects when it cannot be used now. */
  begin(): Promise<void> {
    this.#beginning ??= this.#begin().finally(() => {
      this.#beginning = undefined;
    });
    return this.#beginning;
  }

  flush(): Promise<void> {
    return this.journal.flush();
  }

  /** The database for who reads of calls: what was told before is in it, unless it takes nothing now. */
  async #written(which: 'db' | 'reads' = 'db'): Promise<Db> {
    if (this.journal.waiting > 0 && !this.journal.failing) await this.journal.flush();
    return this.#db(which);
  }

  /** Writes what is not written yet, into the spill file if need be. */
  async close(): Promise<void> {
    const { clock, log } = this.#parts;
    this.#stop();
    const late = new Promise<'late'>(resolve => clock.timer(storeLimits.closeMs, () => resolve('late')));
    const done = this.flush().then(async () => {
      // A node that is gone without a word has its calls closed by another.
      const { waiting, running } = this.journal;
      if (waiting === 0 && running === 0 && this.#ready) await this.#nodes.end();
    });
    const how = await Promise.race([done, late]).catch(messageOf);
    if (how !== undefined) log.error('store was closed while it could not be used', { error: how });
    const calls = await this.journal.keep();
    if (calls > 0)
      log.error('store was closed before all was written: what is new of these is lost', { calls });
    await this.abandon();
  }

  /** Gives everything back as it is. */
  async abandon(): Promise<void> {
    this.#stop();
    await this.#parts.database.close();
    this.#parts.unlock();
  }

  #stop(): void {
    this.#closed = true;
    this.#beat?.cancel();
    this.#sweep?.cancel();
  }

  async #db(which: 'db' | 'reads' = 'db'): Promise<Db> {
    if (!this.#ready) await this.begin();
    return this.#parts.database[which];
  }

  async #begin(): Promise<void> {
    const { database, clock } = this.#parts;
    if (this.#ready) return;
    // Tried again at the pace of the beats while it fails, also when nobody asks.
    this.#armBeat();
    await migrate(database);
    await this.#checkKey();
    await this.#leaveOldKeys();
    // First what is known of calls that ended, then what is not known of the others.
    await this.#unspill();
    await this.#nodes.begin();
    await this.outbox.reclaim(database.db);
    this.#ready = true;
    this.#sweep = clock.timer(storeLimits.sweepPauseMs, () => void this.#sweepOnce());
  }

  /** Another key would open nothing of what is there, and find no counter. */
  async #checkKey(): Promise<void> {
    const { sealer, where } = this.#parts;
    const { db } = this.#parts.database;
    const own = { name: keyFact, value: sealer.seal(keyFact, keyFact) };
    await db
      .insertInto('facts')
      .values(own)
      .onConflict(conflict => conflict.doNothing())
      .execute();
    const kept = await db
      .selectFrom('facts')
      .select('value')
      .where('name', '=', keyFact)
      .executeTakeFirstOrThrow();
    if (sealer.open(kept.value, keyFact) === undefined) {
      throw new Failure(
        'data-key',
        `${where} was written with another key: set DATA_KEY to it, or to the new and the old one with a comma between`,
      );
    }
    await db.updateTable('facts').set({ value: own.value }).where('name', '=', keyFact).execute();
  }

  /** What can do without the older keys shall; what cannot is told of where they are gone. */
  async #leaveOldKeys(): Promise<void> {
    const { database, log } = this.#parts;
    const documents = await this.documents.reseal(database.db);
    if (documents > 0) log.info('documents were sealed with the new key', { documents });
    const optOuts = await this.optOuts.lost(database.db);
    if (optOuts > 0) {
      log.error('opt-outs are not found: put the key that they were added under back into DATA_KEY, last', {
        optOuts,
      });
    }
  }

  async #write(db: Db, images: readonly CallImage[]): Promise<void> {
    const { clock, sealer, announce, log } = this.#parts;
    const ended = await db.transaction().execute(async tx => {
      let over = false;
      for (const image of images) {
        const written = await writeCall(tx, image, clock.wall(), { sealer, announce });
        if (!written) log.warn('a call had ended before it was written', { call: image.record.key });
        over ||= written && image.record.state === 'ended';
      }
      return over;
    });
    if (ended) this.outbox.queued();
  }

  async #keep(images: readonly CallImage[]): Promise<boolean> {
    const kept = await this.#spill.add(images);
    if (kept) this.#parts.meters.spilt(images.length);
    return kept;
  }

  async #unspill(): Promise<void> {
    const { database, log } = this.#parts;
    const calls = await this.#spill.replay(images => this.#write(database.db, images));
    if (calls > 0) log.info('spilt calls were written', { calls });
  }

  #armBeat(): void {
    if (this.#closed) return;
    this.#beat?.cancel();
    this.#beat = this.#parts.clock.timer(storeLimits.heartbeatMs, () => void this.#beatOnce());
  }

  async #beatOnce(): Promise<void> {
    try {
      await this.#db();
      await this.#nodes.beat();
      // What was spilt while the database was away is not left to the next start.
      await this.#unspill();
      await this.#nodes.look();
    } catch (error) {
      if (this.#closed) return;
      this.#parts.meters.failed();
      this.#parts.log.error('database cannot be used', { error: storageProblem(error, this.#parts.where) });
    }
    this.#armBeat();
  }

  async #sweepOnce(): Promise<void> {
    let more = false;
    try {
      const swept = await this.#retention.sweep();
      more = swept.more;
      if (swept.calls > 0) this.#parts.meters.expired(swept.calls);
    } catch (error) {
      if (!this.#closed) this.#parts.log.error('old calls cannot be removed', { error: messageOf(error) });
    }
    if (this.#closed) return;
    const ms = more ? storeLimits.sweepPauseMs : storeLimits.sweepEveryMs;
    this.#sweep = this.#parts.clock.timer(ms, () => void this.#sweepOnce());
  }
}
