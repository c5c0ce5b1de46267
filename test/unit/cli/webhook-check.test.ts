import { describe, expect, it } from 'vitest';
import { runCli } from '../../../src/cli/cli.ts';
import type { Io } from '../../../src/cli/command.ts';
import { Receiver } from '../../support/receiver.ts';

const good = {
  ELEVENLABS_API_KEY: 'a-key',
  ELEVENLABS_AGENT_ID: 'agent_1',
  WEBHOOK_SECRET: 'wsec_0123456789abcdef',
};

async function run(args: readonly string[], env: Record<string, string>) {
  const out: string[] = [];
  const err: string[] = [];
  const io: Io = {
    env: { ...good, ...env },
    out: text => void out.push(text),
    err: text => void err.push(text),
    onSignal: () => () => undefined,
  };
  return { code: await runCli([...args], io), out: out.join('\n'), err: err.join('\n') };
}

describe('check', () => {
  it('says which webhooks there are, without their paths', async () => {
    const { code, out } = await run(['check'], {
      INITIATION_WEBHOOK_URL: 'https://crm.example/path-secret',
      POST_CALL_WEBHOOK_URL: 'https://hooks.example/path-secret',
    });
    expect(code).toBe(0);
    expect(out).toMatch(/hooks +before each call https:\/\/crm\.example is asked/);
    expect(out).toMatch(/call_ended, call_initiation_failure to https:\/\/hooks\.example/);
    expect(out).not.toMatch(/path-secret/);
  });

  it.each(['https://169.254.169.254/', 'https://2130706433/', 'https://[fd00::1]/'])(
    'refuses a webhook on an address that nothing is sent to: %s',
    async url => {
      const { code, err } = await run(['check'], { INITIATION_WEBHOOK_URL: url });
      expect(code).toBe(2);
      expect(err).toMatch(/webhooks\.initiation\.url: it leads to .*webhooks\.allowed_networks/);
    },
  );

  it('connects to the webhooks with --online, and sends nothing', async () => {
    const receiver = await Receiver.start();
    const env = { INITIATION_WEBHOOK_URL: receiver.url, WEBHOOK_NETWORKS: '127.0.0.1/32' };
    expect(await run(['check', '--online'], env)).toMatchObject({ code: 0, err: '' });
    expect([receiver.connections, receiver.received.length]).toEqual([1, 0]);
    await receiver.close();
    const gone = await run(['check', '--online'], env);
    expect(gone.code).toBe(1);
    expect(gone.err).toContain('webhooks.initiation.url: it cannot be reached (ECONNREFUSED)');
  });
});

describe('call', () => {
  it.each<[string, RegExp]>([
    ['{', /--data is no JSON/],
    ['@/nowhere/data.json', /the file of --data cannot be read \(ENOENT\)/],
    ['{"dynamic_variables":{"a":[]}}', /dynamic_variables\.a is neither/],
    ['{"colour":"red"}', /what is not known: colour/],
  ])('is used wrongly with --data %s', async (data, told) => {
    const { code, err } = await run(['call', '--trunk', 'x', '--to', '+14155550123', '--data', data], {});
    expect(code).toBe(2);
    expect(err).toMatch(told);
  });
});
