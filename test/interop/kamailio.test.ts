import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Child } from '../support/child.ts';
import { connectWhenOpen, freePort } from '../support/ports.ts';
import { requirePrograms } from '../support/programs.ts';
import { runSipp } from '../support/sipp.ts';
import { StagedDaemon, type StageOptions } from '../support/staged-daemon.ts';

const available = requirePrograms('calls through Kamailio', ['kamailio', 'sipp']);
const configuration = fileURLToPath(new URL('../../examples/kamailio/kamailio.cfg', import.meta.url));

/** Runs a daemon behind Kamailio with the project's own example configuration. */
async function behindKamailio(
  options: StageOptions,
  test: (daemon: StagedDaemon, proxyPort: number) => Promise<void>,
): Promise<void> {
  const daemon = await StagedDaemon.start(options);
  try {
    const port = await freePort();
    const { folder } = daemon;
    const args = ['-f', configuration, '-DD', '-E', '-m', '32', '-M', '8', '-Y', folder];
    args.push('-P', join(folder, 'kamailio.pid'), '-A', `LISTEN=tcp:127.0.0.1:${port}`);
    args.push('-A', `BRIDGE_URI="sip:127.0.0.1:${daemon.tcp};transport=tcp"`);
    const kamailio = new Child('kamailio', args, { cwd: folder });
    try {
      (await connectWhenOpen(port)).destroy();
      await test(daemon, port);
    } finally {
      await kamailio.stop();
    }
  } finally {
    expect(await daemon.stop()).toBe(0);
  }
}

function endings(daemon: StagedDaemon): unknown[] {
  return daemon
    .log()
    .filter(({ msg }) => msg === 'call ended')
    .map(({ reason }) => reason);
}

const run = { codecs: ['PCMU', 'PCMA'], calls: 4, callsPerSecond: 4, toneHz: 1000 } as const;

describe.skipIf(!available)('calls through Kamailio, which records the route', () => {
  it('reach the agent, and the BYE of the caller arrives with all in between', async () => {
    await behindKamailio({ agentId: 'agent_echo' }, async (daemon, port) => {
      const { folder } = daemon;
      const messages = ['-trace_msg', '-message_file', 'messages.log'];
      const { code, output } = await runSipp({
        ...run,
        scenario: 'call',
        folder,
        port,
        length: 1000,
        more: messages,
      });
      expect(code, output).toBe(0);
      // The proxy stays in the path: else this would test nothing.
      const trace = readFileSync(join(folder, 'messages.log'), 'latin1');
      expect(trace).toContain(`Record-Route: <sip:127.0.0.1:${port};transport=tcp;lr`);
      await daemon.child.until(() => endings(daemon).length === run.calls || undefined);
      expect(endings(daemon)).toEqual(Array(run.calls).fill('caller-hung-up'));
      const heard = daemon.logged('call ended');
      for (const { packetsReceived } of heard) expect(packetsReceived).toBeGreaterThan(20);
      const variables = daemon.world.agent.conversations.map(each => each.initiation?.dynamic_variables);
      for (const each of variables) expect(each?.['call_id']).toMatch(/^sipp-/);
    });
  });

  it('are ended from the side of the agent by a BYE that finds its way back', async () => {
    const agents = { agent: { mode: 'tone', hz: 440, seconds: 1, endCall: true } } as const;
    await behindKamailio({ agentId: 'agent', agent: { agents } }, async (daemon, port) => {
      const { code, output } = await runSipp({
        ...run,
        scenario: 'agent-hangs-up',
        folder: daemon.folder,
        port,
        length: 0,
      });
      expect(code, output).toBe(0);
      // SIPp is through when it has answered the last BYE; the daemon writes its line when it has read that answer.
      await daemon.child.until(() => endings(daemon).length === run.calls || undefined);
      expect(endings(daemon)).toEqual(Array(run.calls).fill('agent-ended-call'));
    });
  });
});
