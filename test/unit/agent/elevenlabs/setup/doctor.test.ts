import { describe, expect, it } from 'vitest';
import { type AgentTool, agentView } from '../../../../../src/agent/elevenlabs/setup/agent-view.ts';
import { examine } from '../../../../../src/agent/elevenlabs/setup/doctor.ts';
import type { DoctorOptions } from '../../../../../src/agent/elevenlabs/setup/finding.ts';
import {
  neededEvents,
  neededSystemTools,
  usefulEvents,
} from '../../../../../src/agent/elevenlabs/setup/needs.ts';
import { toolConfigs } from '../../../../../src/agent/elevenlabs/setup/tool-configs.ts';
import { twilioToolSpecs } from '../../../../../src/tools/twilio-tools.ts';

interface Change {
  readonly config?: object;
  readonly prompt?: object;
  readonly first?: string;
  readonly settings?: object;
  readonly tools?: readonly AgentTool[];
}

const systemTools = Object.fromEntries(
  Object.entries(neededSystemTools).map(([name, { config }]) => [name, config]),
);
const good = toolConfigs('client', undefined);
const [send, check] = good as [AgentTool, AgentTool];

/** Sentences about an agent that is right but for `change`. */
function sentences(
  { config, prompt, first, settings, tools = good }: Change,
  options?: DoctorOptions,
): string[] {
  const agent = agentView.parse({
    agent_id: 'agent_x',
    conversation_config: {
      asr: { user_input_audio_format: 'ulaw_8000' },
      tts: { agent_output_audio_format: 'ulaw_8000' },
      turn: { silence_end_call_timeout: -1 },
      conversation: { client_events: [...Object.keys(neededEvents), ...Object.keys(usefulEvents)] },
      agent: {
        first_message: first ?? 'Hello.',
        prompt: {
          prompt: 'The caller is {{caller_id}}.',
          tool_ids: tools.map((_, i) => `tool_${i}`),
          built_in_tools: systemTools,
          ...prompt,
        },
      },
      ...config,
    },
    platform_settings: { auth: { enable_auth: true }, ...settings },
  });
  const stored = tools.map((tool_config, i) => ({
    id: `tool_${i}`,
    tool_config,
  }));
  return examine({ agent, tools: stored }, options).map(
    ({ severity, sentence }) => `${severity}: ${sentence}`,
  );
}

const door = { url: 'https://bridge.example.com', secretId: 's' };
const [bridgeSend, bridgeCheck] = toolConfigs('bridge', door) as [AgentTool, AgentTool];
const options = { publicUrl: 'https://bridge.example.com' };

/** A copy with something taken out of its `api_schema.request_headers`. */
function without(tool: AgentTool, header: string): AgentTool {
  const copy = structuredClone(tool) as AgentTool & {
    api_schema: { request_headers: Record<string, unknown> };
  };
  delete copy.api_schema.request_headers[header];
  return copy;
}

describe('the doctor', () => {
  it('has nothing to say of an agent that is right, with either kind of tools of this bridge', () => {
    expect(sentences({})).toEqual([]);
    expect(sentences({ tools: [bridgeSend, bridgeCheck] }, options)).toEqual([]);
  });

  it.each<[string, Change, RegExp]>([
    [
      'a format that nobody speaks',
      { config: { asr: { user_input_audio_format: 'opus' } } },
      /^fault: .*is opus/,
    ],
    [
      'two formats',
      { config: { tts: { agent_output_audio_format: 'pcm_16000' } } },
      /^advice: The input format is ulaw_8000/,
    ],
    [
      'an event that is off',
      {
        config: {
          conversation: {
            client_events: [...Object.keys(neededEvents).slice(1), ...Object.keys(usefulEvents)],
          },
        },
      },
      /^fault: The client event conversation_initiation_metadata is off/,
    ],
    [
      'text only',
      {
        config: {
          conversation: {
            text_only: true,
            client_events: [...Object.keys(neededEvents), ...Object.keys(usefulEvents)],
          },
        },
      },
      /^fault: conversation.text_only/,
    ],
    ['a tool that is missing', { tools: [send] }, /^fault: The agent has no tool check_SMS_verification/],
    ['a tool that is there twice', { tools: [send, check, check] }, /^fault: The agent has 2 tools/],
    [
      'a tool that waits for nothing',
      { tools: [{ ...send, expects_response: false }, check] },
      /^fault: send_SMS_verification does not wait/,
    ],
    [
      'a tool that waits too briefly',
      { tools: [{ ...send, response_timeout_secs: 5 }, check] },
      /^advice: send_SMS_verification waits 5 s/,
    ],
    [
      'a code that is a number',
      {
        tools: [
          send,
          { ...check, parameters: { properties: { To: { type: 'string' }, Code: { type: 'number' } } } },
        ],
      },
      /^fault: Parameter Code of check_SMS_verification is of type number/,
    ],
    [
      'a parameter that is missing',
      { tools: [{ ...send, parameters: { properties: { to: { type: 'string' } } } }, check] },
      /^fault: send_SMS_verification has no parameter To/,
    ],
    [
      'transfer_to_number',
      { prompt: { built_in_tools: { ...systemTools, transfer_to_number: { type: 'system' } } } },
      /^fault: The system tool transfer_to_number .*client tool transfer_to_number/,
    ],
    [
      'play_keypad_touch_tone',
      { prompt: { built_in_tools: { ...systemTools, play_keypad_touch_tone: { type: 'system' } } } },
      /^fault: The system tool play_keypad_touch_tone/,
    ],
    [
      'no skip_turn',
      { prompt: { built_in_tools: { end_call: {} } } },
      /^advice: The system tool skip_turn is off/,
    ],
    [
      'system__caller_id in the first message',
      { first: 'Hello {{system__caller_id}}.' },
      /^fault: \{\{system__caller_id\}\} stays empty .*\{\{caller_id\}\}/,
    ],
    [
      'system__call_sid in a tool',
      {
        tools: [
          { ...send, api_schema: { request_headers: { X: { variable_name: 'system__call_sid' } } } },
          check,
        ],
      },
      /^fault: \{\{system__call_sid\}\}/,
    ],
    [
      'a variable that nobody gives',
      { prompt: { prompt: 'Dear {{name}}' } },
      /^advice: \{\{name\}\} is not a variable/,
    ],
    [
      'a variable of some calls',
      { prompt: { prompt: '{{sip_department}}' } },
      /^advice: \{\{sip_department\}\}/,
    ],
    ['no authentication', { settings: { auth: { enable_auth: false } } }, /^advice: Authentication is off/],
    [
      'a list of hosts',
      { settings: { auth: { enable_auth: true, allowlist: [{ hostname: 'x' }] } } },
      /^fault: .*allowlist/,
    ],
    [
      'its own webhook',
      {
        settings: {
          auth: { enable_auth: true },
          overrides: { enable_conversation_initiation_client_data_from_webhook: true },
        },
      },
      /^advice: .*initiation webhook/,
    ],
    [
      'silence that ends a call',
      { config: { turn: { silence_end_call_timeout: 20 } } },
      /^advice: turn.silence_end_call_timeout is 20/,
    ],
  ])('tells of %s', (_what, change, sentence) => {
    expect(sentences(change)).toEqual([expect.stringMatching(sentence)]);
  });

  it.each<[string, AgentTool, RegExp]>([
    [
      'goes to another bridge',
      {
        ...bridgeSend,
        api_schema: {
          ...(bridgeSend.api_schema as object),
          url: 'https://old.example.com/tools/send_SMS_verification',
        },
      },
      /^fault: .*another address/,
    ],
    ['sends no password', without(bridgeSend, 'Authorization'), /^fault: .*no Authorization/],
    ['does not say which call', without(bridgeSend, 'X-Bridge-Token'), /^fault: .*X-Bridge-Token/],
  ])('tells of a webhook tool that %s', (_what, tool, sentence) => {
    expect(sentences({ tools: [tool, bridgeCheck] }, options)).toEqual([expect.stringMatching(sentence)]);
  });

  it('says that tools which go straight to Twilio are outside of all that is allowed here', () => {
    const tools = toolConfigs('twilio', { url: 'https://verify.twilio.com/v2/Services/VAx', secretId: 's' });
    const said = sentences({ tools });
    expect(said).toHaveLength(2);
    for (const sentence of said) expect(sentence).toMatch(/^advice: .*straight to Twilio/);
  });

  it('knows the variables that the configuration gives', () => {
    expect(sentences({ prompt: { prompt: 'Dear {{name}}' } }, { variables: ['name'] })).toEqual([]);
  });

  it('bears an agent of which nothing is told', () => {
    const agent = agentView.parse({ agent_id: 'agent_x', conversation_config: {} });
    expect(examine({ agent, tools: [] }).length).toBeGreaterThan(5);
  });
});

describe('the tools of the Twilio account', () => {
  const group = twilioToolSpecs();
  const whole = toolConfigs('client', undefined, [], group);
  const without = (name: string) => whole.filter(tool => tool.name !== name);
  const sms = whole.find(({ name }) => name === 'twilio_send_sms') as AgentTool;

  it('are in order where the agent has none or all of them', () => {
    expect(sentences({}, { group })).toEqual([]);
    expect(sentences({ tools: whole }, { group })).toEqual([]);
    const bridge = toolConfigs('bridge', door, [], group);
    expect(sentences({ tools: bridge }, { group, publicUrl: door.url })).toEqual([]);
  });

  it('are one group: some of them without the others are noticed', () => {
    expect(sentences({ tools: without('twilio_lookup_phone') }, { group })).toEqual([
      expect.stringMatching(/^advice: .*lacks twilio_lookup_phone/),
    ]);
  });

  it('have their faults told like those of the codes', () => {
    const deaf = { ...sms, expects_response: false, parameters: { type: 'object', properties: {} } };
    const found = sentences({ tools: [...without('twilio_send_sms'), deaf] }, { group });
    expect(found).toEqual([
      expect.stringContaining('twilio_send_sms does not wait for a response'),
      expect.stringContaining('twilio_send_sms has no parameter to'),
      expect.stringContaining('twilio_send_sms has no parameter body'),
    ]);
  });
});
