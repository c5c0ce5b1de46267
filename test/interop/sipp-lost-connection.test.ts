import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Child } from '../support/child.ts';
import { connectWhenOpen, freePort } from '../support/ports.ts';
import { requirePrograms } from '../support/programs.ts';
import { runSipp } from '../support/sipp.ts';
import { StagedDaemon } from '../support/staged-daemon.ts';

const available = requirePrograms('lost connections of SIPp', ['sipp']);
const goodbye = fileURLToPath(new URL('../../scripts/sipp/goodbye.xml', import.meta.url));

/** Another SIPp, at the Contact of the call, which is connected to by nobody but the bridge. */
async function waitingAt(port: number, folder: string, seconds: number): Promise<Child> {
  const args = ['-sf', goodbye, '-t', 't1', '-i', '127.0.0.1', '-p', String(port), '-m', '1', '-nostdin'];
  args.push('-timeout', `${seconds}s`, '-timeout_error');
  const child = new Child('sipp', args, { cwd: folder, env: { ...process.env, TERM: 'dumb' } });
  (await connectWhenOpen(port)).destroy();
  return child;
}

/** Called numbers, by what the agent does there. */
const agents = { ends: '+14155550101', stays: '+14155550102' } as const;
const config = [
  'sip: { limits: { connectionGraceMs: 2000 } }',
  'media: { timeout_seconds: 5 }',
  'numbers:',
  ...Object.entries(agents).map(([id, number]) => `  - { phone_number: "${number}", agent_id: agent_${id} }`),
].join('\n');

interface Setting {
  readonly agent: keyof typeof agents;
  /** How long the call is up before its connection is closed, ms. */
  readonly length: number;
  /** How long the SIPp at the Contact waits for a BYE, s. */
  readonly waits: number;
}

describe.skipIf(!available)('a call of SIPp whose connection was lost', () => {
  let daemon: StagedDaemon;
  beforeAll(async () => {
    daemon = await StagedDaemon.start({
      agentId: 'agent_ends',
      agent: {
        agents: {
          agent_ends: { mode: 'tone', hz: 440, seconds: 2, endCall: true },
          agent_stays: { mode: 'quiet' },
        },
      },
      config,
    });
  });
  afterAll(async () => {
    expect(await daemon.stop()).toBe(0);
  });

  /** One call whose Contact is elsewhere: how the two SIPps fared, and how the bridge says that the call ended. */
  async function lostCall({ agent, length, waits }: Setting) {
    const before = daemon.logged('call ended').length;
    const contact = await freePort();
    const callee = await waitingAt(contact, daemon.folder, waits);
    try {
      const caller = await runSipp({
        scenario: 'lost-connection',
        folder: daemon.folder,
        port: daemon.tcp,
        codecs: ['PCMU'],
        calls: 1,
        callsPerSecond: 1,
        length,
        toneHz: 1000,
        timeout: 20,
        more: ['-s', agents[agent], '-key', 'contact', String(contact)],
      });
      const ended = await daemon.logs('call ended', before + 1);
      return { caller: caller.code, callee: await callee.exited, reason: ended.at(-1)?.['reason'] };
    } finally {
      await callee.stop();
    }
  }

  it('goes on, and gets the BYE over a new connection to its Contact when the agent ends it', async () => {
    expect(await lostCall({ agent: 'ends', length: 200, waits: 20 })).toEqual({
      caller: 0,
      callee: 0,
      reason: 'agent-ended-call',
    });
  });

  it('outlives the time of grace, and gets it in the same way when its sound has ended', async () => {
    expect(await lostCall({ agent: 'stays', length: 200, waits: 20 })).toEqual({
      caller: 0,
      callee: 0,
      reason: 'media-timeout',
    });
  });

  it('gets none there while its connection is up: the BYE goes over that', async () => {
    const { callee, reason } = await lostCall({ agent: 'ends', length: 4000, waits: 6 });
    expect(callee).not.toBe(0);
    expect(reason).toBe('agent-ended-call');
  });
});
