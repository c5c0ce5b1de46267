import type { Summary } from './distribution.ts';
import type { Drift } from './drift.ts';
import type { Figures } from './figures.ts';
import type { Delay } from './join.ts';
import type { Lags, LoopLags } from './lags.ts';
import type { Pace } from './messages.ts';

const inDrift = ({ median, worst }: Drift): string => `${median} / ${worst}`;

type Cell = (figures: Figures) => string | undefined;

export const percentiles = ({ p50, p99, max }: Summary): string => `${p50} / ${p99} / ${max}`;
const inDelay = (delay: Delay | undefined): string | undefined =>
  delay === undefined
    ? undefined
    : `${delay.p50} / ${delay.p95} / ${delay.p99} / ${delay.max}${delay.missed > 0 ? ` (${delay.missed} missed)` : ''}`;
const inLags = (lags: Lags): string =>
  Object.entries(lags)
    .map(([thread, ms]) => `${thread} ${ms.toFixed(1)}`)
    .join(', ');
export const inLoopLags = (lags: LoopLags): string =>
  Object.entries(lags)
    .map(([thread, { p50, p99, max }]) => `${thread} ${p50} / ${p99} / ${max}`)
    .join(', ');
export const inPace = ({ least, most }: Pace): string => `${least.toFixed(3)} to ${most.toFixed(3)}`;

/** Every figure that is shown, in its order. */
const rows: readonly (readonly [name: string, cell: Cell])[] = [
  ['CPU of a call, % of a core', ({ cpu }) => cpu.perCall.toFixed(3)],
  ['CPU, % of a core', ({ cpu }) => cpu.percent.toFixed(1)],
  ['  by thread', ({ cpu }) => cpu.threads.map(({ percent }) => percent.toFixed(1)).join(' + ')],
  ['memory idle, loaded, MB', ({ memory }) => `${memory.idle.toFixed(0)}, ${memory.loaded.toFixed(0)}`],
  ['memory of a call, MB', ({ memory }) => memory.perCall.toFixed(3)],
  ['open files idle, with calls, after them', ({ files: f }) => f && `${f.idle}, ${f.loaded}, ${f.after}`],
  ['GC pauses, count / total / max ms', ({ collections: c }) => `${c.count} / ${c.totalMs} / ${c.maxMs}`],
  ['event-loop lag at worst, ms', ({ lags }) => (lags && inLags(lags)) || undefined],
  ['event-loop lag, p50 / p99 / max ms', ({ loopLags }) => loopLags && inLoopLags(loopLags)],
  ['packets received', ({ wire }) => String(wire.received)],
  ['packets lost', ({ wire }) => String(wire.lost)],
  ['packets with a wrong tag', ({ wire }) => wire.unopened?.toString()],
  ['gaps over 40 ms', ({ wire }) => String(wire.gaps)],
  ['wire against real time', ({ wire }) => inPace(wire.pace)],
  ['drift of the wire, middle / worst ppm', ({ wire }) => wire.drift && inDrift(wire.drift)],
  ['agent against real time', ({ agent }) => inPace(agent.pace)],
  ['send lateness, p50 / p99 / max ms', ({ wire }) => percentiles(wire.lateness)],
  ['packet interval, p50 / p99 / max ms', ({ wire }) => percentiles(wire.interval)],
  ['the telephones themselves late', ({ observers }) => percentiles(observers.telephones)],
  ['the telephones are', ({ observers }) => observers.made.telephones],
  ['the agent itself late', ({ observers }) => percentiles(observers.agent)],
  ['the agent is', ({ observers }) => observers.made.agent],
  [
    'CPU % of telephones, agent, others, stolen',
    ({ observers: { cpu } }) =>
      [cpu.telephones, cpu.agent, cpu.others, cpu.stolen].map(share => share.toFixed(0)).join(', '),
  ],
  ['calls answered / dropped', ({ calling: c }) => c && `${c.answered} / ${c.dropped}`],
  ['INVITE to 200, p50 / p95 / p99 / max ms', ({ calling: c }) => c && inSummary(c.inviteToAnswer)],
  ['agent ready to 200', ({ calling }) => inDelay(calling?.agentToAnswer)],
  ['first agent sound to first RTP', ({ calling }) => inDelay(calling?.firstSpeech)],
  ['later agent sound to RTP', ({ calling }) => inDelay(calling?.turn)],
  ['barge-in to silence on the wire', ({ calling }) => inDelay(calling?.bargeIn)],
  ['caller RTP to agent message', ({ calling }) => inDelay(calling?.callerToAgent)],
];

function inSummary({ p50, p95, p99, max }: Summary): string {
  return `${p50} / ${p95} / ${p99} / ${max}`;
}

/** All figures side by side, as a Markdown table that can be read as it is; what none of them has is left out. */
export function tableOf(all: readonly Figures[]): string {
  const head = ['', ...all.map(({ subject, calls }) => `${subject}, ${calls} calls`)];
  const body = rows.flatMap(([name, cell]) => {
    const cells = all.map(cell);
    return cells.every(text => text === undefined) ? [] : [[name, ...cells.map(text => text ?? '-')]];
  });
  return markdown([head, ...body]);
}

/** Rows of cells, the head first, as a Markdown table that can be read as it is. */
export function markdown([head = [], ...body]: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...body].map(cells => (cells[column] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`;
  return [line(head), rule, ...body.map(line)].join('\n');
}
