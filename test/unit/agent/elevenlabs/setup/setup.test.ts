import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ElevenLabsRest } from '../../../../../src/agent/elevenlabs/setup/rest.ts';
import {
  applySetup,
  createAgent,
  planSetup,
  readWorkspace,
  type SetupWish,
  storeSecret,
} from '../../../../../src/agent/elevenlabs/setup/setup.ts';
import { toolConfigs } from '../../../../../src/agent/elevenlabs/setup/tool-configs.ts';
import { SimAgent } from '../../../../../src/sim/agent/agent.ts';

const wish: SetupWish = { tools: toolConfigs('client', undefined), audio: 'narrowband' };

interface Shown {
  readonly conversation_config: {
    readonly asr: { readonly user_input_audio_format: string };
    readonly tts: { readonly agent_output_audio_format: string };
    readonly conversation: { readonly client_events: string[]; readonly text_only: boolean };
    readonly agent: {
      readonly prompt: {
        readonly prompt: string;
        readonly tool_ids: string[];
        readonly built_in_tools: Readonly<Record<string, unknown>>;
      };
    };
  };
}

describe('setting an agent up', () => {
  let sim: SimAgent;
  let rest: ElevenLabsRest;
  const agent = (id = 'agent_desk') => sim.workspace.agents.get(id) as unknown as Shown;
  const promptOf = () => agent().conversation_config.agent.prompt;
  const changing = () => sim.workspace.requests.filter(({ method }) => method !== 'GET');

  beforeEach(async () => {
    sim = await SimAgent.start();
    rest = new ElevenLabsRest({ baseUrl: sim.baseUrl, apiKey: sim.apiKey });
    sim.workspace.addAgent('agent_desk');
  });
  afterEach(() => sim.close());

  /** One whole run; gives what it said it would change. */
  async function run(what = wish, id = 'agent_desk'): Promise<readonly string[]> {
    const workspace = await readWorkspace(rest, id);
    if (!workspace.ok) throw workspace.failure;
    const plan = planSetup(workspace.value, what);
    expect(await applySetup(rest, workspace.value, plan)).toEqual({ ok: true, value: undefined });
    return plan.changes;
  }

  it('gives a new agent all that it lacks, and finds nothing to do the second time', async () => {
    const changes = await run();
    expect(changes).toHaveLength(7);
    const { asr, tts, conversation } = agent().conversation_config;
    expect([asr.user_input_audio_format, tts.agent_output_audio_format]).toEqual(['ulaw_8000', 'ulaw_8000']);
    expect(conversation.client_events).toEqual(
      expect.arrayContaining(['audio', 'interruption', 'client_tool_call', 'agent_tool_response']),
    );
    expect(promptOf().prompt).toContain('send_SMS_verification');
    expect(promptOf().prompt).toContain('Nothing that the caller says is proof');
    expect(promptOf().prompt).not.toMatch(/you are told/);
    expect(Object.keys(promptOf().built_in_tools)).toEqual(['end_call', 'skip_turn']);
    const names = promptOf().tool_ids.map(id => sim.workspace.tools.get(id)?.['name']);
    expect(names).toEqual(['send_SMS_verification', 'check_SMS_verification']);
    const before = changing().length;
    expect(await run()).toEqual([]);
    expect(changing()).toHaveLength(before);
  });

  it('keeps tools, events, system tools and the prompt that are there', async () => {
    const own = sim.workspace.addTool({ type: 'client', name: 'look_up', description: 'x' });
    sim.workspace.addAgent('agent_desk', {
      conversation: { client_events: ['audio', 'vad_score'] },
      agent: {
        prompt: {
          prompt: 'You sell bicycles.',
          tool_ids: [own],
          built_in_tools: {
            end_call: { type: 'system', name: 'end_call', description: 'when they say bye' },
          },
        },
      },
    });
    await run();
    expect(agent().conversation_config.conversation.client_events.slice(0, 2)).toEqual([
      'audio',
      'vad_score',
    ]);
    expect(promptOf().prompt).toMatch(/^You sell bicycles\.\n\n# Verifying the caller\n/);
    expect(promptOf().tool_ids[0]).toBe(own);
    expect(promptOf().tool_ids).toHaveLength(3);
    expect(promptOf().built_in_tools).toMatchObject({
      end_call: { description: 'when they say bye' },
      skip_turn: { type: 'system' },
    });
  });

  it('leaves a prompt alone that names the tool already', async () => {
    const prompt = 'Verify with send_SMS_verification, as our rules say.';
    sim.workspace.addAgent('agent_desk', { agent: { prompt: { prompt } } });
    await run();
    expect(promptOf().prompt).toBe(prompt);
  });

  it("mends the agent's own tool in place and keeps how it was worded", async () => {
    const [send] = wish.tools;
    const id = sim.workspace.addTool({ ...send, description: 'In our words.', expects_response: false });
    sim.workspace.addAgent('agent_desk', { agent: { prompt: { tool_ids: [id] } } });
    const changes = await run();
    expect(changes).toContain('tool send_SMS_verification: is brought up to date');
    expect(sim.workspace.tools.get(id)).toMatchObject({
      description: 'In our words.',
      expects_response: true,
    });
    expect(promptOf().tool_ids).toContain(id);
  });

  it('uses a tool of the workspace as it is, but changes none that other agents may have', async () => {
    const [send, check] = wish.tools;
    const good = sim.workspace.addTool(send ?? {});
    const other = sim.workspace.addTool({ ...check, expects_response: false });
    await run();
    expect(promptOf().tool_ids).toContain(good);
    expect(promptOf().tool_ids).not.toContain(other);
    expect(sim.workspace.tools.get(other)).toMatchObject({ expects_response: false });
  });

  it('takes client tools off an agent that gets webhook tools of the same names', async () => {
    await run();
    const clients = promptOf().tool_ids;
    const door = { url: 'https://bridge.example.com', secretId: 'secret_1' };
    await run({ tools: toolConfigs('bridge', door) });
    const webhooks = promptOf().tool_ids;
    expect(webhooks.filter(id => clients.includes(id))).toEqual([]);
    expect(webhooks.map(id => sim.workspace.tools.get(id))).toEqual([
      expect.objectContaining({
        type: 'webhook',
        api_schema: expect.objectContaining({
          url: 'https://bridge.example.com/tools/send_SMS_verification',
          content_type: 'application/x-www-form-urlencoded',
          request_headers: {
            Authorization: { secret_id: 'secret_1' },
            'X-Bridge-Token': { variable_name: 'secret__bridge_token' },
          },
        }),
      }),
      expect.objectContaining({ type: 'webhook', name: 'check_SMS_verification' }),
    ]);
    // They stay in the workspace: other agents may have them.
    expect(clients.every(id => sim.workspace.tools.has(id))).toBe(true);
  });

  it('reads all pages of tools', async () => {
    for (let i = 0; i < 5; i++) sim.workspace.addTool({ type: 'client', name: `tool_${i}` });
    const workspace = await readWorkspace(rest, 'agent_desk');
    expect(workspace.ok && workspace.value.tools.length).toBe(5);
  });

  it('makes an agent', async () => {
    const made = await createAgent(rest, 'Front desk');
    if (!made.ok) throw made.failure;
    await run(wish, made.value);
    expect(agent(made.value).conversation_config.asr.user_input_audio_format).toBe('ulaw_8000');
  });

  it('keeps one secret of a name, and changes it', async () => {
    for (let i = 0; i < 3; i++) await storeSecret(rest, `other_${i}`, 'x');
    const first = await storeSecret(rest, 'ours', 'one');
    const second = await storeSecret(rest, 'ours', 'two');
    expect(second).toEqual(first);
    expect(first.ok && sim.workspace.secrets.get(first.value)).toEqual({ name: 'ours', value: 'two' });
  });

  it('leaves the agent as it was when a tool cannot be made', async () => {
    const workspace = await readWorkspace(rest, 'agent_desk');
    if (!workspace.ok) throw workspace.failure;
    const broken = { tools: [{ type: 'client', name: 'x' }], replaced: [], patch: {}, changes: [] } as const;
    const strangers = new ElevenLabsRest({ baseUrl: sim.baseUrl, apiKey: 'another' });
    const steps = [{ kind: 'create', name: 'x', config: broken.tools[0] }] as const;
    const applied = await applySetup(strangers, workspace.value, { ...broken, tools: steps });
    expect(applied).toMatchObject({ ok: false, failure: { code: 'unauthorized' } });
    expect(changing()).toEqual([]);
  });
});
