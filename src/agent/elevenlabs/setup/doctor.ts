import { audioFormats } from '../../../core/audio.ts';
import type { AgentTool, AgentView } from './agent-view.ts';
import { groupTools, otpTool } from './doctor-tools.ts';
import { advice, type DoctorOptions, type Finding, fault } from './finding.ts';
import {
  deadSystemTools,
  deadVariables,
  knownVariables,
  neededEvents,
  neededSystemTools,
  usefulEvents,
} from './needs.ts';
import { toolIdsOf, type Workspace } from './setup.ts';
import { otpToolNames } from './tool-configs.ts';

/** Every difference between an agent and what a bridge needs, each in a sentence. */
export function examine({ agent, tools }: Workspace, options: DoctorOptions = {}): Finding[] {
  const ids = new Set(toolIdsOf(agent));
  const own = tools.filter(({ id }) => ids.has(id)).map(({ tool_config }) => tool_config);
  return [
    ...formats(agent),
    ...events(agent),
    ...otpToolNames.flatMap(name => otpTool(name, own, options)),
    ...groupTools(own, options),
    ...systemTools(agent),
    ...variables(agent, own, options),
    ...access(agent),
    ...conduct(agent),
  ];
}

function formats({ conversation_config: { asr, tts } }: AgentView): Finding[] {
  const input = asr?.user_input_audio_format;
  const output = tts?.agent_output_audio_format;
  const both = Object.entries({
    'asr.user_input_audio_format': input,
    'tts.agent_output_audio_format': output,
  });
  const unknown = both.flatMap(([key, format]) =>
    format === undefined || (audioFormats as readonly string[]).includes(format)
      ? []
      : [fault(`${key} is ${format}, which no bridge speaks: choose ulaw_8000 or pcm_16000.`)],
  );
  if (unknown.length > 0 || input === output) return unknown;
  return [
    advice(
      `The input format is ${input ?? 'unset'} and the output format ${output ?? 'unset'}: one format for both, ulaw_8000 for G.711 or pcm_16000 for G.722, converts least.`,
    ),
  ];
}

function events({ conversation_config: { conversation } }: AgentView): Finding[] {
  const sent = new Set(conversation?.client_events ?? []);
  const missing = (wanted: Readonly<Record<string, string>>, say: (sentence: string) => Finding) =>
    Object.entries(wanted)
      .filter(([event]) => !sent.has(event))
      .map(([event, without]) => say(`The client event ${event} is off: without it ${without}.`));
  return [...missing(neededEvents, fault), ...missing(usefulEvents, advice)];
}

function systemTools({ conversation_config: { agent } }: AgentView): Finding[] {
  const builtIn = agent?.prompt?.built_in_tools ?? {};
  const isOn = (name: string) => (builtIn[name] ?? null) !== null;
  const dead = Object.entries(deadSystemTools)
    .filter(([name]) => isOn(name))
    .map(([name, instead]) =>
      fault(
        `The system tool ${name} works on ElevenLabs' own telephony alone and fails over a WebSocket: ${instead}.`,
      ),
    );
  const missing = Object.entries(neededSystemTools)
    .filter(([name]) => !isOn(name))
    .map(([name, { without }]) => advice(`The system tool ${name} is off: without it ${without}.`));
  return [...dead, ...missing];
}

/** `{{name}}` in any text of the agent, and variables that its tools name as such. */
function namesIn(value: unknown, names: Set<string>): void {
  if (typeof value === 'string') {
    for (const [, name] of value.matchAll(/\{\{ ?(\w{1,128}) ?\}\}/g)) names.add(name ?? '');
  } else if (Array.isArray(value)) {
    for (const each of value) namesIn(each, names);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, each] of Object.entries(value)) {
      if (/^(dynamic_variable|variable_name)$/.test(key) && typeof each === 'string' && each !== '')
        names.add(each);
      else namesIn(each, names);
    }
  }
}

function variables(agent: AgentView, own: readonly AgentTool[], options: DoctorOptions): Finding[] {
  const names = new Set<string>();
  namesIn(
    [agent.conversation_config.agent?.first_message, agent.conversation_config.agent?.prompt, own],
    names,
  );
  const given = new Set(options.variables);
  return [...names].flatMap(name => {
    const instead = deadVariables[name];
    if (instead !== undefined)
      return [fault(`{{${name}}} stays empty over a WebSocket: write {{${instead}}} in its place.`)];
    if (name.startsWith('system__') || knownVariables.has(name) || given.has(name)) {
      return name === 'call_sid'
        ? [advice('{{call_sid}} is there only for calls from Twilio: without it a call ends as it begins.')]
        : [];
    }
    if (name.startsWith('sip_')) {
      return [
        advice(
          `{{${name}}} is there only for calls that bring its header: without it a call ends as it begins.`,
        ),
      ];
    }
    return [
      advice(
        `{{${name}}} is not a variable of this bridge: a call without it ends as it begins, unless the number's dynamic_variables or the initiation webhook give it.`,
      ),
    ];
  });
}

function access({ platform_settings: settings }: AgentView): Finding[] {
  const auth = settings?.auth;
  const found: Finding[] = [];
  if (auth?.enable_auth !== true)
    found.push(
      advice(
        'Authentication is off: whoever knows the id of the agent can talk to it. The bridge signs in, so switch it on.',
      ),
    );
  if (auth?.require_origin_header === true || (auth?.allowlist ?? []).length > 0)
    found.push(
      fault(
        'The agent takes listed hosts alone (allowlist, require_origin_header), and a bridge sends no Origin: empty the list.',
      ),
    );
  if (settings?.overrides?.enable_conversation_initiation_client_data_from_webhook === true) {
    found.push(
      advice(
        "The agent's own conversation initiation webhook is not called over a WebSocket: configure it on this bridge (docs/webhooks.md).",
      ),
    );
  }
  return found;
}

function conduct({ conversation_config: { turn, conversation } }: AgentView): Finding[] {
  const found: Finding[] = [];
  if (conversation?.text_only === true)
    found.push(fault('conversation.text_only is on: the agent neither hears nor speaks.'));
  if ((turn?.silence_end_call_timeout ?? -1) >= 0) {
    found.push(
      advice(
        `turn.silence_end_call_timeout is ${turn?.silence_end_call_timeout} s: a caller who looks for the code, or is on hold, is hung up on. -1 is off.`,
      ),
    );
  }
  return found;
}
