import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sine, ToneDetector } from '../../codecs/tones.ts';
import type { SimScript } from '../../src/sim/agent/options.ts';
import { Baresip } from '../support/baresip.ts';
import { Kamailio } from '../support/kamailio.ts';
import { requirePrograms } from '../support/programs.ts';
import { runSipp } from '../support/sipp.ts';
import { levelAtAgent } from '../support/sound.ts';
import { StagedDaemon, type StageOptions } from '../support/staged-daemon.ts';
import { until } from '../support/until.ts';

const available = requirePrograms('calls through Kamailio', ['kamailio', 'sipp']);

/** Runs a daemon behind Kamailio with the project's own example configuration; `over` is how the two are joined. */
async function behindKamailio(
  { over = 'tcp', ...options }: StageOptions & { readonly over?: 'tcp' | 'tls'; readonly tls?: boolean },
  test: (daemon: StagedDaemon, proxy: Kamailio) => Promise<void>,
): Promise<void> {
  const daemon = await StagedDaemon.start(options);
  try {
    const { folder, world } = daemon;
    const kamailio = await Kamailio.start({
      folder,
      names: { BRIDGE_URI: `"sip:127.0.0.1:${daemon[over]};transport=${over}"` },
      ...(over === 'tls' || options.tls === true ? { certificate: world.certificate } : {}),
    });
    try {
      await test(daemon, kamailio);
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
    await behindKamailio({ agentId: 'agent_echo' }, async (daemon, { tcp: port }) => {
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
    await behindKamailio({ agentId: 'agent', agent: { agents } }, async (daemon, { tcp: port }) => {
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

const secured = requirePrograms('calls through Kamailio with TLS', [
  'kamailio',
  'kamailio/tls.so',
  'sipp',
  'baresip',
]);
const hz = 1000;
const rate = 16_000;

const echo: SimScript = { mode: 'echo' };
/** Says a tone, and ends the call. */
const farewell = (seconds: number): SimScript => ({ mode: 'tone', hz, seconds, endCall: true });

function tone(): Int16Array {
  const samples = new Int16Array(30 * rate);
  sine(rate, hz, -12).generate(samples, 0, samples.length);
  return samples;
}

/** The routes of a call as the daemon was told them: values of Record-Route in its INVITE. */
function routesSeen(trace: string): string[] {
  return [...trace.matchAll(/^Record-Route: *(.*)$/gim)].flatMap(([, value = '']) =>
    value.split(',').map(each => each.trim()),
  );
}

describe.skipIf(!secured)('calls through Kamailio between TCP and TLS, which records two routes', () => {
  it.each([
    ['the caller', 'call', 'caller-hung-up'],
    ['the agent', 'agent-hangs-up', 'agent-ended-call'],
  ] as const)('reach the agent over TLS, and the BYE of %s arrives', async (_, scenario, reason) => {
    const agents = { agent: scenario === 'call' ? echo : farewell(1) };
    await behindKamailio({ agentId: 'agent', agent: { agents }, over: 'tls' }, async (daemon, proxy) => {
      const { folder } = daemon;
      const { code, output } = await runSipp({
        ...run,
        scenario,
        folder,
        port: proxy.tcp,
        length: scenario === 'call' ? 1000 : 0,
        more: ['-trace_msg', '-message_file', 'messages.log'],
      });
      expect(code, output).toBe(0);
      const routes = routesSeen(readFileSync(join(folder, 'messages.log'), 'latin1'));
      expect(routes.some(each => each.includes('transport=tls;r2=on'))).toBe(true);
      expect(routes.some(each => each.includes(`:${proxy.tcp};transport=tcp;r2=on`))).toBe(true);
      await daemon.child.until(() => endings(daemon).length === run.calls || undefined);
      expect(endings(daemon)).toEqual(Array(run.calls).fill(reason));
      for (const { packetsSent } of daemon.logged('call ended')) expect(packetsSent).toBeGreaterThan(20);
    });
  });

  it.each(['baresip', 'the agent'])('of baresip over TLS sound both ways, and %s hangs up', async who => {
    const agents = { agent: who === 'baresip' ? echo : farewell(2) };
    await behindKamailio({ agentId: 'agent', agent: { agents }, tls: true }, async (daemon, proxy) => {
      const { folder, world } = daemon;
      const phone = await Baresip.start({
        folder,
        sipPort: proxy.tls ?? 0,
        ca: world.certificate.cert,
        sound: tone(),
      });
      try {
        phone.dial('+14155550199');
        await phone.event('CALL_ESTABLISHED');
        const conversation = await world.agent.conversation(0);
        await until(() => levelAtAgent(conversation, hz, 500) > -15, 'the caller at the agent');
        if (who === 'baresip') {
          await conversation.until(({ audioBytes }) => audioBytes >= 3 * rate * 2, 20_000);
          phone.command('hangup');
        }
        await phone.event('CALL_CLOSED');
        const [ended] = await daemon.logs('call ended');
        expect(ended?.['reason']).toBe(who === 'baresip' ? 'caller-hung-up' : 'agent-ended-call');
        const { samples } = phone.recording('dec');
        expect(new ToneDetector(rate, hz).level(samples, rate / 2, rate / 2)).toBeGreaterThan(-15);
      } finally {
        await phone.stop();
      }
    });
  });
});
