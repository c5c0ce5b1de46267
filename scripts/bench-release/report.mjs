// What is said of the figures of a release: a table for each part, and how they stand against the marks.
import { isMet, mostHeapOfPacket, tlsBounds } from '../../dist/src/sim/load/bounds.js';
import { median } from '../../dist/src/sim/load/figures.js';
import { stressTable } from '../../dist/src/sim/load/stress.js';
import { markdown } from '../../dist/src/sim/load/table.js';

/** What others may take of the machine, % of a core, before its times say nothing. */
const quietPercent = 25;

/** Pairs of a part as the list of marks knows them. */
const pairsOf = ({ results: [{ runs = [] }] }) =>
  runs.map(({ bridge, floor, plain }) => ({ bridge, other: floor ?? plain }));

/** Figures of a part for one number of calls, as the median over its pairs. */
function mediansOf(part, calls) {
  const pairs = pairsOf(part).filter(({ bridge }) => bridge.calls === calls);
  const of = figure => median(pairs.map(figure));
  const side = which => ({
    cpu: of(pair => pair[which].cpu.perCall),
    memory: of(pair => pair[which].memory.perCall),
    latenessP50: of(pair => pair[which].wire.lateness.p50),
    latenessP99: of(pair => pair[which].wire.lateness.p99),
    latenessMax: of(pair => pair[which].wire.lateness.max),
    intervalP99: of(pair => pair[which].wire.interval.p99),
    intervalMax: of(pair => pair[which].wire.interval.max),
    pause: of(pair => pair[which].collections.maxMs),
    others: of(pair => pair[which].observers.cpu.others + pair[which].observers.cpu.stolen),
    observer: of(pair => pair[which].observers.telephones.p99),
  });
  const calling = figure => of(pair => figure(pair.bridge.calling));
  return {
    calls,
    bridge: side('bridge'),
    other: side('other'),
    ratio: of(({ bridge, other }) => bridge.cpu.percent / other.cpu.percent),
    lost: pairs.reduce((sum, { bridge }) => sum + bridge.wire.lost, 0),
    paceLeast: Math.min(...pairs.map(({ bridge }) => bridge.wire.pace.least)),
    setup: calling(({ agentToAnswer }) => agentToAnswer.p95),
    down: calling(({ turn }) => turn.p95),
    up: calling(({ callerToAgent }) => callerToAgent.p95),
    bargeIn: calling(({ bargeIn }) => bargeIn.p95),
  };
}

const callsOf = part => [...new Set(pairsOf(part).map(({ bridge }) => bridge.calls))];

/** Each line: what it says, and its cell for one number of calls. Bridge first, what it is beside in parentheses. */
const lines = [
  ['CPU of a call, % of a core', m => `${m.bridge.cpu.toFixed(3)} (${m.other.cpu.toFixed(3)})`],
  ['the same, times', m => `x ${m.ratio.toFixed(2)}`],
  ['memory of a call, MB', m => `${m.bridge.memory.toFixed(3)} (${m.other.memory.toFixed(3)})`],
  ['packets lost; slowest stream', m => `${m.lost}; ${m.paceLeast.toFixed(3)}`],
  ['send lateness p50, ms', m => `${m.bridge.latenessP50} (${m.other.latenessP50})`],
  ['send lateness p99, ms', m => `${m.bridge.latenessP99} (${m.other.latenessP99})`],
  ['send lateness max, ms', m => `${m.bridge.latenessMax} (${m.other.latenessMax})`],
  ['packet interval p99, ms', m => `${m.bridge.intervalP99} (${m.other.intervalP99})`],
  ['packet interval max, ms', m => `${m.bridge.intervalMax} (${m.other.intervalMax})`],
  ['longest GC pause, ms', m => `${m.bridge.pause} (${m.other.pause})`],
  ['agent ready to 200 p95, ms', m => String(m.setup)],
  ['agent message to RTP p95, ms', m => String(m.down)],
  ['caller RTP to agent message p95, ms', m => String(m.up)],
  ['barge-in to silence p95, ms', m => String(m.bargeIn)],
  ['telephones themselves late p99, ms', m => `${m.bridge.observer} (${m.other.observer})`],
  [
    'others on the machine and stolen, %',
    m => `${m.bridge.others.toFixed(0)} (${m.other.others.toFixed(0)})`,
  ],
];

function pairsTable(part) {
  const all = callsOf(part).map(calls => mediansOf(part, calls));
  const beside = pairsOf(part)[0]?.other.subject;
  return markdown([
    [`bridge (${beside})`, ...all.map(({ calls }) => `${calls} calls`)],
    ...lines.map(([name, cell]) => [name, ...all.map(cell)]),
  ]);
}

function packetsTable(lines) {
  const head = ['calls of', 'message', 'bytes of heap', 'processor, us', 'ratio', 'system calls'];
  const both = ({ bridge, floor }, digits) => `${bridge.toFixed(digits)} (${floor.toFixed(digits)})`;
  const rows = lines.map(({ profile, wss, srtp, chunkMs, bytes, micros, ratio, systemCalls }) => [
    `${profile}${wss ? ', wss' : ''}${srtp ? ', SRTP' : ''}`,
    `${chunkMs} ms`,
    both(bytes, 0),
    both(micros, 1),
    ratio.toFixed(2),
    systemCalls === undefined ? '-' : both(systemCalls, 2),
  ]);
  return `A packet in, one out, and its share of a message to the agent (floor, with messages of 20 ms).\n\n${markdown([head, ...rows])}`;
}

function tableOf(part) {
  if (part.name === 'packets') return packetsTable(part.results.flat());
  const [{ stress }] = part.results;
  return stress === undefined ? pairsTable(part) : stressTable(stress.phases);
}

function sectionOf(part) {
  const { title, date, loadBefore, machine, commands } = part;
  const commandLines = commands.map(words => `    node ${words.join(' ')}`);
  const when = `${date.slice(0, 16)} UTC, ${machine.cores} cores of ${machine.cpu}, Node ${machine.node}; load before it began ${loadBefore.toFixed(1)}.`;
  return [`## ${title}`, when, commandLines.join('\n'), tableOf(part)].join('\n\n');
}

/** Every mark that what was measured can be held against, with the part it is of and how busy others kept the machine. */
export function marksOf({ parts }) {
  const part = name => parts.find(each => each.name === name);
  return parts.flatMap(each => {
    const bounds = [...(each.results[0].bounds ?? [])];
    if (each.name === 'wss' && part('pcmu') !== undefined)
      bounds.push(...tlsBounds(pairsOf(part('pcmu')), pairsOf(each)));
    if (each.name === 'packets') bounds.push(heapBound(each.results.flat()));
    const busy = Math.max(0, ...callsOf(each).map(calls => mediansOf(each, calls).bridge.others));
    return bounds.map(bound => ({ name: each.name, title: each.title, busy, ...bound }));
  });
}

function heapBound(lines) {
  const plain = lines.find(
    ({ profile, srtp, wss, chunkMs }) => profile === 'pcmu' && !srtp && !wss && chunkMs === 20,
  );
  const value = Math.round(plain.bytes.bridge - plain.bytes.floor);
  return { what: 'heap of a packet above the floor, bytes', value, most: mostHeapOfPacket };
}

export function marksTable(marks) {
  const verdict = mark => {
    if (isMet(mark)) return 'met';
    return mark.busy > quietPercent ? `**missed** while others took ${mark.busy.toFixed(0)} %` : '**missed**';
  };
  const rows = marks.map(mark => [
    mark.title,
    mark.what,
    String(mark.value),
    String(mark.most),
    verdict(mark),
  ]);
  return markdown([['part', 'mark', 'measured', 'at most', ''], ...rows]);
}

export function metInWords(marks) {
  const missed = marks.filter(mark => !isMet(mark));
  const busy = missed.filter(mark => mark.busy > quietPercent).length;
  const excuse = busy === 0 ? '' : `, ${busy} of those missed on a busy machine`;
  return `${marks.length - missed.length} of ${marks.length} marks met${excuse}`;
}

export function reportOf(result) {
  const { version, parts, missing } = result;
  return [
    `# Trunkbridge ${version}`,
    'Telephones and agent ran on the same cores; `agent.settle_ms` is 0. Figures are medians of all pairs, of losses and streams the worst one. What each means: [README](README.md).',
    ...(missing.length === 0 ? [] : [`Not measured: ${missing.join('; ')}.`]),
    '## Against the marks',
    `${metInWords(marksOf(result))}.`,
    marksTable(marksOf(result)),
    ...parts.map(sectionOf),
  ].join('\n\n');
}
