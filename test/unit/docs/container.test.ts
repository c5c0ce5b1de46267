import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';
import { settings } from '../../../src/config/settings.ts';
import { daemonFlags } from '../../../src/sim/load/daemon-flags.ts';
import { readText, root } from './document.ts';

interface Step {
  readonly instruction: string;
  readonly text: string;
  readonly line: number;
}
interface Stage {
  readonly base: string;
  readonly name?: string;
  readonly steps: readonly Step[];
}
interface Reader {
  parseDockerfile(text: string): Stage[];
  lastStep(stage: Stage, instruction: string): Step | undefined;
  execForm(step: Step): string[];
  ignores(dockerignore: string): (path: string) => boolean;
}

// The scripts are plain JavaScript, so that they run before anything is built.
const script: string = `${root}/scripts/image/dockerfile.mjs`;
const { parseDockerfile, lastStep, execForm, ignores } = (await import(script)) as Reader;

const stages = parseDockerfile(readText('Dockerfile'));
const final = stages.at(-1) as Stage;
const deadline = Number(settings['drain.deadline_seconds'].fallback);

describe('Dockerfile', () => {
  it('builds in one stage and runs in another, both of the same LTS line of Node', () => {
    expect(stages.map(({ base }) => base)).toEqual(['node:24-bookworm-slim', 'node:24-bookworm-slim']);
  });

  it('runs as somebody who is not root, with files that are not theirs', () => {
    const at = final.steps.findIndex(({ instruction }) => instruction === 'USER');
    expect(final.steps[at]?.text).toBe('node');
    const copies = final.steps.filter(({ instruction }) => instruction === 'COPY');
    expect(copies.map(({ text }) => text).join(' ')).not.toContain('--chown');
    expect(final.steps.slice(at).map(({ instruction }) => instruction)).not.toContain('COPY');
  });

  it('starts node itself, so that signals reach it', () => {
    const words = ['ENTRYPOINT', 'CMD'].flatMap(instruction =>
      execForm(lastStep(final, instruction) as Step),
    );
    expect(words[0]).toBe('node');
    expect(words.at(-1)).toBe('serve');
  });

  it('starts the daemon as it is measured, and as npm start and the systemd unit do', () => {
    const { scripts } = JSON.parse(readText('package.json')) as { scripts: { start: string } };
    const unit = /^ExecStart=(.*)$/m.exec(readText('examples/systemd/trunkbridge.service'))?.[1] ?? '';
    const commands = [
      execForm(lastStep(final, 'ENTRYPOINT') as Step),
      scripts.start.split(' '),
      unit.split(' '),
    ];
    const flags = commands.map(words => words.slice(1, words.indexOf('dist/src/main.js')));
    expect(flags).toEqual([daemonFlags, daemonFlags, daemonFlags]);
  });

  it('exposes what the defaults listen on', () => {
    const exposed = lastStep(final, 'EXPOSE')?.text.split(' ');
    const port = (text: string) => text.split(':').at(-1);
    expect(exposed).toEqual([
      `${port(settings['sip.listen'].fallback)}/tcp`,
      '5061/tcp',
      `${port(settings['http.listen'].fallback)}/tcp`,
      `${settings['media.rtp_ports'].fallback}/udp`,
    ]);
  });
});

describe('.dockerignore', () => {
  const ignored = ignores(readText('.dockerignore'));

  it.each([
    '.git/config',
    '.env',
    'node_modules/ws/package.json',
    'dist/src/main.js',
    'test/a.test.ts',
    'key.pem',
  ])('keeps %s away from the builder', path => expect(ignored(path)).toBe(true));

  it.each([
    'package.json',
    'package-lock.json',
    'src/main.ts',
    'codecs/g711.ts',
    'scripts/build.mjs',
    'LICENSE',
  ])('lets %s in', path => expect(ignored(path)).toBe(false));
});

describe('the reader of the Dockerfile', () => {
  it('joins continued lines, leaves comments out and keeps stages apart', () => {
    const [one, two] = parseDockerfile('FROM a AS b\n# no\nRUN x \\\n  # nor this\n  y\n\nFROM c\nUSER d\n');
    expect(one).toEqual({ base: 'a', name: 'b', steps: [{ instruction: 'RUN', text: 'x y', line: 3 }] });
    expect(two?.steps).toEqual([{ instruction: 'USER', text: 'd', line: 8 }]);
  });

  it('refuses an instruction that it does not know, with the line', () => {
    expect(() => parseDockerfile('FROM a\nADD http://x /y\n')).toThrow('Dockerfile:2');
  });

  it('refuses the shell form, under which a shell would get the signals', () => {
    expect(() => execForm({ instruction: 'CMD', text: 'node main.js', line: 9 })).toThrow('Dockerfile:9');
  });

  it('lets the last pattern decide, folders included', () => {
    const ignored = ignores('*\n!src\nsrc/**/*.md\n!src/keep.md\n');
    expect(['a', 'src/a.ts', 'src/x/a.md', 'src/keep.md'].map(ignored)).toEqual([true, false, true, false]);
  });
});

describe('what stops the daemon', () => {
  interface Compose {
    services: {
      trunkbridge: {
        stop_grace_period: string;
        network_mode: string;
        ulimits: object;
        environment: object;
        volumes: string[];
      };
    };
  }
  const compose = (parse(readText('examples/docker/compose.yaml')) as Compose).services.trunkbridge;
  const unit = Object.fromEntries(
    [...readText('examples/systemd/trunkbridge.service').matchAll(/^(\w+)=(.*)$/gm)].map(([, k, v]) => [
      k,
      v,
    ]),
  );

  it('waits longer than the drain may take, with Compose, systemd and by hand', () => {
    expect(Number.parseInt(compose.stop_grace_period, 10)).toBeGreaterThan(deadline);
    expect(Number(unit['TimeoutStopSec'])).toBeGreaterThan(deadline);
    const waits = [
      ...`${readText('README.md')}${readText('docs/deployment.md')}`.matchAll(
        /stop-timeout (\d+)|stop -t (\d+)/g,
      ),
    ];
    expect(waits.length).toBeGreaterThan(1);
    for (const [, run, stop] of waits) expect(Number(run ?? stop)).toBeGreaterThan(deadline);
  });

  it('keeps what is in its data folder when the container is made anew', () => {
    const runs = [...`${readText('README.md')}${readText('docs/deployment.md')}`.matchAll(/docker run .*/g)];
    expect(runs.length).toBeGreaterThan(1);
    for (const [line] of runs) expect(line).toContain('-v trunkbridge-data:/app/data');
    expect(compose.volumes).toContain('trunkbridge-data:/app/data');
  });

  it('has an environment that the daemon can use, on the network of the host', () => {
    const env = { ...(compose.environment as Record<string, string>), ELEVENLABS_AGENT_ID: 'agent_1' };
    const read = (path: string) => (path === '/run/secrets/elevenlabs_api_key' ? 'a-key\n' : '');
    expect(loadConfig({ env, read })).toMatchObject({ ok: true, value: { notes: [] } });
    expect(compose.network_mode).toBe('host');
  });

  it('does not restart a daemon whose configuration cannot be used', () => {
    expect(unit['RestartPreventExitStatus']).toBe('2');
    expect(unit['ExecStart']).toContain('serve --config');
    expect(unit['NoNewPrivileges']).toBe('yes');
  });

  it('leaves no picture of its memory, with its codes and keys, where it crashes', () => {
    expect(unit['LimitCORE']).toBe('0');
    expect(compose.ulimits).toMatchObject({ core: 0 });
  });

  it('reads the configuration again for systemctl reload', () => {
    expect(unit['ExecReload']).toBe('/bin/kill -HUP $MAINPID');
  });
});
