import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Sealer } from '../../../src/core/seal.ts';
import { type Database, migrate, openSqlite } from '../../../src/store/database.ts';
import { DurableDocuments } from '../../../src/store/durable-documents.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const change = { who: 'ops', why: 'first', what: 'connected' };
const secret = 'the-secret-of-the-key-0123456789';
const kind = 'twilio-connection';

let folder: string;
let database: Database;
const documentsWith = (...keys: number[]) =>
  new DurableDocuments({
    db: async () => database.db,
    engine: 'sqlite',
    clock: new ManualClock(),
    sealer: new Sealer(
      keys.map(byte => Buffer.alloc(32, byte)),
      'records',
    ),
  });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-documents-'));
  database = openSqlite(join(folder, 'trunkbridge.db'));
  await migrate(database);
});
afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

const bytes = () => Buffer.concat(readdirSync(folder).map(name => readFileSync(join(folder, name))));

describe('documents', () => {
  it('leave neither their text nor their name in any file of the database', async () => {
    const documents = documentsWith(1);
    await documents.put(kind, { id: 'current', name: '+4930901820', text: secret }, change);
    expect(await documents.list(kind)).toEqual([{ id: 'current', text: secret }]);
    for (const forbidden of [secret, Buffer.from(secret).toString('base64'), '4930901820']) {
      expect(bytes().includes(forbidden)).toBe(false);
    }
    // The search does find what is there.
    expect(bytes().includes('current')).toBe(true);
  });

  it('open with every key of DATA_KEY, and with no other', async () => {
    await documentsWith(1).put(kind, { id: 'current', name: 'x', text: secret }, change);
    expect(await documentsWith(2, 1).list(kind)).toEqual([{ id: 'current', text: secret }]);
    expect(await documentsWith(2).list(kind)).toEqual([{ id: 'current', text: undefined }]);
  });

  it('are sealed with the newest key at a start, and then open without the older ones', async () => {
    await documentsWith(1).put(kind, { id: 'current', name: 'x', text: secret }, change);
    await documentsWith(3).put(kind, { id: 'lost', name: 'y', text: secret }, change);
    const both = documentsWith(2, 1);
    expect(await both.reseal(database.db)).toBe(1);
    expect(await documentsWith(2).list(kind)).toEqual([
      { id: 'current', text: secret },
      { id: 'lost', text: undefined },
    ]);
    expect(await both.reseal(database.db)).toBe(0);
    expect(await documentsWith(3).list(kind)).toContainEqual({ id: 'lost', text: secret });
    // Its name is still the older key's: it is known all the same.
    expect(await both.put(kind, { id: 'again', name: 'x', text: secret }, change)).toBe('taken');
  });

  it('open only in their own place', async () => {
    const documents = documentsWith(1);
    await documents.put(kind, { id: 'current', name: 'x', text: secret }, change);
    await database.db.updateTable('documents').set({ id: 'another' }).execute();
    expect(await documents.list(kind)).toEqual([{ id: 'another', text: undefined }]);
  });
});
