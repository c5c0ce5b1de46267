import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openPostgres } from '../../src/store/database.ts';
import { type Postgres, requirePostgres, startPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const there = requirePostgres('a connection to PostgreSQL that breaks');

let postgres: Postgres;
let database: Database;
let other: Database;
const lost: Error[] = [];
beforeAll(async () => {
  if (!there) return;
  postgres = await startPostgres();
  const url = postgres.database();
  database = await openPostgres(url, error => void lost.push(error));
  other = await openPostgres(url, () => undefined);
}, 60_000);
afterAll(async () => {
  if (!there) return;
  await Promise.all([database.close(), other.close()]);
  await postgres.remove();
});

const ownPid = sql<{ pid: number }>`select pg_backend_pid() as pid`;

/** Ends that connection on the side of the server, and waits until it is gone. */
async function terminate(pid: number): Promise<void> {
  await sql`select pg_terminate_backend(${pid})`.execute(other.db);
  const alive = sql<{ n: number }>`select count(*) as n from pg_stat_activity where pid = ${pid}`;
  await until(async () => (await alive.execute(other.db)).rows[0]?.n === 0, 'the connection to be gone');
}

describe.skipIf(!there)('a connection that PostgreSQL ends', () => {
  it('between two queries of a transaction fails the transaction, and neither the process nor the next one', async () => {
    // Nobody waits for anything at that moment: without a listener it would be an exception that nobody catches.
    const transaction = database.db.transaction().execute(async tx => {
      const { rows } = await ownPid.execute(tx);
      await terminate(rows[0]?.pid ?? 0);
      await sql`select 1`.execute(tx);
    });
    // Which of them it is depends on whether the server's farewell was read before the next query was written.
    await expect(transaction).rejects.toThrow(/connection|terminat|ECONNRESET|EPIPE/i);
    expect((await ownPid.execute(database.db)).rows).toHaveLength(1);
  });

  it('while it rests is told, and the next query has another', async () => {
    const { rows } = await ownPid.execute(database.db);
    await terminate(rows[0]?.pid ?? 0);
    await until(() => lost.length === 1, 'the pool to tell');
    expect((await ownPid.execute(database.db)).rows[0]?.pid).not.toBe(rows[0]?.pid);
  });
});

describe.skipIf(!there)('a PostgreSQL whose machine is gone without a word', () => {
  const answerMs = 3_000;
  let network: Network;
  let far: Database;
  beforeAll(async () => {
    if (!there) return;
    network = await Network.to(postgres.database());
    far = await openPostgres(network.url, () => undefined, answerMs);
  });
  afterAll(async () => {
    if (!there) return;
    await far.close();
    await network.close();
  });

  it('keeps one query waiting, and the next has another connection', async () => {
    const { rows } = await ownPid.execute(far.db);
    network.swallow();
    await expect(ownPid.execute(far.db)).rejects.toThrow('Query read timeout');
    expect((await ownPid.execute(far.db)).rows[0]?.pid).not.toBe(rows[0]?.pid);
  });

  it('keeps a transaction waiting once, which says why it failed', async () => {
    const begun = performance.now();
    const transaction = far.db.transaction().execute(async tx => {
      await ownPid.execute(tx);
      network.swallow();
      await ownPid.execute(tx);
    });
    await expect(transaction).rejects.toThrow('Query read timeout');
    // Its rollback would wait as long again.
    expect(performance.now() - begun).toBeLessThan(2 * answerMs);
    expect((await ownPid.execute(far.db)).rows).toHaveLength(1);
  });
});

/** The way to a PostgreSQL, over which a machine that takes its place can be reached while what was sent to the old one is lost. */
class Network {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly url: string;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async to(url: string): Promise<Network> {
    const [, name = '', host = ''] = /^postgres:\/\/trunkbridge@\/(\w+)\?host=(.+)$/.exec(url) ?? [];
    const server = createServer();
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const network = new Network(server, `postgres://trunkbridge@127.0.0.1:${port}/${name}`);
    server.on('connection', near => {
      const away = connect(`${decodeURIComponent(host)}/.s.PGSQL.5432`);
      for (const socket of [near, away]) network.#sockets.add(socket.on('error', () => undefined));
      near.pipe(away);
      away.pipe(near);
    });
    return network;
  }

  /** From here on connections that there are carry nothing, and nobody is told. */
  swallow(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise(resolve => this.#server.close(resolve));
  }
}
