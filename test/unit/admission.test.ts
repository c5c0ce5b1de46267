import { describe, expect, it } from 'vitest';
import { OverloadGuard } from '../../src/admission.ts';
import { ending } from '../../src/core/ending.ts';
import type { BridgeEvent } from '../../src/core/events.ts';
import type { CallKey, LegId } from '../../src/core/ids.ts';
import { noLegStats } from '../../src/core/leg-stats.ts';
import { overloadLimits } from '../../src/core/overload.ts';
import type { Admission, RequestFacts } from '../../src/sip/signalling.ts';
import { LateClock } from '../support/late-clock.ts';

const { mainLagMs, workerLagMs, connectionLagMs } = overloadLimits;
const passed: Admission = { verdict: 'pass', trunk: 'pbx' };

function request(method: string, headers: Record<string, string> = {}, behindMs = 0): RequestFacts {
  return {
    method,
    uri: 'sip:+14155550199@bridge.example',
    requestUser: '+14155550199',
    source: { transport: 'tcp', address: '127.0.0.1', port: 5060, localAddress: '127.0.0.1' },
    behindMs,
    header: name => (headers[name] === undefined ? [] : [headers[name]]),
  };
}

const arrived = (call: string): BridgeEvent => ({
  type: 'call-arrived',
  call: call as CallKey,
  sipCallId: call,
  callId: call,
  caller: '',
  called: '',
  trunk: 'pbx',
  headersDropped: 0,
});

function setUp(workers: readonly number[] = [0], limits = overloadLimits) {
  const clock = new LateClock();
  const told = { workers: [...workers] };
  const guard = new OverloadGuard({
    limits,
    clock,
    workers: () => told.workers.map((ms, worker) => ({ worker, ms })),
  });
  clock.rest(300);
  // As many as make a difference.
  for (let i = 0; i < limits.setupsAlways; i++) {
    expect(guard.objection('pbx')).toBeUndefined();
    guard.emit(arrived(`call_${i}`));
  }
  const busy = () => {
    for (let i = 0; i < 5; i++) clock.work(mainLagMs * 2);
  };
  return { clock, guard, told, busy };
}

describe('a new call', () => {
  it('comes in while every thread is in time', () => {
    const { guard } = setUp();
    expect(guard.screen(request('INVITE', { To: '<sip:x@y>' }), passed)).toBe(passed);
  });

  it('gets 503, when to come again and the name of the limit while the main thread is late', () => {
    const { guard, busy } = setUp();
    busy();
    const refused = guard.screen(request('INVITE', { To: '<sip:x@y>' }), passed);
    expect(refused).toMatchObject({
      verdict: 'refuse',
      status: 503,
      end: { result: 'us', reason: 'overloaded' },
    });
    const headers = new Map(refused.verdict === 'refuse' ? refused.headers : []);
    expect(Number(headers.get('Retry-After'))).toBeGreaterThanOrEqual(5);
    expect(Number(headers.get('Retry-After'))).toBeLessThanOrEqual(15);
    expect(headers.get('Warning')).toMatch(/^399 trunkbridge ".*mainLagMs is 25.*"$/);
  });

  it('comes in at the same time where the guard is off', () => {
    const off = { ...overloadLimits, mainLagMs: 1e9, workerLagMs: 1e9, connectionLagMs: 1e9 } as never;
    const { guard, busy } = setUp([1000], off);
    busy();
    expect(guard.screen(request('INVITE', {}, 60_000), passed)).toBe(passed);
  });

  it('comes in when few others are being set up: not they are what makes this process late', () => {
    const { guard, busy } = setUp([1000]);
    busy();
    expect(guard.objection('pbx')).toBeDefined();
    guard.emit({ type: 'call-answered', call: 'call_0' as CallKey, setupMs: 1, leg: 'leg_0' as LegId });
    expect(guard.objection('pbx')).toBeUndefined();
    guard.emit(arrived('call_9'));
    expect(guard.objection('pbx')).toBeDefined();
    const end = ending('caller-cancelled');
    const stats = noLegStats;
    guard.emit({ type: 'call-ended', call: 'call_9' as CallKey, end, answered: false, seconds: 0, stats });
    expect(guard.objection('pbx')).toBeUndefined();
  });

  it('comes in over a trunk that asks for little, whatever another one does', () => {
    const { guard, busy } = setUp([1000]);
    busy();
    expect(guard.screen(request('INVITE'), { verdict: 'pass', trunk: 'pbx' })).toMatchObject({ status: 503 });
    const other: Admission = { verdict: 'pass', trunk: 'branch' };
    expect(guard.screen(request('INVITE'), other)).toBe(other);
  });

  it('comes in again as soon as the main thread has caught up', () => {
    const { guard, busy, clock } = setUp();
    busy();
    clock.rest(200);
    expect(guard.screen(request('INVITE'), passed)).toBe(passed);
  });

  it('is refused when every worker is late, and not while one is in time', () => {
    const { guard, told } = setUp([workerLagMs + 1, 0]);
    expect(guard.screen(request('INVITE'), passed)).toBe(passed);
    told.workers = [workerLagMs + 1, workerLagMs + 30];
    expect(guard.objection('pbx')).toMatchObject({
      reason: 'overloaded',
      detail: expect.stringContaining('workerLagMs'),
    });
  });

  it('is refused when its connection has been behind for long', () => {
    const { guard } = setUp();
    expect(guard.screen(request('INVITE', {}, connectionLagMs), passed)).toBe(passed);
    expect(guard.screen(request('INVITE', {}, connectionLagMs + 1), passed)).toMatchObject({ status: 503 });
  });

  it('keeps the refusal of the gate, whatever the load', () => {
    const { guard, busy } = setUp();
    busy();
    const dropped: Admission = { verdict: 'drop' };
    expect(guard.screen(request('INVITE'), dropped)).toBe(dropped);
  });
});

describe('what belongs to a call that is up', () => {
  it.each([
    ['a re-INVITE', request('INVITE', { To: '<sip:x@y>;tag=1' }, 5000)],
    [
      'an INVITE that takes its place',
      request('INVITE', { To: '<sip:x@y>', Replaces: 'a;to-tag=b;from-tag=c' }, 5000),
    ],
    ['a BYE', request('BYE', { To: '<sip:x@y>;tag=1' }, 5000)],
    ['an OPTIONS, by which a trunk sees that we are there', request('OPTIONS', {}, 5000)],
  ])('goes on while every thread is late: %s', (_what, asked) => {
    const { guard, busy } = setUp([1000]);
    busy();
    expect(guard.screen(asked, passed)).toBe(passed);
  });
});

describe('how late each thread is', () => {
  it('is told by its name', () => {
    const { guard, busy } = setUp([3, 7]);
    busy();
    const [main, ...workers] = guard.lags;
    expect(main).toMatchObject({ thread: 'main' });
    expect(main?.ms).toBeGreaterThan(mainLagMs);
    expect(workers).toEqual([
      { thread: 'worker 0', ms: 3 },
      { thread: 'worker 1', ms: 7 },
    ]);
  });
});
