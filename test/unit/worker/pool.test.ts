import { describe, expect, it } from 'vitest';
import { ending } from '../../../src/core/ending.ts';
import { newCallKey } from '../../../src/core/ids.ts';
import { type KeyedDigits, sealDigits } from '../../../src/core/keyed-digits.ts';
import { noLegStats } from '../../../src/core/leg-stats.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { overloadLimits } from '../../../src/core/overload.ts';
import type { LegListener } from '../../../src/worker/legs.ts';
import { type FromWorker, pulseMs, type ToWorker } from '../../../src/worker/messages.ts';
import { silentLooks, WorkerPool, type WorkerThread } from '../../../src/worker/pool.ts';
import { EventList } from '../../support/fake-call.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** A worker that opens every leg it is asked for and can be made to die. */
class FakeThread implements WorkerThread {
  readonly got: ToWorker[] = [];
  say: (message: FromWorker) => void = () => undefined;
  die: (cause: string) => void = () => undefined;
  full = false;

  post(message: ToWorker): void {
    this.got.push(message);
    if (message.type === 'stop') this.say({ type: 'stopped' });
    if (message.type === 'close') this.say({ type: 'closed', leg: message.leg, stats: noLegStats });
    if (message.type !== 'open') return;
    if (this.full)
      this.say({ type: 'open-failed', leg: message.leg, code: 'no-ports', message: 'none left' });
    else this.say({ type: 'opened', leg: message.leg, local: { rtpPort: 10_000, rtcpPort: 10_001 } });
  }

  onMessage(handler: (message: FromWorker) => void): void {
    this.say = handler;
  }

  onExit(handler: (cause: string) => void): void {
    this.die = handler;
  }

  async terminate(): Promise<void> {
    this.die('terminated');
  }
}

function setUp(workers = 2) {
  const threads: FakeThread[] = [];
  const clock = new ManualClock();
  const events = new EventList();
  const pool = new WorkerPool({
    workers,
    spawn: () => {
      const thread = new FakeThread();
      threads.push(thread);
      return thread;
    },
    clock,
    log: silentLogger,
    events,
  });
  return { pool, threads, clock, events };
}

/** Keeps what a worker would answer until what is returned is called; then it answers everything that it was told. */
function holdBack(thread: FakeThread): () => void {
  const answers = FakeThread.prototype.post.bind(thread);
  thread.post = message => void thread.got.push(message);
  return () => {
    for (const message of thread.got.splice(0)) answers(message);
  };
}

const options = () => ({ call: newCallKey(), wire: 'rtp', family: 4 }) as const;

const deaf = (): LegListener => ({
  agentReady: () => undefined,
  agentQueue: () => undefined,
  agentEnded: () => undefined,
  toolCall: () => undefined,
  keyed: () => undefined,
  turn: () => undefined,
  mediaTimeout: () => undefined,
  lost: () => undefined,
});

async function openLeg(pool: WorkerPool) {
  const opened = await pool.open(options());
  if (!opened.ok) throw opened.failure;
  return opened.value;
}

describe('the pool of media workers', () => {
  it('opens each leg in the worker that carries the fewest', async () => {
    const { pool, threads } = setUp();
    for (let leg = 0; leg < 6; leg += 1) await openLeg(pool);
    expect(threads.map(thread => thread.got.length)).toEqual([3, 3]);
    expect(pool.load.legs).toBe(6);
  });

  it('passes on why a worker could not open a leg', async () => {
    const { pool, threads } = setUp(1);
    threads[0]!.full = true;
    expect(await pool.open(options())).toMatchObject({ ok: false, failure: { code: 'no-ports' } });
    expect(pool.load.legs).toBe(0);
  });

  it('takes what is asked of a leg that is not open yet, and knows its ports once it is', async () => {
    const { pool, threads } = setUp(1);
    const [thread] = threads;
    const open = holdBack(thread!);
    const begun = pool.begin(options());
    if (!begun.ok) throw begun.failure;
    const leg = begun.value;
    leg.tone('ringback');
    expect(thread!.got.map(({ type }) => type)).toEqual(['open', 'tone']);
    expect([leg.local.rtpPort, pool.load.legs]).toEqual([0, 1]);
    open();
    expect([leg.local.rtpPort, pool.load.legs]).toEqual([10_000, 1]);
  });

  it('says that a leg is lost which could not be opened, and lets it be closed all the same', async () => {
    const { pool, threads } = setUp(1);
    threads[0]!.full = true;
    const open = holdBack(threads[0]!);
    const ends: string[] = [];
    const [lost, closed] = [pool.begin(options()), pool.begin(options())];
    if (!lost.ok || !closed.ok) throw new Error('no worker');
    for (const { value } of [lost, closed]) value.listen({ ...deaf(), lost: end => ends.push(end.reason) });
    const closing = closed.value.close();
    open();
    expect(ends).toEqual(['no-ports']);
    expect(await Promise.all([lost.value.close(), closing])).toEqual([noLegStats, noLegStats]);
    expect(pool.load.legs).toBe(0);
  });

  it('turns what a worker says of a leg into calls of its listener, and what is asked of a leg into messages', async () => {
    const { pool, threads } = setUp(1);
    const leg = await openLeg(pool);
    const heard: string[] = [];
    leg.listen({ ...deaf(), agentEnded: end => heard.push(end.reason) });
    threads[0]!.say({ type: 'agent-ended', leg: leg.id, end: ending('agent-lost') });
    leg.tone('ringback');
    leg.tell('42', 'turn');
    expect(heard).toEqual(['agent-lost']);
    expect(threads[0]!.got.slice(1)).toEqual([
      { type: 'tone', leg: leg.id, tone: 'ringback' },
      { type: 'tell', leg: leg.id, text: '42', how: 'turn' },
    ]);
  });

  it('settles secure mode when the worker says so, and gives digits as what nobody can read by accident', async () => {
    const { pool, threads } = setUp(1);
    const leg = await openLeg(pool);
    const heard: KeyedDigits[] = [];
    leg.listen({ ...deaf(), keyed: digits => heard.push(digits) });
    const settled: boolean[] = [];
    const secure = leg.secure(true).then(ok => settled.push(ok));
    const asked = threads[0]!.got.find(message => message.type === 'secure');
    await Promise.resolve();
    expect(settled).toEqual([]);
    threads[0]!.say({ type: 'done', leg: leg.id, ask: asked!.ask, ok: true });
    await secure;
    const digits = sealDigits(Buffer.from('4711'), asked!.key!);
    threads[0]!.say({ type: 'keyed', leg: leg.id, digits });
    expect(String(heard)).not.toContain('4711');
    expect(heard.map(each => each.take())).toEqual(['4711']);
    void leg.secure(false);
    expect(threads[0]!.got.at(-1)).toMatchObject({ type: 'secure', key: undefined });
  });

  it('closes a leg once and is silent about it afterwards', async () => {
    const { pool, threads } = setUp(1);
    const leg = await openLeg(pool);
    const heard: string[] = [];
    leg.listen({ ...deaf(), agentEnded: end => heard.push(end.reason) });
    expect(await Promise.all([leg.close(), leg.close()])).toEqual([noLegStats, noLegStats]);
    expect(threads[0]!.got.filter(message => message.type === 'close')).toHaveLength(1);
    threads[0]!.say({ type: 'agent-ended', leg: leg.id, end: ending('agent-lost') });
    expect(heard).toEqual([]);
    expect(pool.load.legs).toBe(0);
  });

  it('tells the legs of a dead worker, and only those, and puts a new worker in its place', async () => {
    const { pool, threads, clock, events } = setUp();
    const lost: string[] = [];
    for (const name of ['first', 'second']) {
      const leg = await openLeg(pool);
      leg.listen({ ...deaf(), lost: end => lost.push(`${name} ${end.reason}`) });
    }
    threads[0]!.die('exit code 1');
    expect(lost).toEqual(['first worker-lost']);
    expect(events.events).toEqual([{ type: 'worker-lost', worker: 0, legs: 1 }]);
    expect(pool.load.workers).toBe(1);
    clock.advance(250);
    expect(pool.load.workers).toBe(2);
    expect(threads).toHaveLength(3);
  });

  it('logs on at the level that was set last when a worker takes the place of a dead one', () => {
    const { pool, threads, clock } = setUp(1);
    pool.logLevel('debug');
    threads[0]!.die('exit code 1');
    clock.advance(250);
    expect(threads[1]?.got).toEqual([{ type: 'log-level', level: 'debug' }]);
  });

  it('has started also when a worker died over its start and another one took its place', async () => {
    const { pool, threads, clock } = setUp(1);
    let started = false;
    const starting = pool.started().then(() => {
      started = true;
    });
    threads[0]!.die('exit code 1');
    await new Promise(resolve => setImmediate(resolve));
    expect(started).toBe(false);
    clock.advance(250);
    threads[1]!.say({ type: 'ready' });
    await starting;
  });

  it('settles the close of a leg whose worker died', async () => {
    const { pool, threads } = setUp(1);
    const leg = await openLeg(pool);
    leg.listen(deaf());
    threads[0]!.die('exit code 1');
    expect(await leg.close()).toEqual(noLegStats);
  });

  it('fails to open with worker-lost while no worker runs', async () => {
    const { pool, threads } = setUp(1);
    threads[0]!.die('exit code 1');
    expect(await pool.open(options())).toMatchObject({ ok: false, failure: { code: 'worker-lost' } });
  });

  it('lets workers go without a word about loss when it is stopped', async () => {
    const { pool, events, clock } = setUp();
    await pool.stop();
    clock.advance(1000);
    expect(events.events).toEqual([]);
    expect(pool.load.workers).toBe(0);
  });
});

describe('legs that are to be joined', () => {
  it('are opened in the worker of the first one, whatever it carries', async () => {
    const { pool, threads } = setUp(2);
    for (const thread of threads) thread.say({ type: 'ready' });
    const first = await pool.open(options());
    if (!first.ok) throw first.failure;
    for (let i = 0; i < 3; i += 1)
      expect((await pool.open({ ...options(), near: first.value.id })).ok).toBe(true);
    const opens = threads.map(thread => thread.got.filter(({ type }) => type === 'open').length);
    expect(opens.sort()).toEqual([0, 4]);
  });

  it('cannot be opened once the worker of the first one is gone', async () => {
    const { pool, threads } = setUp(2);
    for (const thread of threads) thread.say({ type: 'ready' });
    const first = await pool.open(options());
    if (!first.ok) throw first.failure;
    for (const thread of threads) if (thread.got.length > 0) thread.die('crash');
    const second = await pool.open({ ...options(), near: first.value.id });
    expect(second).toMatchObject({ ok: false, failure: { code: 'worker-lost' } });
  });
});

describe('questions to a leg', () => {
  const asking = async () => {
    const world = setUp(1);
    const thread = world.threads[0];
    if (thread === undefined) throw new Error('no thread');
    thread.say({ type: 'ready' });
    const opened = await world.pool.open(options());
    if (!opened.ok) throw opened.failure;
    opened.value.listen({ lost: () => undefined } as unknown as LegListener);
    return { ...world, thread, leg: opened.value };
  };

  it('are settled by the answers that have their numbers, in any order', async () => {
    const { thread, leg } = await asking();
    const first = leg.digits('1', 'events');
    const second = leg.digits('2', 'tones');
    const asks = thread.got.flatMap(message => (message.type === 'digits' ? [message.ask] : []));
    thread.say({ type: 'done', leg: leg.id, ask: asks[1] ?? 0, ok: true });
    thread.say({ type: 'done', leg: leg.id, ask: asks[0] ?? 0, ok: false });
    expect([await first, await second]).toEqual([false, true]);
  });

  it('are settled when the leg is closed and when its worker dies', async () => {
    const closed = await asking();
    const quiet = closed.leg.quiet(5000);
    void closed.leg.close();
    await quiet;
    expect(await closed.leg.digits('1', 'events')).toBe(false);
    const dead = await asking();
    const pressed = dead.leg.digits('1', 'events');
    dead.thread.die('crash');
    expect(await pressed).toBe(false);
  });
});

describe('a worker that is stuck', () => {
  it('is ended with its calls and replaced, once it has said nothing for too long', async () => {
    const { pool, threads, clock, events } = setUp();
    const [stuck, other] = threads as [FakeThread, FakeThread];
    const metrics = {} as never;
    stuck.say({ type: 'ready' });
    other.say({ type: 'ready' });
    const leg = await openLeg(pool);
    let end: unknown;
    leg.listen({ ...deaf(), lost: reason => (end = reason) });
    const look = () => {
      other.say({ type: 'pulse', legs: 0, ports: 0, metrics });
      clock.advance(pulseMs);
    };
    stuck.say({ type: 'pulse', legs: 1, ports: 2, metrics });
    for (let seen = 1; seen < silentLooks; seen++) look();
    expect(end).toBeUndefined();
    look();
    expect(end).toEqual(ending('worker-lost'));
    expect(events.events).toEqual([{ type: 'worker-lost', worker: 0, legs: 1 }]);
    look();
    expect(threads).toHaveLength(3);
    await pool.stop();
    expect(clock.pending).toBe(0);
  });

  it('is not one that still starts', () => {
    const { threads, clock, events } = setUp(1);
    clock.advance(10 * silentLooks * pulseMs);
    expect([threads.length, events.events.length]).toEqual([1, 0]);
  });
});

describe('a worker that is late with its work', () => {
  const late = overloadLimits.workerLagMs + 1;

  it('gets no new legs while another is in time', async () => {
    const { pool, threads } = setUp();
    threads[0]?.say({ type: 'lag', ms: late });
    for (let leg = 0; leg < 4; leg++) await openLeg(pool);
    expect(threads.map(thread => thread.got.length)).toEqual([0, 4]);
    expect(pool.lags).toEqual([
      { worker: 0, ms: late },
      { worker: 1, ms: 0 },
    ]);
  });

  it('gets them again once it has caught up', async () => {
    const { pool, threads } = setUp();
    threads[0]?.say({ type: 'lag', ms: late });
    await openLeg(pool);
    threads[0]?.say({ type: 'lag', ms: 0 });
    await openLeg(pool);
    expect(threads.map(thread => thread.got.length)).toEqual([1, 1]);
  });

  it('still gets the second leg of a call that it carries', async () => {
    const { pool, threads } = setUp();
    const leg = await openLeg(pool);
    threads[0]?.say({ type: 'lag', ms: late });
    expect((await pool.open({ ...options(), near: leg.id })).ok).toBe(true);
    expect(threads.map(thread => thread.got.length)).toEqual([2, 0]);
  });

  it('is late for as long as it says nothing at all, not even what it does once a second', () => {
    const { pool, threads, clock } = setUp(1);
    threads[0]?.say({ type: 'lag', ms: 0 });
    clock.advance(2000);
    expect(pool.lags[0]?.ms).toBe(0);
    clock.advance(200);
    expect(pool.lags[0]?.ms).toBe(200);
  });

  it('is late while a leg that it was asked for is not open, and gets no other', async () => {
    const { pool, threads, clock } = setUp();
    const [stuck] = threads;
    const answer = holdBack(stuck!);
    const waiting = pool.open(options());
    clock.advance(100);
    expect(pool.lags[0]?.ms).toBe(0);
    clock.advance(60);
    expect(pool.lags[0]?.ms).toBe(60);
    await openLeg(pool);
    await openLeg(pool);
    expect(stuck!.got).toHaveLength(1);
    answer();
    expect((await waiting).ok).toBe(true);
    expect(pool.lags[0]?.ms).toBe(0);
  });
});
