import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimCaller } from '../../src/sim/caller/caller.ts';
import { header, statusOf } from '../../src/sim/caller/message.ts';
import { SimWorld } from '../../src/sim/world.ts';
import { environmentOf, withBridge } from '../support/flow.ts';
import { connectWhenOpen, freePort } from '../support/ports.ts';
import { ServeProcess } from '../support/serve-process.ts';
import { heardFor } from '../support/sound.ts';
import { until } from '../support/until.ts';

let world: SimWorld;
let folder: string;
let daemon: ServeProcess;
let caller: SimCaller;

beforeEach(async () => {
  world = await SimWorld.start({ agentId: 'agent_echo' });
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-drain-'));
});

afterEach(async () => {
  caller?.close();
  await daemon?.kill();
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

async function serve(yaml: string) {
  const config = join(folder, 'trunkbridge.yaml');
  writeFileSync(config, yaml);
  daemon = new ServeProcess({ env: environmentOf(world), cwd: folder, args: ['--config', config] });
  const port = await daemon.port('sip tcp');
  const http = await daemon.port('http');
  caller = await SimCaller.connect({ transport: 'tcp', host: '127.0.0.1', port });
  const ready = async () => (await fetch(`http://127.0.0.1:${http}/readyz`)).status;
  const alive = async () => (await fetch(`http://127.0.0.1:${http}/healthz`)).status;
  return { ready, alive };
}

/** A pipe that is full, and stays so: whoever writes is told to try again. */
function fullPipe(path: string): number {
  execFileSync('mkfifo', [path]);
  const end = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    for (;;) writeSync(end, Buffer.alloc(4096));
  } catch {
    return end;
  }
}

async function talking() {
  const call = await caller.call({ codec: 'PCMU' });
  expect((await call.answered).status).toBe(200);
  await heardFor(call, 200);
  return call;
}

describe('a daemon that is told to stop', () => {
  it('takes no new calls while the one that is up goes on, and exits with 0 when that is over', async () => {
    const { ready, alive } = await serve('drain:\n  deadline_seconds: 60\n');
    expect([await ready(), statusOf(await caller.request('OPTIONS'))]).toEqual([200, 200]);
    const call = await talking();
    daemon.signal('SIGTERM');
    await until(async () => (await ready()) === 503, '/readyz to turn 503');
    expect(await alive()).toBe(200);
    const late = await caller.call({ codec: 'PCMU' });
    const { status, response } = await late.answered;
    expect(status).toBe(503);
    expect(Number(header(response, 'Retry-After'))).toBeGreaterThan(0);
    expect(statusOf(await caller.request('OPTIONS'))).toBe(503);
    const so_far = call.media.heard.ms;
    await heardFor(call, so_far + 1000);
    expect(call.bye).toBeUndefined();
    expect(await call.hangup()).toBe(200);
    expect(await daemon.exited).toBe(0);
    expect(daemon.log('call ended')).toMatchObject([{ reason: 'caller-hung-up' }]);
    expect(world.agent.conversations).toHaveLength(1);
  });

  it('ends what is still up at the deadline with BYE, and exits with 0', async () => {
    await serve('drain:\n  deadline_seconds: 1\n');
    const call = await talking();
    daemon.signal('SIGTERM');
    expect(await call.ended).toBe('bye');
    expect(await daemon.exited).toBe(0);
    expect(daemon.log('call ended')).toMatchObject([{ reason: 'shutdown', result: 'us' }]);
  });

  it('ends everything at once when it is told a second time, and exits with 1', async () => {
    const { ready } = await serve('drain:\n  deadline_seconds: 600\n');
    const call = await talking();
    daemon.signal('SIGTERM');
    await until(async () => (await ready()) === 503, '/readyz to turn 503');
    daemon.signal('SIGTERM');
    expect(await call.ended).toBe('bye');
    expect(await daemon.exited).toBe(1);
    await world.agent.waitFor(({ open }) => open === 0);
  });

  it('exits with 0 at once when there is no call', async () => {
    await serve('drain:\n  deadline_seconds: 600\n');
    daemon.signal('SIGINT');
    expect(await daemon.exited).toBe(0);
  });
});

describe.runIf(existsSync('/dev/full'))('a daemon whose log goes nowhere', () => {
  const places: [string, () => number][] = [
    ['a full disk', () => openSync('/dev/full', 'w')],
    ['a pipe that nobody reads', () => fullPipe(join(folder, 'pipe'))],
  ];

  it.each(places)('ends with 0 all the same: %s', async (_name, open) => {
    const output = open();
    try {
      const [sip, http] = [await freePort(), await freePort()];
      const listen = { SIP_LISTEN: `tcp://127.0.0.1:${sip}`, HTTP_LISTEN: `127.0.0.1:${http}` };
      daemon = new ServeProcess({ env: environmentOf(world, listen), cwd: folder, output });
      (await connectWhenOpen(http)).destroy();
      caller = await SimCaller.connect({ transport: 'tcp', host: '127.0.0.1', port: sip });
      expect(await (await talking()).hangup()).toBe(200);
      daemon.signal('SIGTERM');
      expect(await daemon.exited).toBe(0);
    } finally {
      closeSync(output);
    }
  });
});

describe('a daemon that cannot start', () => {
  it.each(['ELEVENLABS_API_KEY', 'ELEVENLABS_AGENT_ID'])(
    'exits with 2 and a sentence that names %s',
    async name => {
      const { [name]: _, ...env } = environmentOf(world) as Record<string, string>;
      daemon = new ServeProcess({ env, cwd: folder });
      expect(await daemon.exited).toBe(2);
      expect(daemon.stderr).toMatch(new RegExp(`${name}: is missing; set it to .+`));
      expect(daemon.stdout).toBe('');
    },
  );

  it('exits with 1 and a sentence that names the address when that is taken', async () => {
    const first = await serve('drain:\n  deadline_seconds: 1\n');
    expect(await first.ready()).toBe(200);
    const taken = await daemon.port('sip tcp');
    const environment = environmentOf(world, { SIP_LISTEN: `tcp://127.0.0.1:${taken}` });
    const second = new ServeProcess({ env: environment, cwd: folder });
    expect(await second.exited).toBe(1);
    expect(second.stderr).toContain(
      `127.0.0.1 port ${taken}: another program listens there. Change SIP_LISTEN.`,
    );
    expect(second.stderr).not.toContain('    at ');
  });
});

describe('a daemon whose calls are all taken', () => {
  it('refuses the next with 503 that names the limit, and takes one again when one is over', () =>
    withBridge({ yaml: 'call:\n  max_calls: 1\n' }, async bridge => {
      const first = await bridge.answered();
      const second = await bridge.call();
      const { status, response } = await second.answered;
      expect(status).toBe(503);
      expect(Number(header(response, 'Retry-After'))).toBeGreaterThan(0);
      expect(header(response, 'Warning')).toContain('call.max_calls is 1');
      expect(bridge.log('invite refused')).toMatchObject([{ reason: 'over-capacity', result: 'us' }]);
      await first.hangup();
      await bridge.idle();
      const third = await bridge.answered();
      await third.hangup();
    }));
});
