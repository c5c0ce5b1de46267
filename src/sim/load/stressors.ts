import { BenchChild } from './child.ts';
import { monotonic } from './monotonic.ts';
import { rest } from './rest.ts';
import type { GeneratorChild, Stage } from './round.ts';

export const stressNames = ['blocked', 'setups', 'query', 'log', 'gc'] as const;
export type StressName = (typeof stressNames)[number];

/** What a phase was made of, in figures: proof that it happened. */
export type Happened = Readonly<Record<string, number>>;

export interface Stress {
  /** What is done to the bridge, in words. */
  readonly title: string;
  /** Does it until about `ms` are over. */
  readonly apply: (stage: Stage, ms: number) => Promise<Happened>;
}

/** How long the main thread stands still, and how often. */
const blockMs = 500;
const blockEveryMs = 2000;
/** A look at the lag of threads is asked for in the midst of it. */
const lookAfterMs = 200;
/** New calls a second and how long they live; a stalled log is filled by some. */
const setups = { perSecond: 100, holdMs: 500 };
const talkativeSetups = { perSecond: 25, holdMs: 500 };
/** Far above the numbers of the calls that are measured. */
const firstNewCall = 100_000;
const connections = 4;
/** Longer than a call may take to be answered. */
const startMs = 20_000;
const hangUpMs = 20_000;
/** People and programs that ask for records at once. */
const askers = 4;
/** What they ask: pages as large as there are, and filters that no index helps, so that every record is looked at. */
const questions = [
  '/v1/convai/conversations?page_size=100',
  '/v1/convai/conversations?page_size=100&tool_names=no_such_tool',
  '/v1/convai/conversations?page_size=100&call_duration_min_secs=86000&sort_direction=asc',
];
/** Live data that each forced collection has to walk through. */
const heapMb = 100;
/** How long what was held back may take to arrive, ms. */
const drainMs = 1000;

export const stresses: Readonly<Record<StressName, Stress>> = {
  blocked: { title: `main thread blocked for ${blockMs} ms every ${blockEveryMs / 1000} s`, apply: block },
  setups: {
    title: `${setups.perSecond} calls a second set up, each with a TLS handshake to the agent`,
    apply: (stage, ms) => setUp(stage, ms, setups),
  },
  query: { title: `${askers} clients ask for large pages of records, and search all of them`, apply: query },
  log: { title: 'nobody reads the log, and the lines of new calls fill it', apply: stallLog },
  gc: {
    title: `all garbage collected over and over on the main thread, ${heapMb} MB of live data`,
    apply: collect,
  },
};

async function block({ subject, options }: Stage, ms: number): Promise<Happened> {
  const end = monotonic() + ms;
  const lag = subject.watchLag?.();
  const blocks: number[] = [];
  while (monotonic() + blockMs < end) {
    const blocked = subject.child.hear('blocked', startMs);
    subject.child.tell({ type: 'block', ms: blockMs });
    await rest(lookAfterMs, options.stopped);
    await lag?.look();
    blocks.push((await blocked).ms);
    const free = Math.min(blockEveryMs - blockMs, end - monotonic());
    if (free > 0) await rest(free, options.stopped);
  }
  const lags = (await lag?.stop()) ?? {};
  return {
    blocks: blocks.length,
    longestMs: Math.round(Math.max(0, ...blocks)),
    lagSeenMs: Math.round(lags['main'] ?? 0),
  };
}

async function setUp(
  { subject, options }: Pick<Stage, 'subject' | 'options'>,
  ms: number,
  { perSecond, holdMs }: typeof setups,
): Promise<Happened> {
  const others: GeneratorChild = new BenchChild('second generator', options.programs.generator);
  try {
    await others.hear('ready', startMs);
    const order = await subject.open();
    if (order.type !== 'call') throw new Error('only a bridge can be called');
    const calls = Math.ceil((perSecond * holdMs) / 1000);
    others.tell({ ...order, calls, perSecond, holdMs, connections, firstCall: firstNewCall });
    const end = monotonic() + ms;
    await others.hear('up', ms + startMs);
    await rest(Math.max(1, end - monotonic()), options.stopped);
    const report = others.hear('report', startMs);
    others.tell({ type: 'report' });
    const { answered, refused, dropped, setup } = (await report).report;
    const idle = others.hear('idle', hangUpMs);
    others.tell({ type: 'hang-up' });
    await idle;
    return { answered, refused, dropped, setupP99Ms: setup.p99 };
  } finally {
    await others.stop();
  }
}

async function query({ subject, options }: Stage, ms: number): Promise<Happened> {
  const end = monotonic() + ms;
  const seen = { answers: 0, rows: 0, failed: 0, longestMs: 0 };
  const asker = async (first: number) => {
    let cursor = '';
    for (let i = first; monotonic() < end && !options.stopped.aborted; i++) {
      const begun = monotonic();
      const answer = await subject.ask?.(
        `${questions[i % questions.length]!}${i % questions.length === 0 ? cursor : ''}`,
      );
      const text = (await answer?.text()) ?? '';
      seen.longestMs = Math.max(seen.longestMs, Math.round(monotonic() - begun));
      if (answer?.ok !== true) {
        seen.failed++;
        continue;
      }
      const page = JSON.parse(text) as { conversations: unknown[]; next_cursor: string | null };
      seen.answers++;
      seen.rows += page.conversations.length;
      if (i % questions.length === 0) cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
    }
  };
  await Promise.all(Array.from({ length: askers }, (_, i) => asker(i)));
  return seen;
}

async function stallLog(stage: Stage, ms: number): Promise<Happened> {
  const { child } = stage.subject;
  const before = child.written;
  child.holdOutput();
  let seen: Happened;
  let held: number;
  try {
    seen = await setUp(stage, Math.max(1, ms - drainMs), talkativeSetups);
    held = child.written;
  } finally {
    child.releaseOutput();
  }
  await rest(drainMs, stage.options.stopped);
  const kilobytes = (bytes: number) => Math.round(bytes / 1024);
  return {
    ...seen,
    readWhileHeldKb: kilobytes(held - before),
    cameAfterwardsKb: kilobytes(child.written - held),
  };
}

async function collect({ subject }: Stage, ms: number): Promise<Happened> {
  const collected = subject.child.hear('collected', ms + startMs);
  subject.child.tell({ type: 'collect', heapMb, ms });
  const { count, longestMs } = await collected;
  return { collections: count, longestMs: Math.round(longestMs) };
}
