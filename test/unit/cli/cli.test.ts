import { describe, expect, it } from 'vitest';
import { runCli } from '../../../src/cli/cli.ts';
import type { Arguments, Command, Io } from '../../../src/cli/command.ts';

function world(env: Record<string, string> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const io: Io = {
    env,
    out: text => void out.push(text),
    err: text => void err.push(text),
    onSignal: () => () => undefined,
  };
  return { io, out: () => out.join('\n'), err: () => err.join('\n') };
}

const good = { ELEVENLABS_API_KEY: 'sk_very_secret', ELEVENLABS_AGENT_ID: 'agent_1' };

describe('the command line', () => {
  it.each([['--help'], ['-h'], ['help']])('lists the commands with examples for %s', async flag => {
    const { io, out } = world();
    expect(await runCli([flag], io)).toBe(0);
    for (const text of ['serve', 'check', 'Examples:', 'Exit codes:']) expect(out()).toContain(text);
  });

  it('is used wrongly without a command, and says how to use it', async () => {
    const { io, out, err } = world();
    expect(await runCli([], io)).toBe(2);
    expect(err()).toContain('Usage: trunkbridge <command>');
    expect(out()).toBe('');
  });

  it.each(['sevre', 'constructor', '__proto__', '-x'])('does not know the command %s', async name => {
    const { io, err } = world();
    expect(await runCli([name], io)).toBe(2);
    expect(err()).toContain(`there is no command "${name}"`);
  });

  it('tells its version', async () => {
    const { io, out } = world();
    expect(await runCli(['--version'], io)).toBe(0);
    expect(out()).toMatch(/^\d+\.\d+\.\d+/);
  });

  it.each(['serve', 'check'])('explains %s with its options, an example and every variable', async name => {
    const { io, out } = world();
    expect(await runCli([name, '--help'], io)).toBe(0);
    for (const text of [
      `Usage: trunkbridge ${name}`,
      '--config',
      'Examples:',
      'ELEVENLABS_API_KEY',
      'agent.settle_ms',
      'idleMs',
    ]) {
      expect(out()).toContain(text);
    }
    const again = world();
    expect(await runCli(['help', name], again.io)).toBe(0);
    expect(again.out()).toBe(out());
  });

  it.each([[['check', '--prnit']], [['check', 'extra']], [['check', '--config']], [['serve', '--print']]])(
    'is used wrongly with %j',
    async argv => {
      const { io, err } = world(good);
      expect(await runCli(argv, io)).toBe(2);
      expect(err()).toContain(`Usage: trunkbridge ${argv[0]}`);
    },
  );

  it('hands options and words to the command, and its code back', async () => {
    const seen: unknown[] = [];
    const command: Command = {
      usage: '',
      help: () => '',
      options: { count: { type: 'string' } },
      positionals: true,
      run: async (args: Arguments, _io, words) => {
        seen.push(args['count'], ...words);
        return 1;
      },
    };
    const table = { try: { summary: 'Tries.', load: async () => ({ command }) } };
    expect(await runCli(['try', '--count', '3', 'a', 'b'], world().io, table)).toBe(1);
    expect(seen).toEqual(['3', 'a', 'b']);
  });
});

describe('check', () => {
  const tools = { TOOLS_SECRET: '0123456789abcdef' };
  const twilio = { PUBLIC_URL: 'https://bridge.example.com' };

  it.each([
    [tools, 'for webhook tools\n'],
    [twilio, 'for Twilio, from outside https://bridge.example.com\n'],
    [{ ...tools, ...twilio }, 'for webhook tools and Twilio, from outside'],
  ])('says what is to be had at PUBLIC_HTTP_LISTEN with %j', async (env, what) => {
    const { io, out } = world({ ...good, PUBLIC_HTTP_LISTEN: '127.0.0.1:8081', ...env });
    expect(await runCli(['check'], io)).toBe(0);
    expect(out()).toContain(`127.0.0.1:8081 ${what}`);
  });

  it('says what would listen where', async () => {
    const { io, out, err } = world({ ...good, SIP_LISTEN: 'tcp://127.0.0.1:5070', RTP_PORTS: '30000-33999' });
    expect(await runCli(['check'], io)).toBe(0);
    expect(out()).toContain('The configuration is good.');
    expect(out()).toMatch(/sip +tcp 127\.0\.0\.1:5070/);
    expect(out()).toMatch(/rtp +udp 30000-33999: 2000 pairs/);
    expect(out()).toMatch(/http +127\.0\.0\.1:8080, health only: no API_KEYS/);
    expect(out()).toMatch(/tools +one-time codes are off: no TWILIO_VERIFY_SERVICE_SID/);
    expect(err()).toBe('');
  });

  it('prints every setting with its origin, and no secret', async () => {
    const { io, out } = world({ ...good, LOG_LEVEL: 'debug' });
    expect(await runCli(['check', '--print'], io)).toBe(0);
    expect(out()).toContain('log.level: "debug"  # LOG_LEVEL');
    expect(out()).toContain('agent.settle_ms: "300"  # default');
    expect(out()).toContain('elevenlabs.api_key: "[hidden]"  # ELEVENLABS_API_KEY');
    expect(out()).toContain('# network.public_address:  # not set');
    expect(out()).not.toContain('sk_very_secret');
  });

  it('ends with 2 and every mistake on standard error', async () => {
    const { io, out, err } = world({ LOG_LEVEL: 'loud' });
    expect(await runCli(['check'], io)).toBe(2);
    expect(out()).toBe('');
    expect(err()).toContain('3 things are wrong');
    expect(err()).toContain('  - ELEVENLABS_API_KEY: is missing');
    expect(err()).toContain('  - LOG_LEVEL: must be one of');
  });

  it('says one sentence when one thing is wrong', async () => {
    const { io, err } = world({ ELEVENLABS_AGENT_ID: 'agent_1' });
    expect(await runCli(['check'], io)).toBe(2);
    expect(err().split('\n')).toHaveLength(1);
    expect(err()).toContain('ELEVENLABS_API_KEY: is missing');
  });

  it('notes what is allowed and may be a mistake', async () => {
    const { io, err } = world({ ...good, RTP_PORTS: '30000-30009', SIP_ALLOW: '0.0.0.0/0' });
    expect(await runCli(['check'], io)).toBe(0);
    expect(err()).toContain('note: call.max_calls is 1000, and RTP_PORTS has room for 5 calls.');
    expect(err()).toContain('note: SIP_ALLOW has 0.0.0.0/0');
  });
});

it('serve ends at once with one sentence when the key is missing', async () => {
  const { io, err } = world({ ELEVENLABS_AGENT_ID: 'agent_1' });
  expect(await runCli(['serve'], io)).toBe(2);
  expect(err()).toContain('ELEVENLABS_API_KEY: is missing');
});
