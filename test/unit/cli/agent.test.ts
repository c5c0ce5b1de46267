import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../src/cli/cli.ts';
import { SimAgent } from '../../../src/sim/agent/agent.ts';

const toolsSecret = 'tools-secret-0123456789';
const authToken = 'auth-token-0123456789';

describe('trunkbridge agent', () => {
  let sim: SimAgent;
  let folder: string;
  beforeEach(async () => {
    sim = await SimAgent.start();
    sim.workspace.addAgent('agent_desk');
    folder = mkdtempSync(join(tmpdir(), 'trunkbridge-agent-'));
  });
  afterEach(async () => {
    await sim.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function run(words: string, more: Readonly<Record<string, string>> = {}) {
    const out: string[] = [];
    const err: string[] = [];
    const env = {
      ELEVENLABS_API_KEY: sim.apiKey,
      ELEVENLABS_AGENT_ID: 'agent_desk',
      ELEVENLABS_BASE_URL: sim.baseUrl,
      ...more,
    };
    const code = await runCli(words.split(' '), {
      env,
      out: text => void out.push(text),
      err: text => void err.push(text),
      onSignal: () => () => undefined,
    });
    return { code, out: out.join('\n'), err: err.join('\n') };
  }

  const outside = { PUBLIC_URL: 'https://bridge.example.com', TOOLS_SECRET: toolsSecret };
  const twilio = {
    TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
    TWILIO_AUTH_TOKEN: authToken,
    TWILIO_VERIFY_SERVICE_SID: `VA${'1'.repeat(32)}`,
  };

  it('finds faults in a new agent, mends them, and then finds none', async () => {
    const before = await run('agent doctor');
    expect([before.code, before.out]).toEqual([1, expect.stringContaining('fault: The agent has no tool')]);
    const setup = await run('agent setup --audio narrowband');
    expect([setup.code, setup.out]).toEqual([0, expect.stringContaining('client events: client_tool_call')]);
    const after = await run('agent doctor');
    expect([after.code, after.out]).toEqual([0, expect.not.stringContaining('fault')]);
    expect((await run('agent setup --audio narrowband')).out).toBe(
      'Nothing to change: the agent has it all.',
    );
  });

  it('says what it would do, and does not', async () => {
    const { code, out } = await run('agent setup --dry-run --tools bridge', outside);
    expect([code, out]).toEqual([0, expect.stringContaining('tool send_SMS_verification: is made')]);
    expect(sim.workspace.requests.every(({ method }) => method === 'GET')).toBe(true);
  });

  it('keeps the password of webhook tools as a secret of the workspace and shows it nowhere', async () => {
    const { code, out, err } = await run('agent setup --tools bridge', outside);
    expect(code).toBe(0);
    expect(`${out}${err}`).not.toContain(toolsSecret);
    expect([...sim.workspace.secrets.values()]).toEqual([
      { name: 'trunkbridge_tools_authorization', value: `Bearer ${toolsSecret}` },
    ]);
    expect(JSON.stringify([...sim.workspace.tools.values()])).not.toContain(toolsSecret);
    expect((await run('agent doctor', outside)).code).toBe(0);
  });

  it('sets up the tools of the guide on wish, and says what does not hold for them', async () => {
    const { code, err } = await run('agent setup --tools twilio', twilio);
    expect([code, err]).toEqual([0, expect.stringContaining('do not apply')]);
    const [secret] = sim.workspace.secrets.values();
    expect(secret?.value).toBe(`Basic ${btoa(`${twilio.TWILIO_ACCOUNT_SID}:${authToken}`)}`);
    const urls = [...sim.workspace.tools.values()].map(tool => (tool['api_schema'] as { url: string }).url);
    expect(urls).toEqual([
      `https://verify.twilio.com/v2/Services/${twilio.TWILIO_VERIFY_SERVICE_SID}/Verifications`,
      `https://verify.twilio.com/v2/Services/${twilio.TWILIO_VERIFY_SERVICE_SID}/VerificationCheck`,
    ]);
  });

  it('makes an agent with further tools of this bridge', async () => {
    const { code, out } = await run('agent setup --create Desk --more hold --more transfer_to_number');
    expect([code, out]).toEqual([0, expect.stringMatching(/^agent agent_\w+: made/)]);
    expect([...sim.workspace.tools.values()].map(({ name }) => name)).toEqual([
      'send_SMS_verification',
      'check_SMS_verification',
      'hold',
      'transfer_to_number',
    ]);
  });

  it('gives an agent the seven tools of the Twilio account as one group', async () => {
    expect((await run('agent setup --more twilio')).code).toBe(0);
    const names = [...sim.workspace.tools.values()].map(({ name }) => name).slice(2);
    expect(names).toEqual([
      'twilio_send_sms',
      'twilio_send_whatsapp',
      'twilio_search_messages',
      'twilio_lookup_phone',
      'twilio_manage_calls',
      'twilio_verify_phone',
      'twilio_account_overview',
    ]);
    expect((await run('agent doctor')).code).toBe(0);
    expect((await run('agent setup --more twilio')).out).toContain('Nothing to change');
  });

  it('lets the seven go the same way to this bridge as the codes', async () => {
    expect((await run('agent setup --tools bridge --more twilio', outside)).code).toBe(0);
    const urls = [...sim.workspace.tools.values()].map(tool => (tool['api_schema'] as { url: string }).url);
    expect(urls.slice(2).every(url => /\/tools\/twilio_\w+$/.test(url))).toBe(true);
    expect((await run('agent doctor', outside)).code).toBe(0);
  });

  it('writes the files of the Agents CLI and asks nobody', async () => {
    const { code } = await run(`agent setup --audio wideband --print ${folder}`);
    expect(code).toBe(0);
    expect(sim.workspace.requests).toEqual([]);
    const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
    const { tools } = read('tools.json') as { tools: { type: string; config: string }[] };
    expect(tools.map(({ config }) => read(config).name)).toEqual([
      'send_SMS_verification',
      'check_SMS_verification',
    ]);
    const [{ config }] = read('agents.json').agents as [{ config: string }];
    expect(read(config).conversation_config.tts).toEqual({ agent_output_audio_format: 'pcm_16000' });
  });

  it.each([
    ['agent', 'say setup or doctor'],
    ['agent mend', 'say setup or doctor'],
    ['agent setup --tools soap', '--tools takes client, bridge, twilio'],
    ['agent setup --audio loud', '--audio takes narrowband, wideband'],
    ['agent setup --more coffee', '--more takes'],
    ['agent setup --tools bridge', 'needs PUBLIC_URL and TOOLS_SECRET'],
    ['agent setup --tools twilio', 'needs TWILIO_VERIFY_SERVICE_SID'],
    ['agent setup --create a --agent b', '--create makes an agent'],
    ['agent setup --create a --dry-run', '--dry-run'],
  ])('does not take %s', async (words, why) => {
    const { code, err } = await run(words);
    expect([code, err]).toEqual([2, expect.stringContaining(why)]);
    expect(sim.workspace.requests).toEqual([]);
  });

  it.each([
    ['agent doctor --agent agent_nobody', {}, 'Check the id of the agent'],
    ['agent doctor', { ELEVENLABS_API_KEY: 'sk_wrong' }, 'Check ELEVENLABS_API_KEY'],
    ['agent doctor', { ELEVENLABS_BASE_URL: 'http://127.0.0.1:9' }, 'Check ELEVENLABS_BASE_URL'],
  ])('fails with what to check: %s', async (words, env, advice) => {
    const { code, err } = await run(words, env as Record<string, string>);
    expect([code, err]).toEqual([1, expect.stringContaining(advice)]);
  });

  it('does not write files where it was not asked to', () => {
    expect(existsSync('tools.json')).toBe(false);
  });
});
