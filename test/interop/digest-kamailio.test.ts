import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Kamailio } from '../support/kamailio.ts';
import { callOver } from '../support/outbound.ts';
import { requirePrograms } from '../support/programs.ts';
import { StagedDaemon } from '../support/staged-daemon.ts';

const available = requirePrograms('passwords for Kamailio', ['kamailio']);
const registrar = fileURLToPath(new URL('../support/digest-registrar.cfg', import.meta.url));

const trunk = (port: number, password: string, more: readonly string[] = []) =>
  [
    'trunks:',
    '  - name: sipp',
    '    outbound_trunk_config:',
    `      address: 127.0.0.1:${port}`,
    '      transport: tcp',
    '      credentials:',
    '        username: user',
    `        password: ${password}`,
    ...more.map(line => `      ${line}`),
  ].join('\n');

describe.skipIf(!available)('Kamailio, which asks for SHA-256 alone', () => {
  it('takes the password of an INVITE and of a REGISTER, and no wrong one', async () => {
    const daemon = await StagedDaemon.start();
    const { folder } = daemon;
    const kamailio = await Kamailio.start({ folder, file: registrar, names: {} });
    try {
      const called = async (password: string) => {
        const { output } = await callOver(daemon.world, folder, trunk(kamailio.tcp, password));
        // Lines of the log may come behind the word on how it went.
        return output.split('\n').find(line => /^\w+: /.test(line));
      };
      expect(await called('secret')).toMatch(/^busy: .*\(callee-busy\)$/);
      expect(await called('wrong')).toMatch(/^failed: .*\(trunk-unauthorized\)$/);
      const config = trunk(kamailio.tcp, 'secret', ['register_seconds: 60']);
      const registering = await StagedDaemon.start({ config });
      const [registered] = await registering.logs('registered with a trunk');
      expect(registered).toMatchObject({ status: 200 });
      expect(await registering.stop()).toBe(0);
    } finally {
      await kamailio.stop();
      expect(await daemon.stop()).toBe(0);
    }
  });
});
