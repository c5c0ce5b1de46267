// What is said of the figures of a release: a table for each step, and how they stand against the marks.

/** Figures of a step for one number of calls, as the median over its rounds. */
export function mediansOf({ runs }, calls) {
  const pairs = runs.filter(({ bridge }) => bridge.calls === calls);
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
    floor: side('floor'),
    ratio: of(({ bridge, floor }) => bridge.cpu.percent / floor.cpu.percent),
    lost: pairs.reduce((sum, { bridge }) => sum + bridge.wire.lost, 0),
    paceLeast: Math.min(...pairs.map(({ bridge }) => bridge.wire.pace.least)),
    setup: calling(({ agentToAnswer }) => agentToAnswer.p95),
    down: calling(({ turn }) => turn.p95),
    up: calling(({ callerToAgent }) => callerToAgent.p95),
    bargeIn: calling(({ bargeIn }) => bargeIn.p95),
  };
}

export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const callsOf = ({ runs }) => [...new Set(runs.map(({ bridge }) => bridge.calls))];

/** Each line: what it says, and its cell for one number of calls. Bridge first, floor in parentheses. */
const lines = [
  ['CPU of a call, % of a core', m => `${m.bridge.cpu.toFixed(3)} (${m.floor.cpu.toFixed(3)})`],
  ['CPU against the floor', m => `x ${m.ratio.toFixed(2)}`],
  ['memory of a call, MB', m => `${m.bridge.memory.toFixed(3)} (${m.floor.memory.toFixed(3)})`],
  ['packets lost; slowest stream', m => `${m.lost}; ${m.paceLeast.toFixed(3)}`],
  ['send lateness p50, ms', m => `${m.bridge.latenessP50} (${m.floor.latenessP50})`],
  ['send lateness p99, ms', m => `${m.bridge.latenessP99} (${m.floor.latenessP99})`],
  ['send lateness max, ms', m => `${m.bridge.latenessMax} (${m.floor.latenessMax})`],
  ['packet interval p99, ms', m => `${m.bridge.intervalP99} (${m.floor.intervalP99})`],
  ['packet interval max, ms', m => `${m.bridge.intervalMax} (${m.floor.intervalMax})`],
  ['longest GC pause, ms', m => `${m.bridge.pause} (${m.floor.pause})`],
  ['agent ready to 200 p95, ms', m => String(m.setup)],
  ['agent message to RTP p95, ms', m => String(m.down)],
  ['caller RTP to agent message p95, ms', m => String(m.up)],
  ['barge-in to silence p95, ms', m => String(m.bargeIn)],
  ['telephones themselves late p99, ms', m => `${m.bridge.observer} (${m.floor.observer})`],
  [
    'others on the machine and stolen, %',
    m => `${m.bridge.others.toFixed(0)} (${m.floor.others.toFixed(0)})`,
  ],
];

export function sectionOf(step) {
  const all = callsOf(step).map(calls => mediansOf(step, calls));
  return [
    `## ${step.title}\n`,
    `| bridge (floor) | ${all.map(({ calls }) => `${calls} calls`).join(' | ')} |`,
    `|---|${all.map(() => '---|').join('')}`,
    ...lines.map(([name, cell]) => `| ${name} | ${all.map(cell).join(' | ')} |`),
  ].join('\n');
}

/** What others may take of the machine, % of a core, before its times say nothing. */
const quietPercent = 25;

/** What was promised: the step and number of calls it is about, its words, the figure and the most it may be. */
const marks = [
  ['pcmu', 100, 'CPU against the floor', m => m.ratio, 1.4],
  ['pcmu', 200, 'CPU against the floor', m => m.ratio, 1.4],
  ['pcmu', 400, 'CPU against the floor', m => m.ratio, 1.4],
  ['g722', 100, 'CPU against the floor', m => m.ratio, 2.2],
  ['pcmu', 200, 'CPU of a call, % of a core', m => m.bridge.cpu, 0.5],
  ['pcmu', 200, 'memory of a call, MB', m => m.bridge.memory, 0.25],
  ['pcmu', 100, 'send lateness p99, ms', m => m.bridge.latenessP99, 5],
  ['pcmu', 200, 'send lateness p99, ms', m => m.bridge.latenessP99, 5],
  ['pcmu', 200, 'packets lost', m => m.lost, 0],
  ['pcmu', 200, 'barge-in to silence p95, ms', m => m.bargeIn, 40],
  ['pcmu', 200, 'agent message to RTP p95, ms', m => m.down, 20],
  ['pcmu', 200, 'caller RTP to agent message p95, ms', m => m.up, 25],
  ['pcmu', 200, 'agent ready to 200 p95, ms', m => m.setup, 5],
  ['workers', 400, 'packets lost', m => m.lost, 0],
  [
    'workers',
    400,
    'send lateness p99 over the floor, ms',
    m => m.bridge.latenessP99 - m.floor.latenessP99,
    3,
  ],
  [
    'workers',
    400,
    'send lateness max over the floor, ms',
    m => m.bridge.latenessMax - m.floor.latenessMax,
    3,
  ],
  [
    'workers',
    400,
    'packet interval p99 over the floor, ms',
    m => m.bridge.intervalP99 - m.floor.intervalP99,
    3,
  ],
];

export function marksOf({ steps, packets }) {
  const rows = marks.flatMap(([name, calls, words, figure, most]) => {
    const step = steps.find(each => each.name === name);
    if (step === undefined || !callsOf(step).includes(calls)) return [];
    const value = figure(mediansOf(step, calls));
    const crowded = mediansOf(step, calls).bridge.others > quietPercent;
    return [[`${step.title}, ${calls} calls: ${words}`, rounded(value), most, value <= most, crowded]];
  });
  const plain = packets.find(
    ({ profile, srtp, wss, chunkMs }) => profile === 'pcmu' && !srtp && !wss && chunkMs === 20,
  );
  const sealed = packets.find(({ srtp }) => srtp);
  if (plain !== undefined) {
    const more = plain.bytes.bridge - plain.bytes.floor;
    rows.push(['heap of a packet over the floor, bytes', rounded(more), 32, more <= 32]);
  }
  if (plain !== undefined && sealed !== undefined) {
    // Microseconds of a packet of 20 ms, as a share of a core.
    const share = (sealed.micros.bridge - plain.micros.bridge) / 200;
    rows.push(['SRTP adds, % of a core a call', rounded(share), 0.15, share <= 0.15]);
  }
  return [
    '| what | measured | at most | |',
    '|---|---|---|---|',
    ...rows.map(([words, value, most, met, crowded = false]) => {
      const verdict = crowded ? 'says nothing: the machine was busy' : met ? 'met' : '**missed**';
      return `| ${words} | ${value} | ${most} | ${verdict} |`;
    }),
  ].join('\n');
}

const rounded = value => Math.round(value * 1000) / 1000;
