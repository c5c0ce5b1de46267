// What the measurement of a release is made of: everything that is promised of a run of minutes, in one order.

/** Length of the window that is measured, or of a phase under stress, s. */
const windowSeconds = 10;
/** What a run takes beside its window and its calls, calls that are set up in a second, and a pair of what packets cost, s. */
const aroundSeconds = 9;
const callsPerSecond = 25;
const packetPairSeconds = 9;
/** A calm phase, five stresses with a pause before each, and 10,000 records. */
const phases = 6;
const pauseSeconds = 2;

/** Pairs in turn at some numbers of calls; fewer in the short form. What the bench is told besides comes last. */
const pairsOf = (name, title, { calls, rounds, fewRounds = 1, args = [] }) => ({
  name,
  title,
  seconds: how => sum(how.calls(calls), n => pairSeconds(n, how)) * how.rounds(rounds, fewRounds),
  commands: how => [bench(how, calls, ['--rounds', how.rounds(rounds, fewRounds), ...args])],
});

const pairSeconds = (calls, { seconds }) => 2 * (aroundSeconds + seconds + calls / callsPerSecond);

const stress = {
  name: 'stress',
  title: 'Calls under stress',
  seconds: how =>
    phases * (how.seconds + pauseSeconds) +
    how.seconds +
    2 * (aroundSeconds + how.calls([50])[0] / callsPerSecond),
  commands: how => [bench(how, [50], ['--stress', 'all'])],
};

/** Counted and not timed: what does not need a quiet machine, and what the bench has no profile for. */
const packetRuns = [
  { lines: 4, args: ['--system-calls', '--chunk', '20,40,60,100'] },
  { lines: 1, args: ['--srtp'] },
  { lines: 1, args: ['--wss'] },
  { lines: 3, args: ['--profile', 'pcma,g722,pcmu24'] },
];
const packets = {
  name: 'packets',
  title: 'What packets cost',
  seconds: how => sum(packetRuns, ({ lines }) => lines) * how.rounds(3, 1) * packetPairSeconds,
  commands: how =>
    packetRuns.map(({ args }) => {
      const size = ['--pairs', how.rounds(3, 1), '--calls', how.calls([50])];
      return words(['scripts/media-cost.mjs', '--json', ...args, ...size]);
    }),
};

export const parts = [
  pairsOf('pcmu', 'PCMU over ws', { calls: [100, 200, 400], rounds: 5 }),
  pairsOf('workers', 'PCMU over ws, two workers', { calls: [400], rounds: 5, args: ['--workers', '2'] }),
  pairsOf('g722', 'G.722, agent at 16 kHz', { calls: [100], rounds: 5, args: ['--profile', 'g722'] }),
  pairsOf('srtp', 'SRTP beside calls in the clear', {
    calls: [100],
    rounds: 5,
    fewRounds: 2,
    args: ['--srtp'],
  }),
  pairsOf('wss', 'PCMU over wss', { calls: [200], rounds: 5, args: ['--wss'] }),
  stress,
  pairsOf('wide', 'PCMU, agent at 24 kHz', { calls: [100], rounds: 1, args: ['--profile', 'pcmu24'] }),
  packets,
];

/**
 * How long and with how many calls: as it should be, shortened, or as somebody wants it who only tries whether it works.
 * Whatever is less than the whole is kept under a name of its own.
 */
export function formOf({ short, seconds, calls, rounds }) {
  return {
    whole: !short && [seconds, calls, rounds].every(each => each === undefined),
    seconds: seconds ?? windowSeconds,
    calls: usual => (calls === undefined ? usual : [calls]),
    rounds: (usual, few) => rounds ?? (short ? few : usual),
  };
}

function bench(how, calls, args) {
  const size = ['--calls', how.calls(calls), '--seconds', how.seconds];
  return words(['--enable-source-maps', 'dist/src/main.js', 'bench', '--json', ...size, ...args]);
}

const words = args => args.map(String);
const sum = (list, of) => list.reduce((all, each) => all + of(each), 0);
