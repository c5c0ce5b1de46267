import type { Clock } from '../core/clock.ts';
import { storeLimits } from './limits.ts';
import type { Db } from './schema.ts';
import type { SwitchAuthor, SwitchChange, Switches, SwitchName } from './store.ts';

export interface SwitchParts {
  readonly db: () => Promise<Db>;
  readonly clock: Clock;
}

/** The switches, and who turned them. */
export class DurableSwitches implements Switches {
  readonly #parts: SwitchParts;

  constructor(parts: SwitchParts) {
    this.#parts = parts;
  }

  async read(): Promise<Partial<Record<SwitchName, boolean>>> {
    const db = await this.#parts.db();
    const rows = await db.selectFrom('switches').selectAll().limit(storeLimits.pageRows).execute();
    return Object.fromEntries(rows.map(({ name, value }) => [name, value === 1]));
  }

  async set(name: SwitchName, value: boolean | undefined, { who, why }: SwitchAuthor): Promise<void> {
    const db = await this.#parts.db();
    const at = Math.round(this.#parts.clock.wall());
    const stored = value === undefined ? null : Number(value);
    await db.transaction().execute(async tx => {
      if (stored === null) await tx.deleteFrom('switches').where('name', '=', name).execute();
      else {
        await tx
          .insertInto('switches')
          .values({ name, value: stored })
          .onConflict(conflict => conflict.column('name').doUpdateSet({ value: stored }))
          .execute();
      }
      await tx.insertInto('switch_changes').values({ name, value: stored, who, why, at }).execute();
    });
  }

  async history(size: number): Promise<readonly SwitchChange[]> {
    const db = await this.#parts.db();
    const rows = await db
      .selectFrom('switch_changes')
      .selectAll()
      .orderBy('id', 'desc')
      .limit(Math.min(size, storeLimits.pageRows))
      .execute();
    return rows.map(({ name, value, who, why, at }) => ({
      name: name as SwitchName,
      value: value === null ? undefined : value === 1,
      who,
      why,
      at,
    }));
  }
}
