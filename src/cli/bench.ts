import { profileNames } from '../sim/load/profile.ts';
import { stressNames } from '../sim/load/stressors.ts';
import { defaults, readPlan, recordsHoldMs } from './bench-plan.ts';
import { Bench } from './bench-run.ts';
import { type Command, exitCodes } from './command.ts';

export const command: Command = {
  usage:
    '[--calls 50,200] [--seconds 20] [--profile pcmu] [--wss] [--recording] [--lag] [--rounds N] [--json] [--judge] [--records | --srtp | --stress NAME | --soak]',
  options: {
    calls: { type: 'string' },
    seconds: { type: 'string' },
    profile: { type: 'string', default: 'pcmu' },
    rounds: { type: 'string' },
    workers: { type: 'string' },
    wss: { type: 'boolean' },
    recording: { type: 'boolean' },
    lag: { type: 'boolean' },
    json: { type: 'boolean' },
    judge: { type: 'boolean' },
    save: { type: 'string' },
    records: { type: 'boolean' },
    srtp: { type: 'boolean' },
    stress: { type: 'string' },
    soak: { type: 'boolean' },
    'cpu-prof': { type: 'string' },
  },
  help: () => `Measures what calls cost, on loopback of a Linux machine: the bridge, a stand-in agent and a load generator each in a
process of its own, and in the same run the floor, a bare program that moves the same datagrams and messages and does
nothing else. agent.settle_ms is 0. What the figures mean: docs/bench/README.md.

Options:
      --calls LIST      numbers of calls, one run each (default: ${defaults.calls}; srtp: ${defaults.srtp.calls}; stress: ${defaults.stress.calls}; soak: ${defaults.soak.calls})
      --seconds N       length of the window that is measured (default: ${defaults.seconds}; stress, each phase: ${defaults.stress.seconds}; soak: ${defaults.soak.seconds})
      --profile NAME    ${profileNames.join(', ')} (default: pcmu, which passes through)
      --rounds N        pairs of bridge and floor for each number of calls; ratios are medians (default: ${defaults.rounds}; srtp: ${defaults.srtp.rounds})
      --workers N       threads for media (default: ${defaults.workers})
      --wss             TLS to the agent
      --recording       the bridge records every call (recording.enabled); the floor does not
      --lag             event-loop lag of every thread, p50 / p99 / max; its looks wake each thread, of bridge and floor, a hundred
                        times a second, so that CPU is then not to be trusted (without it: the worst of what /metrics told)
      --json            one line of JSON with everything at the end; progress goes to standard error
      --judge           end with 1 when one of the marks that are printed was missed
      --save FOLDER     also write <version>.json and <version>.md (<version>-soak, <version>-stress) there
      --records         instead of the floor, the bridge without records and webhooks; calls of ${recordsHoldMs / 1000} s are replaced all the time
      --srtp            calls are encrypted, and instead of the floor there is the bridge with the same calls in the clear
      --stress LIST     how late running calls are while the bridge is under stress: all, or some of
                        ${stressNames.join(', ')}
      --soak            no floor; calls of one minute each are replaced all the time, memory must stay flat
      --cpu-prof FOLDER CPU profiles of the bridge's threads and of the floor go there; the figures are then not to be trusted
  -h, --help            this text

Examples:
  npm run bench
  npm run bench -- --calls 200 --profile g722 --rounds 5 --json
  npm run bench -- --srtp --judge
  npm run bench -- --stress all
  npm run bench -- --soak --seconds 600`,
  async run(args, io) {
    const plan = readPlan(args);
    if (typeof plan === 'string') {
      io.err(`trunkbridge bench: ${plan}`);
      return exitCodes.wrong;
    }
    const bench = new Bench(plan, io);
    return bench.run();
  },
};
