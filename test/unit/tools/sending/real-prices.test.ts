import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/core/logger.ts';
import { type Bought, priceLimits, RealPrices } from '../../../../src/tools/sending/real-prices.ts';
import { someRun } from '../../../support/call-records.ts';
import { FakeStore } from '../../../support/fake-store.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { TwilioWorld } from '../../../support/twilio-world.ts';

const estimate = { micros: 100_000, currency: 'USD' };
const counters = ['money-call', 'money-day'];
const to = '+14155550177';

let clock: ManualClock;
let store: FakeStore;
let world: TwilioWorld;
let prices: RealPrices;
let connected: boolean;

beforeEach(async () => {
  clock = new ManualClock();
  store = new FakeStore({ clock });
  world = await TwilioWorld.start(clock);
  connected = true;
  prices = started();
});

/** As it is after a start. */
function started(): RealPrices {
  const gone = { ok: false, failure: { message: 'not connected' } } as never;
  const twilio = { client: () => (connected ? world.connection.client() : gone) };
  const { counters, executions, pending } = store;
  return new RealPrices({ twilio, counters, executions, pending, clock, log: silentLogger });
}

afterEach(async () => {
  prices.close();
  await world.sim.close();
  await store.close();
});

const take = (amount: number, limit = 1_000_000_000) =>
  store.counters.take(
    ['money-call', 'money-day'].map(name => ({ name, subject: 'all', windowMs: 86_400_000, limit, amount })),
  );

/** Something that was bought, and in the log of executions. */
async function buy(more: Partial<Bought> = {}): Promise<Bought> {
  const taken = await take(estimate.micros);
  const receipt = taken.taken ? taken.receipt : '';
  const sid = more.what === 'call' ? await called() : await texted();
  const bought: Bought = {
    what: 'message',
    sid,
    receipt,
    counters,
    estimate,
    requestId: `RQ-${sid}`,
    ...more,
  };
  await store.executions.add({
    ...someRun,
    ...{ call: '', agentId: '', at: clock.wall(), cost: estimate },
    ...(bought.requestId === undefined ? {} : { requestId: bought.requestId }),
  });
  prices.note(bought);
  world.sim.requests.length = 0;
  return bought;
}

async function texted(): Promise<string> {
  const client = world.connection.client();
  if (!client.ok) throw client.failure;
  const from = world.sim.phoneNumber;
  const made = await client.value.call(sdk => sdk.messages.create({ to, from, body: 'Hello.' }));
  if (!made.ok) throw made.failure;
  world.sim.messages.charge(made.value.sid, null);
  return made.value.sid;
}

async function called(): Promise<string> {
  return world.sim.calls.add({ from: world.sim.phoneNumber, to, direction: 'outbound-api' }).sid;
}

/** Time goes by, and what is looked at then is over. */
async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  await prices.look();
}

const costs = async () => {
  const { executions } = await store.executions.list({ from: 0, to: clock.wall() }, { size: 100 });
  return executions.map(({ cost, costKnown }) => ({ micros: cost?.micros, known: costKnown ?? false }));
};
/** What of money is taken: so much and no more goes into the rest of this limit. */
async function taken(): Promise<number> {
  let [low, high] = [0, 10_000_000];
  while (low < high) {
    const middle = (low + high) >> 1;
    const answer = await take(1, middle + 1);
    if (answer.taken) await store.counters.giveBack(answer.receipt);
    if (answer.taken) high = middle;
    else low = middle + 1;
  }
  return low;
}

const [first = 0, second = 0] = priceLimits.looksMs;

describe('what something has really cost', () => {
  it('takes the place of the estimate in budgets and log once Twilio tells it, and is not asked again', async () => {
    const { sid } = await buy();
    expect([await taken(), await costs()]).toEqual([100_000, [{ micros: 100_000, known: false }]]);
    clock.advance(first - 1);
    expect(world.sim.requests).toEqual([]);
    await pass(1);
    expect(world.sim.requests.map(({ path }) => path)).toEqual([expect.stringContaining(`Messages/${sid}`)]);
    expect([await taken(), await costs()]).toEqual([100_000, [{ micros: 100_000, known: false }]]);
    world.sim.messages.charge(sid, { price: '-0.00790', unit: 'usd' });
    await pass(second - first);
    expect([await taken(), await costs()]).toEqual([7_900, [{ micros: 7_900, known: true }]]);
    await pass(86_400_000);
    expect([world.sim.requests.length, prices.size, clock.pending]).toEqual([2, 0, 0]);
  });

  it('counts in full where it is more than was thought, or nothing', async () => {
    const dear = await buy({ what: 'call' });
    world.sim.calls.charge(dear.sid, { price: '-2.50000', unit: 'USD' });
    await pass(first);
    expect(await taken()).toBe(2_500_000);
    const free = await buy();
    world.sim.messages.charge(free.sid, { price: '0', unit: 'USD' });
    await pass(first);
    expect(await taken()).toBe(2_500_000);
    expect((await costs()).map(({ micros }) => micros).sort()).toEqual([0, 2_500_000]);
  });

  it('in another currency is in the log, and budgets keep the estimate', async () => {
    const { sid } = await buy();
    world.sim.messages.charge(sid, { price: '-0.00700', unit: 'EUR' });
    await pass(first);
    const { executions } = await store.executions.list({ from: 0, to: clock.wall() }, { size: 9 });
    expect(executions[0]).toMatchObject({ cost: { micros: 7_000, currency: 'EUR' }, costKnown: true });
    expect(await taken()).toBe(100_000);
  });

  it('is asked for a few times and no more where Twilio never tells it: the estimate stays', async () => {
    await buy();
    for (let hour = 0; hour < 48; hour += 1) await pass(3_600_000);
    expect(world.sim.requests).toHaveLength(priceLimits.looksMs.length);
    expect([prices.size, clock.pending]).toEqual([0, 0]);
    expect(await costs()).toEqual([{ micros: 100_000, known: false }]);
  });

  it('is not asked for again where Twilio knows nothing of it', async () => {
    await buy({ sid: `SM${'0'.repeat(32)}` });
    await pass(first);
    expect([world.sim.requests.length, prices.size]).toEqual([1, 0]);
  });
});

describe('looks for prices', () => {
  it('are a bounded number at a time, with a pause between', async () => {
    for (let n = 0; n < priceLimits.aRound + 3; n += 1) await buy();
    await pass(first);
    expect(world.sim.requests).toHaveLength(priceLimits.aRound);
    await pass(priceLimits.pauseMs);
    expect(world.sim.requests).toHaveLength(priceLimits.aRound + 3);
  });

  it('end for the moment with the first that fails, and each thing is tried no more often for it', async () => {
    for (let n = 0; n < 3; n += 1) await buy();
    const over = world.sim.failNext({ code: 20003 }, 1_000);
    await pass(first);
    expect(world.sim.requests).toHaveLength(1);
    for (let hour = 0; hour < 48; hour += 1) await pass(3_600_000);
    over();
    expect(world.sim.requests.length).toBeLessThanOrEqual(3 * priceLimits.looksMs.length);
    expect(prices.size).toBe(0);
  });

  it('ask nothing while there is no connection, and go on when there is one', async () => {
    const { sid } = await buy();
    world.sim.messages.charge(sid, { price: '-0.00790', unit: 'USD' });
    connected = false;
    await pass(first);
    expect(world.sim.requests).toEqual([]);
    connected = true;
    await pass(second);
    expect(await costs()).toEqual([{ micros: 7_900, known: true }]);
  });

  it('leave the estimate where the store takes nothing, and harm nobody', async () => {
    const { sid } = await buy();
    world.sim.messages.charge(sid, { price: '-0.00790', unit: 'USD' });
    store.down = true;
    await pass(first);
    store.down = false;
    expect([prices.size, await taken()]).toEqual([0, 100_000]);
  });

  it('are not made for the oldest where too many are waited for, nor after the end', async () => {
    const kept: Bought = { what: 'message', sid: '', receipt: 'r', counters, estimate };
    for (let n = 0; n <= priceLimits.kept; n += 1) prices.note({ ...kept, sid: `SM${n}` });
    expect(prices.size).toBe(priceLimits.kept);
    prices.close();
    prices.note(kept);
    expect([prices.size, clock.pending]).toEqual([0, 0]);
  });

  it('come in time for what was bought while a later one is waited for', async () => {
    await buy();
    await pass(first);
    await pass(second - first);
    const { sid } = await buy();
    world.sim.messages.charge(sid, { price: '-0.01', unit: 'USD' });
    await pass(first);
    expect(world.sim.requests.filter(({ path }) => path.includes(sid))).toHaveLength(1);
  });
});

describe('what is waited for over a restart', () => {
  const kept = () => store.pending.own('price', 100);
  const restart = async (after: number) => {
    prices.close();
    clock.advance(after);
    prices = started();
    await prices.resume();
  };

  it('gets its price as if there had been none, and is forgotten then', async () => {
    const { sid } = await buy();
    await settled();
    await restart(first / 2);
    expect([prices.size, world.sim.requests]).toEqual([1, []]);
    world.sim.messages.charge(sid, { price: '-0.0079', unit: 'USD' });
    await pass(first / 2 - 1);
    expect(world.sim.requests).toEqual([]);
    await pass(1 + priceLimits.pauseMs);
    expect(world.sim.requests).toHaveLength(1);
    expect([await taken(), await costs()]).toEqual([7_900, [{ micros: 7_900, known: true }]]);
    await settled();
    expect([prices.size, await kept()]).toEqual([0, []]);
  });

  it('is looked at once more where all its looks went by meanwhile, and not after a day', async () => {
    await buy();
    await buy({ what: 'call' });
    await settled();
    const last = priceLimits.looksMs.at(-1) ?? 0;
    await restart(last + 60_000);
    await pass(priceLimits.pauseMs);
    expect(world.sim.requests).toHaveLength(2);
    await settled();
    expect([prices.size, await kept()]).toEqual([0, []]);
    await buy();
    await settled();
    await restart(86_400_000);
    expect(prices.size).toBe(0);
  });

  it('is waited for in memory while the store is down', async () => {
    const { sid } = await buy();
    await settled();
    prices.close();
    prices = started();
    store.down = true;
    await prices.resume();
    expect(prices.size).toBe(0);
    prices.note({ what: 'message', sid, receipt: '', counters, estimate });
    await settled();
    expect(prices.size).toBe(1);
    store.down = false;
  });
});

/** What was to be written to the store is. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise(resolve => setImmediate(resolve));
}
