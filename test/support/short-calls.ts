import { expect } from 'vitest';
import { runSipp } from './sipp.ts';
import { type Holdings, StagedDaemon } from './staged-daemon.ts';
import { until } from './until.ts';

/** How often the daemon is asked what it holds, ms. */
const sampleMs = 1000;
/** RFC 6026 keeps an answered INVITE's transaction for 64*T1 = 32 s; nothing may be held for longer, ms. */
const longestHeldMs = 45_000;

/** What the picture of one of these calls may take, bytes of heap: it is kept on purpose (`ladderLimits`), some 8 kB. */
export const pictureBytes = 10_240;

export interface ShortCalls {
  /** Before the first call, but one that warmed everything up. */
  readonly before: Holdings;
  /** While calls came and went, in order. */
  readonly during: readonly Holdings[];
  /** Once every gauge was back at zero. */
  readonly after: Holdings;
  /** What the daemon wrote to its log and to standard error. */
  readonly output: string;
}

/** The machine has more to do than these calls: none of them is to be refused because a thread is late. */
const config = `
agent: { settle_ms: 0 }
sip: { limits: { mainLagMs: 1000000, workerLagMs: 1000000, connectionLagMs: 1000000 } }
`;

/** Makes `calls` calls with sound at `callsPerSecond`, half a second each, and watches what the daemon holds. */
export async function makeShortCalls(calls: number, callsPerSecond: number): Promise<ShortCalls> {
  const daemon = await StagedDaemon.start({
    agentId: 'agent_echo',
    agent: { keepAudioBytes: 0, keepConversations: 1, pingMs: 0 },
    config,
    env: { LOG_LEVEL: 'warn', MEDIA_WORKERS: '1' },
    tellsHoldings: true,
  });
  const run = { scenario: 'call', codecs: ['PCMU', 'PCMA'], length: 500, toneHz: 1000 } as const;
  const where = { folder: daemon.folder, port: daemon.tcp };
  try {
    const warm = await runSipp({ ...run, ...where, calls: 20, callsPerSecond: 20 });
    expect(warm.code, warm.output).toBe(0);
    const before = await settled(daemon, ['transactions', 'timers']);
    const during: Holdings[] = [];
    const timeout = Math.ceil(calls / callsPerSecond) + 60;
    let over = false;
    const running = runSipp({ ...run, ...where, calls, callsPerSecond, timeout }).finally(() => {
      over = true;
    });
    while (!over) {
      during.push(await daemon.holdings());
      await Promise.race([running, new Promise(resolve => setTimeout(resolve, sampleMs))]);
    }
    const { code, output } = await running;
    expect(code, output).toBe(0);
    const after = await settled(daemon);
    return { before, during, after, output: daemon.child.output };
  } finally {
    expect(await daemon.stop()).toBe(0);
  }
}

/** Settles once every gauge is at zero, the number of workers and those in `but` excepted. */
async function settled(daemon: StagedDaemon, but: readonly string[] = []): Promise<Holdings> {
  let last: Holdings | undefined;
  return until(
    async () => {
      last = await daemon.holdings();
      const { workers: _, ...gauges } = last.load;
      return Object.entries(gauges).every(([name, value]) => value === 0 || but.includes(name)) && last;
    },
    () => `gauges at zero; the last were ${JSON.stringify(last)}`,
    longestHeldMs,
  );
}
