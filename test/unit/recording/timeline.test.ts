import { describe, expect, it } from 'vitest';
import { recordingLimits as limits } from '../../../src/recording/limits.ts';
import { sides, Timeline } from '../../../src/recording/timeline.ts';

const frame = (value: number, count = 160) => new Int16Array(count).fill(value);

/** Everything that is final, as one list of samples for each side. */
function takeAll(timeline: Timeline, nowMs?: number) {
  const caller: number[] = [];
  const agent: number[] = [];
  const dst = new Int16Array(2000);
  for (let count = timeline.take(dst, 1000, nowMs); count > 0; count = timeline.take(dst, 1000, nowMs)) {
    for (let i = 0; i < count; i++) {
      caller.push(dst[2 * i]!);
      agent.push(dst[2 * i + 1]!);
    }
  }
  return { caller, agent };
}

/** The stretches of equal samples: value and length. */
function runs(samples: readonly number[]): [number, number][] {
  const found: [number, number][] = [];
  for (const value of samples) {
    const last = found.at(-1);
    if (last?.[0] === value) last[1] += 1;
    else found.push([value, 1]);
  }
  return found;
}

describe('the timeline of a recording', () => {
  it('puts each side where it was heard, and silence where nothing was', () => {
    const timeline = new Timeline(8000, 1000);
    for (let at = 1000; at < 1100; at += 20) timeline.put(sides.caller, at, frame(1), 160);
    timeline.put(sides.agent, 1045, frame(2), 160);
    const { caller, agent } = takeAll(timeline);
    expect(runs(caller)).toEqual([[1, 800]]);
    expect(runs(agent)).toEqual([
      [0, 360],
      [2, 160],
      [0, 280],
    ]);
  });

  it.each([
    [8000, 60],
    [16_000, 10],
  ])('is off by no sample: at %i Hz after %i minutes with every 333rd packet missing', (rate, minutes) => {
    const timeline = new Timeline(rate, 5000.7);
    const perMs = rate / 1000;
    const dst = new Int16Array(2 * 8192);
    let taken = 0;
    const marks: number[] = [];
    const whole = minutes * 60_000;
    for (let ms = 0; ms < whole; ms += 20) {
      // Two slots of the pacer, 7 ms apart; the last of each is marked.
      const missing = (ms / 20) % 333 === 0;
      const last = ms === whole - 20;
      timeline.put(sides.caller, 5000 + ms, frame(last ? 9 : 1, 20 * perMs), 20 * perMs);
      if (!missing) timeline.put(sides.agent, 5007 + ms, frame(last ? 9 : 1, 20 * perMs), 20 * perMs);
      const now = last ? undefined : 5000 + ms;
      for (let n = timeline.take(dst, 8192, now); n > 0; n = timeline.take(dst, 8192, now)) {
        const at = dst.subarray(0, 2 * n).indexOf(9);
        if (at >= 0) marks.push(2 * taken + at, 2 * taken + dst.subarray(0, 2 * n).lastIndexOf(9));
        taken += n;
      }
    }
    // The first mark is the caller's, on the left; the last one the agent's, on the right.
    expect(marks).toEqual([2 * (whole - 20) * perMs, 2 * (whole + 7) * perMs - 1]);
    expect(taken).toBe((whole + 7) * perMs);
    expect(timeline.lostMs).toBe(0);
  });

  it('leaves out what overlaps when a re-offer changes the packet time, and stays in step', () => {
    const timeline = new Timeline(8000, 0);
    timeline.put(sides.agent, 0, frame(1, 480), 480);
    timeline.put(sides.agent, 50, frame(2), 160);
    timeline.put(sides.agent, 70, frame(3), 160);
    expect(runs(takeAll(timeline).agent)).toEqual([
      [1, 480],
      [2, 80],
      [3, 160],
    ]);
  });

  it('gives nothing that the other side may still have to say something about', () => {
    const timeline = new Timeline(8000, 0);
    timeline.put(sides.caller, 0, frame(1, 8 * 300), 8 * 300);
    expect(takeAll(timeline, 1000).caller).toHaveLength(8 * (300 - limits.settleMs));
    timeline.put(sides.agent, 120, frame(2), 160);
    const { agent } = takeAll(timeline);
    expect(runs(agent)).toEqual([
      [0, 160],
      [2, 160],
      [0, 8 * 160],
    ]);
  });

  it('goes by the clock where one side is put ahead of its time: the other still has all of its own', () => {
    const timeline = new Timeline(8000, 0);
    const callers: number[] = [];
    // Sound of the agent is topped up by 300 ms at a time; the caller's comes 60 ms after it was spoken.
    for (let now = 0; now < 3000; now += 20) {
      if (now % 100 === 0)
        for (let at = now + 200; at < now + 300; at += 20) timeline.put(sides.agent, at, frame(2), 160);
      if (now >= 60) timeline.put(sides.caller, now - 60, frame(1), 160);
      callers.push(...takeAll(timeline, now).caller);
    }
    callers.push(...takeAll(timeline).caller);
    expect(runs(callers)).toEqual([
      [1, 8 * 2940],
      [0, 8 * 260],
    ]);
  });

  it('has all of what begins between two samples', () => {
    const timeline = new Timeline(8000, 0);
    timeline.put(sides.agent, 1000.37, frame(2), 160);
    timeline.put(sides.agent, 1020.37, frame(3), 160);
    timeline.put(sides.agent, 1000.41, frame(4, 640), 640);
    expect(runs(takeAll(timeline).agent)).toEqual([
      [0, 8003],
      [2, 160],
      [3, 160],
      [4, 320],
    ]);
  });

  it('is silent where one side was thrown away before it was heard, and goes on from there', () => {
    const timeline = new Timeline(8000, 0);
    timeline.put(sides.agent, 0, frame(2, 8 * 300), 8 * 300);
    timeline.put(sides.caller, 0, frame(1, 8 * 200), 8 * 200);
    timeline.withdraw(sides.agent, 100);
    timeline.put(sides.agent, 150, frame(3), 160);
    const { caller, agent } = takeAll(timeline);
    expect(runs(caller)).toEqual([[1, 8 * 200]]);
    expect(runs(agent)).toEqual([
      [2, 8 * 100],
      [0, 8 * 50],
      [3, 160],
      [0, 8 * 30],
    ]);
  });

  it('is silent on both sides from a little before a pause until a little after it, and says where', () => {
    const timeline = new Timeline(8000, 0);
    const both = (from: number, to: number) => {
      for (let at = from; at < to; at += 20)
        for (const side of Object.values(sides)) timeline.put(side, at, frame(1), 160);
    };
    both(0, 1000);
    timeline.pause(1000);
    both(1000, 2000);
    timeline.resume(2000);
    both(2000, 3000);
    const from = 1000 - limits.gapLeadMs;
    const to = 2000 + limits.gapTailMs;
    expect(timeline.gaps).toEqual([{ fromMs: from, toMs: to, cause: 'code' }]);
    const { caller, agent } = takeAll(timeline);
    const expected = [
      [1, 8 * from],
      [0, 8 * (to - from)],
      [1, 8 * (3000 - to)],
    ];
    expect(runs(caller)).toEqual(expected);
    expect(runs(agent)).toEqual(expected);
  });

  it('makes one gap of two pauses that touch, and ends one that is open with the recording', () => {
    const timeline = new Timeline(8000, 0);
    const listen = (from: number, to: number) => {
      for (let at = from; at < to; at += 20) timeline.put(sides.caller, at, frame(1), 160);
    };
    listen(0, 200);
    timeline.pause(200);
    listen(200, 400);
    timeline.resume(400);
    listen(400, 600);
    timeline.pause(600);
    listen(600, 800);
    expect(timeline.gaps).toEqual([{ fromMs: 200 - limits.gapLeadMs, toMs: 800, cause: 'code' }]);
  });

  it('gives up what nobody takes, counts it, and keeps the time', () => {
    const timeline = new Timeline(8000, 0, 1000);
    for (let at = 0; at < 1500; at += 20) timeline.put(sides.caller, at, frame(1), 160);
    expect(timeline.lostMs).toBe(1000);
    expect(timeline.gaps).toEqual([{ fromMs: 0, toMs: 1000, cause: 'lost' }]);
    expect(runs(takeAll(timeline).caller)).toEqual([
      [0, 8000],
      [1, 8 * 500],
    ]);
  });

  it('keeps the time also when it was asleep for longer than it can hold', () => {
    const timeline = new Timeline(8000, 0, 1000);
    timeline.put(sides.caller, 0, frame(1), 160);
    timeline.put(sides.caller, 60_000, frame(2), 160);
    const { caller } = takeAll(timeline);
    expect(caller).toHaveLength(8 * 60_020);
    expect(runs(caller).at(-1)).toEqual([2, 160]);
  });
});
