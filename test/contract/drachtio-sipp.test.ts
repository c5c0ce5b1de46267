import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requirePrograms } from '../support/programs.ts';
import { runSipp } from '../support/sipp.ts';
import { StagedDaemon } from '../support/staged-daemon.ts';
import { DrachtioServer, findDrachtio } from './drachtio-server.ts';

const origin = findDrachtio();
const available = origin.kind !== 'none' && requirePrograms('dialogues of SIPp through drachtio', ['sipp']);
const folder = fileURLToPath(new URL('../../scripts/sipp/dialogue/', import.meta.url));
/** Reliable provisional responses are not to be had: 420 (docs/drachtio.md). */
const refused = 'reliable';
const scenarios = readdirSync(folder).map(file => file.replace('.xml', ''));

/** The scenarios that the embedded stack is held to, through a real drachtio-server to a daemon of its own. */
describe.skipIf(!available)('dialogues of SIPp through a real drachtio-server', () => {
  const server = new DrachtioServer(origin);
  let daemon: StagedDaemon;
  beforeAll(async () => {
    const made = await generate([{ name: 'commonName', value: 'localhost' }], { keySize: 2048 });
    await server.start({ cert: made.cert, key: made.private });
    const { host, port, secret } = server.admin;
    const drachtio = `{ host: '${host}', port: ${port}, secret: '${secret}' }`;
    daemon = await StagedDaemon.start({
      agentId: 'agent_echo',
      config: `sip: { backend: drachtio, drachtio: ${drachtio} }\n`,
    });
  });
  afterAll(async () => {
    expect(await daemon.stop()).toBe(0);
    await server.stop();
  });

  it.each(scenarios)('go as the scenario %s says', async name => {
    const { code, output } = await runSipp({
      scenario: `dialogue/${name}`,
      folder: daemon.folder,
      port: daemon.tcp,
      codecs: ['PCMU'],
      calls: 3,
      callsPerSecond: 10,
      length: 0,
      toneHz: 1000,
      timeout: 20,
    });
    const errors = code === 0 ? '' : readFileSync(join(daemon.folder, 'sipp-errors.log'), 'utf8');
    if (name === refused) expect(errors).toContain('420 Bad Extension');
    else expect(code, `${errors}\n${output}`).toBe(0);
  });
});
