import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requirePrograms } from '../support/programs.ts';
import { runSipp } from '../support/sipp.ts';
import { StagedDaemon } from '../support/staged-daemon.ts';

const available = requirePrograms('transfers of SIPp', ['sipp']);
const folder = fileURLToPath(new URL('../../scripts/sipp/transfer/', import.meta.url));

/** What the agent is told (nothing where the call is over), how the transfer went, and how the call ended. */
const scenarios: Readonly<Record<string, { told?: string; transfer?: string; ends: string }>> = {
  taken: { transfer: 'transferred', ends: 'transferred' },
  'takes-along': { transfer: 'transferred', ends: 'transferred' },
  busy: { told: 'callee_busy', transfer: 'callee-busy', ends: 'caller-hung-up' },
  // Without a trunk for a second leg nothing can be done for a peer that takes no REFER.
  'not-allowed': { told: 'transfer_refused', transfer: 'transfer-refused', ends: 'caller-hung-up' },
  declined: { told: 'transfer_refused', transfer: 'transfer-refused', ends: 'caller-hung-up' },
  silent: { told: 'transfer_timeout', transfer: 'transfer-timeout', ends: 'caller-hung-up' },
  'asked-of-us': { ends: 'caller-hung-up' },
};

const config = `
sip: { limits: { referMs: 2000 } }
transfers:
  - { name: Sales, phone_number: "+14155550150", transfer_type: sip_refer }
`;

describe.skipIf(!available)('transfers of calls of SIPp', () => {
  let daemon: StagedDaemon;
  beforeAll(async () => {
    daemon = await StagedDaemon.start({
      agentId: 'agent',
      agent: { agents: { agent: { mode: 'quiet' } } },
      config,
    });
  });
  afterAll(async () => {
    expect(await daemon.stop()).toBe(0);
  });

  it('are all of those in the folder', () => {
    expect(readdirSync(folder).sort()).toEqual(
      Object.keys(scenarios)
        .map(name => `${name}.xml`)
        .sort(),
    );
  });

  it.each(Object.entries(scenarios))('go as the scenario %s says', async (name, { told, transfer, ends }) => {
    const [ended, transferred] = ['call ended', 'transfer'].map(text => daemon.logged(text).length);
    const number = daemon.world.agent.conversations.length;
    const running = runSipp({
      scenario: `transfer/${name}`,
      folder: daemon.folder,
      port: daemon.tcp,
      codecs: ['PCMU'],
      calls: 1,
      callsPerSecond: 1,
      length: 0,
      toneHz: 1000,
      timeout: 20,
    });
    const conversation = await daemon.world.agent.conversation(number);
    await daemon.child.until(() => (daemon.logged('call answered').length > number ? true : undefined));
    const asked =
      transfer === undefined
        ? Promise.resolve(undefined)
        : conversation.callTool('transfer_to_number', { destination: 'Sales' }).then(
            ({ result }) => (JSON.parse(result) as { status: string }).status,
            // The call is over: there is nobody left to be told.
            () => undefined,
          );
    const { code, output } = await running;
    const errors = code === 0 ? '' : readFileSync(join(daemon.folder, 'sipp-errors.log'), 'utf8');
    expect(code, `${output}\n${errors}`).toBe(0);
    expect(await asked).toBe(told);
    const line = await daemon.child.until(() => daemon.logged('call ended')[ended ?? 0]);
    expect(line['reason']).toBe(ends);
    if (transfer !== undefined) await daemon.logs('transfer', (transferred ?? 0) + 1);
    expect(daemon.logged('transfer')[transferred ?? 0]?.['reason']).toBe(transfer);
  });
});
