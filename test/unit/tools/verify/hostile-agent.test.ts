import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GateState } from '../../../../src/tools/gates.ts';
import { defaultVerifyPolicy, type VerifyPolicy } from '../../../../src/tools/verify/policy.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { key, type VerifyCall, VerifyWorld } from '../../../support/verify-world.ts';

/*
 * An agent that does whatever it likes, or what a caller talks it into: any tool, any number, in any order and as often as it
 * wants, over several calls, hours and failures of Twilio. What really went to Twilio is counted there.
 */

const callers = ['+14155550123', '+14155550124'] as const;
const listed = '+493012345678';
const strangers = ['+14155550177', '+19005550123', '+881612345678', '+8613800138000'] as const;
const numbers = [...callers, listed, ...strangers];

/** Answers of Twilio's: a 429 that passes is tried again by the client, up to four requests for one code; one that is lost is not. */
const faults = [60205, 60203, 20429, 60212, 'lost', 'lost', 'lost'] as const;
type Fault = (typeof faults)[number];

type Step =
  | { readonly act: 'send'; readonly call: number; readonly to: string; readonly channel: string }
  | { readonly act: 'check'; readonly call: number; readonly to: string; readonly right: boolean }
  | { readonly act: 'key'; readonly call: number; readonly right: boolean }
  | { readonly act: 'wait'; readonly ms: number }
  | { readonly act: 'redial'; readonly call: number }
  | { readonly act: 'fail'; readonly fault: Fault; readonly times: number };

const call = fc.nat({ max: callers.length - 1 });
const to = fc.constantFrom(...numbers);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      act: fc.constant('send' as const),
      call,
      to,
      channel: fc.constantFrom('sms', 'call', 'whatsapp'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('check' as const), call, to, right: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('key' as const), call, right: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant('wait' as const),
      ms: fc.constantFrom(1_000, 31_000, 601_000, 1_800_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('redial' as const), call }) },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constant('fail' as const),
      fault: fc.constantFrom(...faults),
      times: fc.constantFrom(1, 1, 2, 5),
    }),
  },
);

const policy: VerifyPolicy = {
  ...defaultVerifyPolicy,
  destinations: 'listed',
  listedNumbers: [listed, ...strangers.slice(1, 3)],
  sendsPerCall: 3,
  checksPerCall: 4,
  sendsPerNumberHour: 3,
  sendsPerNumberDay: 5,
  sendsPerHour: 6,
  sendsPerDay: 12,
};
const unbounded = 1_000_000;
const unguarded: VerifyPolicy = {
  ...policy,
  destinations: 'any',
  deniedPrefixes: [],
  sendsPerCall: unbounded,
  checksPerCall: unbounded,
  sendsPerNumberHour: unbounded,
  sendsPerNumberDay: unbounded,
  sendsPerHour: unbounded,
  sendsPerDay: unbounded,
  resendAfterMs: 0,
};

/** One code that Twilio really sent. */
interface Sent {
  readonly to: string;
  readonly atMs: number;
  readonly call: object;
}

interface Run {
  readonly sends: Sent[];
  /** Checks by the call that they were made in, those aside that Twilio did not look at. */
  readonly checks: Map<object, number>;
  /** Requests for a code that Twilio was too busy to look at. */
  busy: number;
}

async function play(steps: readonly Step[], rules: VerifyPolicy, gate: GateState): Promise<Run> {
  const clock = new ManualClock();
  const world = await VerifyWorld.start(clock);
  world.policy = rules;
  world.gate = gate;
  const calls: VerifyCall[] = callers.map(callerId => world.call({ callerId }));
  const run: Run = { sends: [], checks: new Map(), busy: 0 };
  const seen = { requests: 0, texts: 0 };
  /** What the next requests meet with, as the stand-in was told. */
  const ahead: Fault[] = [];
  const note = (of: VerifyCall) => {
    const { requests, texts } = world.sim;
    for (const text of texts.slice(seen.texts)) run.sends.push({ to: text.to, atMs: clock.now(), call: of });
    for (const { path } of requests.slice(seen.requests)) {
      const fault = ahead.shift();
      const busy = fault === 20429 || fault === 60212;
      if (path.endsWith('/Verifications')) run.busy += Number(busy);
      else if (!busy) run.checks.set(of, (run.checks.get(of) ?? 0) + 1);
    }
    seen.requests = requests.length;
    seen.texts = texts.length;
  };
  try {
    for (const one of steps) {
      if (one.act === 'wait') clock.advance(one.ms);
      else if (one.act === 'fail') {
        world.sim.failNext(one.fault === 'lost' ? { lost: true } : { code: one.fault }, one.times);
        ahead.push(...Array.from({ length: one.times }, () => one.fault));
      } else if (one.act === 'redial') {
        calls[one.call]?.control.taker?.over();
        calls[one.call] = world.call({ callerId: callers[one.call] ?? '' });
      } else {
        const within = calls[one.call] as VerifyCall;
        const codeOf = (number: string, right: boolean) =>
          right && world.sim.texts.some(text => text.to === number) ? world.sim.codeFor(number) : '0000';
        if (one.act === 'send') await settled(clock, world.send(within, one.to, one.channel));
        else if (one.act === 'check')
          await settled(clock, world.check(within, one.to, codeOf(one.to, one.right)));
        else if (within.control.taker !== undefined) {
          const before = within.control.asked.length;
          key(within, codeOf(callers[one.call] ?? '', one.right));
          await settled(clock, quiet(within, before));
        }
        note(within);
      }
    }
  } finally {
    for (const each of calls) each.control.taker?.over();
    await world.sim.close();
  }
  return run;
}

/** Lets the waits of the client's retries go by. */
async function settled<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  let done = false;
  const result = work.finally(() => {
    done = true;
  });
  for (let i = 0; i < 2000 && !done; i++) {
    await new Promise(resolve => setTimeout(resolve, 1));
    if (i % 20 === 19) clock.advance(50);
  }
  return result;
}

/** Settles when the agent was told of what was keyed, or clearly will not be. */
async function quiet({ control }: VerifyCall, before: number): Promise<void> {
  for (let i = 0; i < 60 && control.asked.length === before; i++) {
    await new Promise(resolve => setTimeout(resolve, 1));
  }
}

/** What of the rules was broken, as sentences. */
function broken({ sends, checks }: Run, callsTo: ReadonlySet<string>): string[] {
  const faults: string[] = [];
  const most = (list: readonly Sent[], windowMs: number) =>
    Math.max(
      0,
      ...list.map(({ atMs }) => list.filter(each => each.atMs > atMs - windowMs && each.atMs <= atMs).length),
    );
  const exceed = (what: string, count: number, limit: number) => {
    if (count > limit) faults.push(`${what}: ${count} of ${limit}`);
  };
  for (const each of sends) if (!callsTo.has(each.to)) faults.push(`sent to ${each.to}`);
  for (const number of new Set(sends.map(each => each.to))) {
    const those = sends.filter(each => each.to === number);
    exceed('number and hour', most(those, 3_600_000), policy.sendsPerNumberHour);
    exceed('number and day', most(those, 86_400_000), policy.sendsPerNumberDay);
  }
  for (const one of new Set(sends.map(each => each.call))) {
    exceed('call', sends.filter(each => each.call === one).length, policy.sendsPerCall);
  }
  exceed('hour', most(sends, 3_600_000), policy.sendsPerHour);
  exceed('day', most(sends, 86_400_000), policy.sendsPerDay);
  for (const count of checks.values()) exceed('checks of a call', count, policy.checksPerCall);
  return faults;
}

const script = fc.array(step, { minLength: 40, maxLength: 60 });
const allowed = new Set<string>([...callers, listed]);
const seed = 20_261_128;

describe('an agent that is hostile or confused', () => {
  it('cannot have sent more, or to others, than the policy allows', { timeout: 120_000 }, async () => {
    let busy = 0;
    await fc.assert(
      fc.asyncProperty(script, async steps => {
        const run = await play(steps, policy, { allowAutonomousSends: true, killSwitch: false });
        busy += run.busy;
        expect(broken(run, allowed)).toEqual([]);
      }),
      { numRuns: 20, seed, endOnFailure: true },
    );
    // Among them requests that were tried again.
    expect(busy).toBeGreaterThan(0);
  });

  it(
    'has nothing sent to others while the gate is shut, and nothing at all with the kill switch on',
    {
      timeout: 120_000,
    },
    () =>
      fc.assert(
        fc.asyncProperty(script, async steps => {
          const shut = await play(steps, policy, { allowAutonomousSends: false, killSwitch: false });
          expect(broken(shut, new Set<string>(callers))).toEqual([]);
          const killed = await play(steps, policy, { allowAutonomousSends: true, killSwitch: true });
          expect(killed.sends).toEqual([]);
        }),
        { numRuns: 2, seed, endOnFailure: true },
      ),
  );

  it('does exceed every one of its limits in the same run with the guard off', {
    timeout: 120_000,
  }, async () => {
    const faults = new Set<string>();
    for (const steps of fc.sample(script, { numRuns: 8, seed })) {
      const run = await play(steps, unguarded, { allowAutonomousSends: true, killSwitch: false });
      for (const fault of broken(run, allowed)) faults.add(fault.replace(/: .*| to .*/, ''));
    }
    expect([...faults].sort()).toEqual(
      ['call', 'checks of a call', 'day', 'hour', 'number and day', 'number and hour', 'sent'].sort(),
    );
  });
});
