import { X509Certificate } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { sine, ToneDetector } from '../../codecs/tones.ts';
import { SimCaller } from '../../src/sim/caller/caller.ts';
import { type Certificate, loopbackCertificate } from '../../src/sim/certificate.ts';
import { Baresip } from '../support/baresip.ts';
import { Linphone } from '../support/linphone.ts';
import { requirePrograms } from '../support/programs.ts';
import { runSipp } from '../support/sipp.ts';
import { StagedDaemon } from '../support/staged-daemon.ts';
import { until } from '../support/until.ts';

const password = 'a long enough password';
/** A trunk for peers that know a password; those that are older do not get over SHA-256 and are offered MD5 alone. */
const trunk = (algorithms: string) => `
trunks:
  - name: office
    inbound_trunk_config:
      credentials: { username: pbx, password: ${password}, algorithms: [${algorithms}] }
`;
const echo = { agentId: 'agent', agent: { agents: { agent: { mode: 'echo' } } } } as const;

/** Why INVITEs were refused, once a wrong password was among it. */
const refusals = (daemon: StagedDaemon) =>
  daemon.child.until(() => {
    const reasons = daemon.logged('invite refused').map(line => line['reason']);
    return reasons.includes('credentials-wrong') ? reasons : undefined;
  });

const sipp = requirePrograms('passwords of SIPp', ['sipp']);
describe.skipIf(!sipp)('a trunk with a password, called by SIPp', () => {
  const run = (daemon: StagedDaemon, secret: string) =>
    runSipp({
      scenario: 'digest',
      folder: daemon.folder,
      port: daemon.tcp,
      codecs: ['PCMU'],
      calls: 3,
      callsPerSecond: 3,
      length: 300,
      toneHz: 1000,
      timeout: 15,
      more: ['-au', 'pbx', '-ap', secret, '-auth_uri', `+14155550199@127.0.0.1:${daemon.tcp}`],
    });

  it('takes the calls of who knows it, and not those of who does not', async () => {
    const daemon = await StagedDaemon.start({ ...echo, config: trunk('MD5') });
    try {
      const good = await run(daemon, password);
      expect(good.code, good.output).toBe(0);
      const arrived = await daemon.logs('call arrived', 3);
      expect(arrived.map(line => line['trunk'])).toEqual(['office', 'office', 'office']);
      expect((await run(daemon, 'another password')).code).not.toBe(0);
      const refused = await refusals(daemon);
      expect(daemon.logged('call arrived')).toHaveLength(3);
      expect(new Set(refused)).toEqual(new Set(['credentials-missing', 'credentials-wrong']));
      expect(daemon.child.output).not.toContain(password);
    } finally {
      expect(await daemon.stop()).toBe(0);
    }
  });
});

const baresip = requirePrograms('passwords of baresip', ['baresip']);
describe.skipIf(!baresip)('a trunk with a password, called by baresip over TLS', () => {
  it('takes its call', async () => {
    const daemon = await StagedDaemon.start({ ...echo, config: trunk('MD5') });
    try {
      const { folder, world } = daemon;
      const credentials = { username: 'pbx', password: `"${password}"` };
      const phone = await Baresip.start({
        folder,
        sipPort: daemon.tls,
        ca: world.certificate.cert,
        sound: new Int16Array(16_000),
        credentials,
      });
      try {
        phone.dial('+14155550199');
        await phone.event('CALL_ESTABLISHED');
        phone.command('hangup');
        await phone.event('CALL_CLOSED');
      } finally {
        await phone.stop();
      }
      expect((await daemon.logs('call arrived')).map(line => line['trunk'])).toEqual(['office']);
    } finally {
      expect(await daemon.stop()).toBe(0);
    }
  });
});

const linphone = requirePrograms('passwords of Linphone', ['linphonec']);
describe.skipIf(!linphone)('a trunk with a password, called by Linphone, which answers SHA-256', () => {
  const rate = 8_000;
  const hz = 1_000;

  it('takes its call, in which both are heard, and not that of who knows another password', async () => {
    const daemon = await StagedDaemon.start({ ...echo, config: trunk('SHA-256') });
    const sound = new Int16Array(20 * rate);
    sine(rate, hz, -12).generate(sound, 0, sound.length);
    const call = async (name: string, secret: string, talk: (phone: Linphone) => Promise<void>) => {
      const folder = join(daemon.folder, name);
      const credentials = { username: 'pbx', password: secret };
      const options = { folder, sipPort: daemon.tcp, sound, credentials, algorithm: 'SHA-256' } as const;
      const phone = await Linphone.start(options);
      try {
        phone.dial('+14155550199');
        await talk(phone);
      } finally {
        await phone.stop();
      }
      return phone;
    };
    try {
      const phone = await call('right', password, async phone => {
        await phone.says('Media streams established');
        const conversation = await daemon.world.agent.conversation(0);
        await conversation.until(({ audioBytes }) => audioBytes >= 3 * 2 * 16_000, 20_000);
        phone.command('terminate');
        await phone.says('ended (No error)');
      });
      const [begun] = await daemon.logs('call arrived');
      expect(begun?.['trunk']).toBe('office');
      const [over] = await daemon.logs('call ended');
      expect(over).toMatchObject({ reason: 'caller-hung-up', codec: 'PCMU' });
      const heard = phone.heard();
      const level = new ToneDetector(heard.rate, hz).level(
        heard.samples,
        heard.samples.length - 2 * heard.rate,
        heard.rate,
      );
      expect(level).toBeGreaterThan(-18);

      await call('wrong', 'another password', phone => phone.says('Password for'));
      const refused = await refusals(daemon);
      expect(new Set(refused)).toEqual(new Set(['credentials-missing', 'credentials-wrong']));
      expect(daemon.logged('call arrived')).toHaveLength(1);
    } finally {
      expect(await daemon.stop()).toBe(0);
    }
  });
});

describe('while a call is up', () => {
  const trunks = (agent: string) => `
trunks:
  - name: pbx
    inbound_trunk_config: { allowed_addresses: [127.0.0.1] }
numbers:
  - { phone_number: "+4930901820", agent_id: ${agent} }
drain: { deadline_seconds: 0 }
`;
  const key = 'a-secret-for-the-admin';

  /** Fingerprint of the certificate that those are shown who connect now. */
  const shown = (port: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
        socket.destroy();
      });
    });
  const fingerprint = ({ cert }: Certificate) => new X509Certificate(cert).fingerprint256;
  /** As tools that renew certificates do: beside it, then in its place. */
  const write = (path: string, text: string) => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };

  it('certificates and the configuration are swapped, a bad one changes nothing, and the call goes on', async () => {
    const certificates = mkdtempSync(join(tmpdir(), 'trunkbridge-certificates-'));
    const [old, renewed] = [await loopbackCertificate(), await loopbackCertificate()];
    const files = { cert: join(certificates, 'cert.pem'), key: join(certificates, 'key.pem') };
    write(files.cert, old.cert);
    write(files.key, old.key);
    // Told apart by what they listen in.
    const agents = {
      first: { mode: 'echo', inputFormat: 'pcm_16000' },
      second: { mode: 'echo', inputFormat: 'ulaw_8000' },
    } as const;
    const daemon = await StagedDaemon.start({
      agentId: 'first',
      agent: { agents },
      config: trunks('first'),
      env: { SIP_TLS_CERT: files.cert, SIP_TLS_KEY: files.key, API_KEYS: `ops:admin:${key}` },
    });
    const config = join(daemon.folder, 'trunkbridge.yaml');
    const logged = (text: string, index = 0) => daemon.child.until(() => daemon.logged(text)[index]);
    const connect = ({ cert }: Certificate) =>
      SimCaller.connect({ transport: 'tls', host: '127.0.0.1', port: daemon.tls, ca: cert });
    try {
      const caller = await connect(old);
      const call = await caller.call({ codec: 'PCMU', to: '+4930901820' });
      expect((await call.answered).status).toBe(200);
      expect(await shown(daemon.tls)).toBe(fingerprint(old));

      // Half of a renewal is none.
      write(files.cert, renewed.cert);
      await logged('changed certificates were not taken over');
      expect(await shown(daemon.tls)).toBe(fingerprint(old));
      write(files.key, renewed.key);
      await logged('changed certificates were taken over');
      expect(await shown(daemon.tls)).toBe(fingerprint(renewed));

      write(config, `${trunks('second')}log: { level: debug }\nmedia: { timeout_seconds: 77 }\n`);
      daemon.child.signal('SIGHUP');
      expect(await logged('the configuration was reloaded')).toMatchObject({
        applied: ['numbers', 'log.level'],
        needsRestart: ['media.timeout_seconds'],
      });
      const other = await connect(renewed);
      const second = await other.call({ codec: 'PCMU', to: '+4930901820' });
      expect((await second.answered).status).toBe(200);
      const ready = await daemon.logs('agent ready', 2);
      expect(ready.map(line => line['input'])).toEqual(['pcm_16000', 'ulaw_8000']);

      write(config, 'trunks: [{ name: pbx }]\n');
      daemon.child.signal('SIGHUP');
      await logged('the configuration was not reloaded: it cannot be used');
      const http = String(daemon.logged('listening').find(line => line['for'] === 'http')?.['at']);
      const post = (secret: string) =>
        fetch(`http://${http}/v1/reload`, { method: 'POST', headers: { 'xi-api-key': secret } });
      expect((await post('another')).status).toBe(401);
      const bad = await post(key);
      expect([bad.status, await bad.text()]).toEqual([422, expect.stringContaining('lets everybody in')]);
      write(config, '');
      const emptied = await post(key);
      expect([emptied.status, await emptied.text()]).toEqual([422, expect.stringContaining('is empty')]);
      write(config, trunks('first'));
      const good = await post(key);
      expect([good.status, await good.json()]).toEqual([
        200,
        { status: 'reloaded', applied: ['numbers', 'log.level'], needs_restart: [] },
      ]);

      // The first call lives on its old connection, and both sides still can end it.
      const heard = call.media.reception.packets;
      await until(() => call.media.reception.packets > heard + 5, 'more sound');
      await call.hangup();
      await second.hangup();
      caller.close();
      other.close();
      expect(await daemon.stop()).toBe(0);
    } finally {
      await daemon.stop();
      rmSync(certificates, { recursive: true, force: true });
    }
  });
});
